"""Whether a task that ended badly is run again by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskyard.api.errors import INFRASTRUCTURE, Cause

LONGEST_PAUSE = 3600.0
"""Seconds between two attempts, however many there were."""


@dataclass(frozen=True, slots=True)
class Policy:
    """``max`` further attempts, for these causes; no causes named means any.

    ``delay`` is how long the first of them waits, in seconds; each waits twice as long as the one
    before.
    """

    max: int = 0
    causes: frozenset[str] = frozenset()
    delay: float = 0.0

    def allows(self, cause: str, retries: int) -> bool:
        """Whether an attempt that ended for ``cause`` after ``retries`` retries has another."""
        if cause == Cause.ABORTED or retries >= self.max:
            return False
        if not self.causes or cause in self.causes:
            return True
        return "infrastructure" in self.causes and cause in INFRASTRUCTURE

    def pause(self, retries: int) -> float:
        """Seconds before the next attempt, after ``retries`` retries."""
        return min(self.delay * 2.0 ** min(retries, 32), LONGEST_PAUSE)


def policy_of(task: Mapping[str, Any]) -> Policy:
    """The retry policy written on a task document; anything malformed counts as no retries."""
    given = task.get("retry")
    if not isinstance(given, Mapping):
        return Policy()
    limit, causes, delay = given.get("max"), given.get("causes"), given.get("delay")
    return Policy(
        max=limit if isinstance(limit, int) and limit > 0 else 0,
        causes=frozenset(str(c) for c in causes) if isinstance(causes, list) else frozenset(),
        delay=float(delay) if isinstance(delay, (int, float)) and delay > 0 else 0.0,
    )
