"""Which events are taken, and what is put right in them on the way in."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from taskyard.api.events import IMAGE, LOG, PLOT, SCALAR, TYPES, VECTOR

MONITOR_METRICS = frozenset({":monitor:machine", ":monitor:gpu"})
"""Metrics of the machine: their iterations are seconds and say nothing about the task's own."""

FAR = 2**63
LATEST = 2**53
"""Times beyond this many milliseconds would not survive a client's floating point."""

_NOT_STORED = frozenset({"method", "allow_locked", "model_event", "skip_validation", "@timestamp"})


class Refused(Exception):
    """An event that is not taken; the text says why and is counted in ``errors_info``."""


class Event(msgspec.Struct, kw_only=True):
    """An event that is fit to be stored. ``timestamp`` is in milliseconds."""

    type: str
    task: str
    timestamp: int
    worker: str
    iter: int | None
    metric: str
    variant: str
    value: float
    rest: dict[str, Any]
    """Every other field, as it came."""
    allow_locked: bool
    of_model: bool


def accept(event: Any, *, now_ms: int, worker: str) -> Event:
    """Check an event as it came from a client. Raises Refused."""
    if not isinstance(event, dict):
        raise Refused("an event must be an object")
    kind, task = event.get("type"), event.get("task")
    if not kind:
        raise Refused("the event has no type")
    if kind not in TYPES:
        raise Refused(f"unknown event type {str(kind)[:100]}")
    if not task or not isinstance(task, str):
        raise Refused("the event has no task")
    of_model = event.get("model_event") is True
    if of_model and kind == LOG:
        raise Refused("a model has no console")
    return Event(
        type=kind,
        task=task,
        timestamp=_time(event.get("timestamp"), now_ms),
        worker=_text(event.get("worker")) or worker,
        iter=_iteration(event.get("iter")),
        metric=_text(event.get("metric")),
        variant=_text(event.get("variant")),
        value=_value(event.get("value")) if kind == SCALAR else math.nan,
        rest=_rest(event, kind),
        allow_locked=event.get("allow_locked") is True,
        of_model=of_model,
    )


_COLUMNS = frozenset({"type", "task", "timestamp", "worker", "iter", "metric", "variant"})


def _rest(event: dict[str, Any], kind: str) -> dict[str, Any]:
    rest = {
        name: value
        for name, value in event.items()
        if value is not None and name not in _COLUMNS and name not in _NOT_STORED
    }
    if kind == PLOT:
        text = rest.get("plot_str")
        if text is not None and not isinstance(text, str):
            raise Refused("plot_str is not a string")
        if text is not None:
            rest["plot_len"] = len(text)
    elif kind == IMAGE:
        rest["url"] = _text(rest.get("url"))
    elif kind == VECTOR:
        values = rest.get("values", [])
        if not isinstance(values, list):
            raise Refused("values is not a list")
        rest["values"] = [_value(value) for value in values]
    return rest


def is_drawable(event: dict[str, Any]) -> bool:
    """Whether a plot, as it came, can be drawn: its text is JSON, or was not to be checked."""
    if event.get("skip_validation") is True:
        return True
    text = event.get("plot_str")
    if not isinstance(text, str):
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _is_python_json(text)
    return True


def _is_python_json(text: str) -> bool:
    # Plots written by Python's own encoder may hold NaN and Infinity, which drawers take.
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _time(value: Any, now_ms: int) -> int:
    if value is None:
        return now_ms
    number = _number(value)
    if number is None or not 0 <= number <= LATEST:
        raise Refused("timestamp is not a number of milliseconds")
    return int(number)


def _iteration(value: Any) -> int | None:
    if value is None:
        return None
    number = _number(value)
    if number is None or not math.isfinite(number):
        raise Refused("iter is not a number")
    whole = int(number)
    if not -FAR <= whole < FAR:
        raise Refused("iter is out of range")
    return whole


def _value(value: Any) -> float:
    if value is None:
        return math.nan
    number = _number(value)
    if number is None:
        raise Refused("value is not a number")
    try:
        number = float(number)
    except OverflowError:
        raise Refused("value is out of range") from None
    if math.isinf(number):
        raise Refused("value is out of range")
    return number


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    # PostgreSQL's text cannot hold the character zero.
    return (value if isinstance(value, str) else str(value)).replace("\0", "")
