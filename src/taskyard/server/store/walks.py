"""Reading a task's events page by page, in order of iteration.

Where a reader stands is written into the scroll's id itself: a page that is asked for twice,
because its answer got lost on the way, is the same page.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from taskyard.api.errors import INVALID_SCROLL_ID, ApiError
from taskyard.api.events import LOG, SCALAR, TYPES, EventsPage
from taskyard.server.store import catalog, logs, samples, scalars
from taskyard.server.store.engine import Tx
from taskyard.server.store.scalars import Point


class Place(msgspec.Struct, array_like=True):
    """Beyond which iteration, or moment of the console, a reader goes on. None: the start."""

    after: int | None = None
    in_console: bool = False


def token(after: int | None, *, in_console: bool = False) -> str:
    raw = msgspec.msgpack.encode(Place(after, in_console))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def place(scroll_id: str | None) -> Place:
    """Where a scroll stands. Raises ApiError(INVALID_SCROLL_ID) for an id that is none of ours."""
    if not scroll_id:
        return Place()
    try:
        raw = base64.urlsafe_b64decode(scroll_id + "=" * (-len(scroll_id) % 4))
        return msgspec.msgpack.decode(raw, type=Place)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise ApiError(
            INVALID_SCROLL_ID, scroll_id=scroll_id[:100], hint="Start again without a scroll id."
        ) from error


def position(scroll_id: str | None) -> int | None:
    return place(scroll_id).after


def page(
    tx: Tx,
    task: str,
    types: Sequence[str] | None,
    scroll_id: str | None,
    limit: int,
    *,
    descending: bool = False,
    names: catalog.Names | None = None,
) -> EventsPage:
    """The next events: by iteration, then those of the console by time; reversed if descending.

    A page ends only between two iterations, or two moments of the console.
    """
    wanted = TYPES if types is None else types
    at = place(scroll_id)
    parts = [False, True] if LOG in wanted and len(wanted) > 1 else [LOG in wanted]
    if descending:
        parts.reverse()
    if at.in_console in parts and scroll_id:
        parts = parts[parts.index(at.in_console) :]
    found: list[dict[str, Any]] = []
    for part in parts:
        if part != at.in_console:
            at = Place(None, part)
        left = limit - len(found)
        if part:
            some, at.after = _console(tx, task, at.after, left, descending)
        else:
            some, at.after = _metrics(tx, task, wanted, names, at.after, left, descending)
        found += some
        if len(found) >= limit:
            break
    return EventsPage(
        events=found,
        returned=len(found),
        total=_total(tx, task, wanted, names),
        scroll_id=token(at.after, in_console=at.in_console),
    )


def _console(
    tx: Tx, task: str, after: int | None, limit: int, descending: bool
) -> tuple[list[dict[str, Any]], int | None]:
    lines = logs.read(tx, task, after, limit, descending=descending)
    last = lines[-1].time if lines else after
    return [logs.document(task, line) for line in lines], last


def _metrics(
    tx: Tx,
    task: str,
    types: Sequence[str],
    names: catalog.Names | None,
    after: int | None,
    limit: int,
    descending: bool,
) -> tuple[list[dict[str, Any]], int | None]:
    found = catalog.find(tx, [task], types, names)
    curves = scalars.chunks_of(tx, [s for s in found if s.type == SCALAR])
    others = [s for s in found if s.type not in (SCALAR, LOG)]
    points = scalars.window(tx, curves, after, limit, descending=descending)
    pieces = samples.window(tx, others, after, limit, descending=descending)
    sign = -1 if descending else 1
    # Each source is complete up to its own last iteration, if it has more than was asked for.
    ends = [some[-1].iter for some in (points, pieces) if len(some) >= limit]
    end = min((sign * e for e in ends), default=math.inf)
    merged: list[tuple[int, int, dict[str, Any]]] = [
        (sign * p.iter, p.time, document(p)) for p in points if sign * p.iter <= end
    ]
    kept = [s for s in pieces if sign * s.iter <= end]
    for sample, event in zip(kept, samples.documents(tx, kept), strict=True):
        merged.append((sign * sample.iter, sample.timestamp, event))
    merged.sort(key=lambda item: item[:2])
    cut = limit
    while 0 < cut < len(merged) and merged[cut][0] == merged[cut - 1][0]:
        cut += 1
    merged = merged[:cut]
    return [event for _, _, event in merged], sign * merged[-1][0] if merged else after


def document(point: Point) -> dict[str, Any]:
    """A point as the event that reported it."""
    series = point.group.series
    event = {
        "type": SCALAR,
        "task": series.task,
        "timestamp": point.time,
        "worker": point.group.worker,
        "iter": point.iter,
        "metric": series.metric,
        "variant": series.variant,
    }
    if not math.isnan(point.value):
        event["value"] = point.value
    return event


def _total(tx: Tx, task: str, types: Sequence[str], names: catalog.Names | None) -> int:
    found = catalog.find(tx, [task], types, names)
    curves = scalars.chunks_of(tx, [s for s in found if s.type == SCALAR])
    others = [s for s in found if s.type not in (SCALAR, LOG)]
    lines = logs.count(tx, task) if LOG in types else 0
    return scalars.count(tx, curves) + samples.count(tx, others) + lines
