"""Reading a task's events page by page, in order of iteration.

Where a reader stands is written into the scroll's id itself: a page that is asked for twice,
because its answer got lost on the way, is the same page.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from taskyard.api.errors import INVALID_SCROLL_ID, ApiError
from taskyard.api.events import LOG, SCALAR, TYPES, EventsPage
from taskyard.server.domain.console import Line
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import catalog, logs, samples, scalars
from taskyard.server.store.events.samples import Sample
from taskyard.server.store.events.scalars import Point

T = TypeVar("T")


Far = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a reader goes on: at this iteration, or moment of the console (None: the start)."""

    at: Far | None = None
    done: Annotated[int, Meta(ge=0, le=2**40)] = 0
    """How many events of that iteration, or moment, the reader has."""
    in_console: bool = False


def token(place: Place) -> str:
    """The scroll's id that says where its reader stands."""
    raw = msgspec.msgpack.encode(place)
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


def go_on(
    read: Callable[[int | None, int], Sequence[T]],
    key: Callable[[T], int],
    start: Place,
    limit: int,
    *,
    descending: bool = False,
) -> tuple[Sequence[T], Place]:
    """The next ``limit`` things from ``start`` on, and where the reader stands then.

    ``read`` is given the iteration (or moment) after which to begin, None for the start, and how
    many are wanted; ``key`` says which iteration one is of.
    """
    found = read(_just_before(start.at, descending=descending), limit + start.done)
    known = 0
    while known < min(start.done, len(found)) and key(found[known]) == start.at:
        known += 1
    shown = found[known : known + limit]
    if not shown:
        return [], start
    at = key(shown[-1])
    done = sum(key(one) == at for one in shown) + (known if at == start.at else 0)
    return shown, Place(at, done, start.in_console)


def _just_before(at: int | None, *, descending: bool) -> int | None:
    if at is None:
        return None
    before = at + 1 if descending else at - 1
    return before if -(2**63) <= before < 2**63 else None


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
    """The next events: by iteration, then those of the console by time; reversed if descending."""
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
            at = Place(in_console=part)
        left = limit - len(found)
        if part:
            lines, at = read_console(tx, task, at, left, descending=descending)
            found += [logs.document(task, line) for line in lines]
        else:
            read = partial(_metrics, tx, task, wanted, names, descending=descending)
            some, at = go_on(read, _iteration, at, left, descending=descending)
            found += _documents(tx, some)
        if len(found) >= limit:
            break
    return EventsPage(
        events=found,
        returned=len(found),
        total=_total(tx, task, wanted, names),
        scroll_id=token(at),
    )


def read_console(
    tx: Tx, task: str, start: Place, limit: int, *, descending: bool = False
) -> tuple[Sequence[Line], Place]:
    """The next events of the console by time, and where the reader stands then."""

    def read(after: int | None, limit: int) -> Sequence[Line]:
        return logs.read(tx, task, after, limit, descending=descending)

    return go_on(read, lambda line: line.time, start, limit, descending=descending)


Reported = Point | Sample


def _iteration(one: Reported) -> int:
    return one.iter


def _metrics(
    tx: Tx,
    task: str,
    types: Sequence[str],
    names: catalog.Names | None,
    after: int | None,
    limit: int,
    *,
    descending: bool,
) -> Sequence[Reported]:
    found = catalog.find(tx, [task], types, names)
    curves = scalars.chunks_of(tx, [s for s in found if s.type == SCALAR])
    others = [s for s in found if s.type not in (SCALAR, LOG)]
    points = scalars.window(tx, curves, after, limit, descending=descending)
    pieces = samples.window(tx, others, after, limit, descending=descending)
    sign = -1 if descending else 1
    # Each source is complete up to its own last iteration, if it has more than was asked for.
    ends = [some[-1].iter for some in (points, pieces) if len(some) >= limit]
    end = min((sign * e for e in ends), default=math.inf)
    kept: list[tuple[int, int, Reported]] = [
        (sign * p.iter, p.time, p) for p in points if sign * p.iter <= end
    ]
    kept += [(sign * s.iter, s.timestamp, s) for s in pieces if sign * s.iter <= end]
    kept.sort(key=itemgetter(0, 1))
    return [one for _, _, one in kept]


def _documents(tx: Tx, reported: Sequence[Reported]) -> list[dict[str, Any]]:
    others = iter(samples.documents(tx, [one for one in reported if isinstance(one, Sample)]))
    return [document(one) if isinstance(one, Point) else next(others) for one in reported]


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
