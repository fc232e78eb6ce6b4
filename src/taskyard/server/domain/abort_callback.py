"""How long a task that is aborted may take over what its code registered for that moment.

The SDK's ``register_abort_callback`` notes on the task how long its function may run; when the
function is through, it notes that, too. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST = 1800.0
"""Seconds that a callback may take, whatever it asks for."""
LOOKS_EVERY = 15.0
"""Seconds between two looks of the SDK at its task, unless it says otherwise."""


def patience(runtime: Mapping[str, Any]) -> float | None:
    """Seconds to leave the code alone from the abort on; None when nothing is to be waited for."""
    allowed = _number(runtime.get("_abort_callback_timeout"))
    if allowed <= 0 or runtime.get("_abort_callback_completed"):
        return None
    until_seen = _number(runtime.get("_abort_poll_freq")) or LOOKS_EVERY
    return min(allowed + until_seen, LONGEST)


def _number(value: Any) -> float:
    """Clients write these as numbers or as text."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if 0 < found < float("inf") else 0.0
