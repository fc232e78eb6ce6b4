"""Whether a task that ended badly is run again by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskyard.api.errors import INFRASTRUCTURE, Cause


@dataclass(frozen=True, slots=True)
class Policy:
    """``max`` further attempts, for these causes; no causes named means any."""

    max: int = 0
    causes: frozenset[str] = frozenset()

    def allows(self, cause: str, retries: int) -> bool:
        """Whether an attempt that ended for ``cause`` after ``retries`` retries has another."""
        if cause == Cause.ABORTED or retries >= self.max:
            return False
        if not self.causes or cause in self.causes:
            return True
        return "infrastructure" in self.causes and cause in INFRASTRUCTURE


def policy_of(task: Mapping[str, Any]) -> Policy:
    """The retry policy written on a task document; anything malformed counts as no retries."""
    given = task.get("retry")
    if not isinstance(given, Mapping):
        return Policy()
    limit, causes = given.get("max"), given.get("causes")
    return Policy(
        max=limit if isinstance(limit, int) and limit > 0 else 0,
        causes=frozenset(str(c) for c in causes) if isinstance(causes, list) else frozenset(),
    )
