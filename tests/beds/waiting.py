"""Waiting for what must come about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 60.0
"""Seconds for anything that is waited for: far more than it takes."""

T = TypeVar("T")


def until(
    look: Callable[[], T], what: str | Callable[[], str] = "it", *, seconds: float = DEADLINE
) -> T:
    """The first true answer. Fails after a generous while, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > deadline:
            words = what if isinstance(what, str) else what()
            raise AssertionError(f"still waiting for {words}")
        time.sleep(0.02)
    return answer
