"""Which events are taken, and what is put right in them on the way in."""

from __future__ import annotations

import math
import sys
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from taskyard.api.events import IMAGE, LOG, PLOT, SCALAR, TYPES, VECTOR, EventType

MONITOR_METRICS = frozenset({":monitor:machine", ":monitor:gpu"})
"""Metrics of the machine: their iterations are seconds and say nothing about the task's own."""

FAR = 2**63
LATEST = 2**53
"""Times beyond this many milliseconds would not survive a client's floating point."""

GREATEST = sys.float_info.max


NUL_IN_NAME = "a name in the event holds a NUL character"
"""Printed text may hold one, and what a metric is called loses it on the way to the store."""

NO_MODEL_CONSOLE = "a model has no console"


class Refused(Exception):
    """An event that is not taken; the text says why and is counted in ``errors_info``."""


class Event(msgspec.Struct, kw_only=True, gc=False):
    """What every type of event has. ``timestamp`` is in milliseconds."""

    task: Annotated[str, Meta(min_length=1)]
    timestamp: Annotated[int, Meta(ge=0, le=LATEST)] | None = None
    worker: str | None = None
    iter: Annotated[int, Meta(ge=-FAR, le=FAR - 1)] | None = None
    metric: str | None = None
    variant: str | None = None
    allow_locked: bool | None = None
    model_event: bool | None = None


Value = Annotated[float, Meta(ge=-GREATEST, le=GREATEST)] | None


class Scalar(Event, tag_field="type", tag=SCALAR):
    value: Value = None
    x_axis_label: str | None = None


class Printed(Event, tag_field="type", tag=LOG, forbid_unknown_fields=True):
    """A line of the console with nothing but what nearly all clients send."""

    msg: str = ""
    level: str | None = None
    method: Any = None


class Other(Event, gc=True):
    """Plots, images, vectors, and lines of the console with fields of their own."""

    type: EventType
    sent: dict[str, Any]
    """The event as it came."""


Taken = Scalar | Printed | Other

_decoder = msgspec.json.Decoder(Scalar | Printed)
_UNUSUAL = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode_lines(lines: bytes) -> list[Taken] | None:
    """The events of a batch of JSON lines, if all are scalars and lines of the usual form."""
    try:
        events: list[Taken] = _decoder.decode_lines(lines)
    except _UNUSUAL:
        return None
    # The decoder would also take several of them in one line.
    return events if len(events) == lines.count(b"\n") + (lines[-1:] != b"\n") else None


def decode_line(line: bytes) -> Taken | None:
    """One event of JSON, if it is a scalar or a line of the usual form."""
    try:
        event: Taken = _decoder.decode(line)
    except _UNUSUAL:
        return None
    return event


class _Checked(Event):
    type: EventType
    value: Value = None
    x_axis_label: str | None = None


_COMMON = Event.__struct_fields__


def accept(sent: Any) -> Taken:
    """Check the form of an event as it came from a client. Raises Refused."""
    try:
        event = msgspec.convert(sent, _Checked)
    except msgspec.ValidationError:
        # Most events are fit as they are; the others are looked at more closely.
        event = msgspec.convert(_repaired(sent), _Checked)
    common = {name: getattr(event, name) for name in _COMMON}
    if event.type == SCALAR:
        return Scalar(**common, value=event.value, x_axis_label=event.x_axis_label)
    if event.x_axis_label and "\0" in event.x_axis_label:
        raise Refused(NUL_IN_NAME)
    return Other(**common, type=event.type, sent=sent)


def _repaired(sent: Any) -> dict[str, Any]:
    """The event with its fields as they should have come. Raises Refused where that is in doubt."""
    if not isinstance(sent, dict):
        raise Refused("an event must be an object")
    kind, task = sent.get("type"), sent.get("task")
    if not kind:
        raise Refused("the event has no type")
    if kind not in TYPES:
        raise Refused(f"unknown event type {str(kind)[:100]}")
    if not task or not isinstance(task, str):
        raise Refused("the event has no task")
    texts = {name: _text(sent.get(name)) for name in ("worker", "metric", "variant")}
    return {
        **texts,
        "type": kind,
        "task": task,
        "timestamp": _time(sent.get("timestamp")),
        "iter": _iteration(sent.get("iter")),
        "value": _value(sent.get("value")) if kind == SCALAR else None,
        "x_axis_label": _text(sent.get("x_axis_label")) or None,
        "allow_locked": sent.get("allow_locked") is True,
        "model_event": sent.get("model_event") is True,
    }


_NOT_CONTENT = frozenset(
    {
        *("type", "task", "timestamp", "worker", "iter", "metric", "variant"),
        *("method", "allow_locked", "model_event", "skip_validation", "@timestamp"),
    }
)


def content(sent: dict[str, Any], kind: str) -> dict[str, Any]:
    """The fields of an event that are kept as they came. Raises Refused for unfit ones."""
    kept = {n: value for n, value in sent.items() if value is not None and n not in _NOT_CONTENT}
    if kind == PLOT:
        text = kept.get("plot_str", "")
        if not isinstance(text, str):
            raise Refused("plot_str is not a string")
        kept["plot_len"] = len(text)
    elif kind == IMAGE:
        kept["url"] = _text(kept.get("url"))
        if "\0" in kept["url"]:
            raise Refused(NUL_IN_NAME)
    elif kind == VECTOR:
        values = kept.get("values", [])
        if not isinstance(values, list):
            raise Refused("values is not a list")
        kept["values"] = [_value(value) or 0.0 for value in values]
    elif kind == LOG:
        kept["msg"] = _text(kept.get("msg"))
    return kept


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


def _time(value: Any) -> int | None:
    if value is None:
        return None
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


def _value(value: Any) -> float | None:
    if value is None:
        return None
    number = _number(value)
    if number is None or math.isnan(number):
        raise Refused("value is not a number")
    if abs(number) > GREATEST:
        raise Refused("value is out of range")
    return float(number)


def _number(value: Any) -> int | float | None:
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)
