"""How workers and their machines were: every report for a day, then ever coarser intervals.

Times are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, bindparam, delete, func, insert, select

from taskyard.server.domain.statistics import Measured, Measurement, merge
from taskyard.server.store.database import locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import worker_samples as table

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

REPORTS = 0
"""The step of reports as they came."""


class Resolution(NamedTuple):
    """Intervals of ``step`` seconds, kept for so long."""

    step: int
    kept: int


RESOLUTIONS = (
    Resolution(REPORTS, DAY),
    Resolution(60, 7 * DAY),
    Resolution(600, 90 * DAY),
)
"""From fine to coarse. Each is made of the one before it."""

LATE = 120 * SECOND
"""How long after an interval reports of it may still come."""

AT_ONCE = 6 * HOUR
"""The longest span that is gathered in one transaction."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Measured])

_ADD = Prepared(
    insert(table).values({column.name: bindparam(f"of_{column.name}") for column in table.columns})
)


def add(
    tx: Tx,
    company: str,
    worker: str,
    at: int,
    measured: Iterable[tuple[str, str, str, float]],
    task: str | None,
) -> None:
    """Keep a report: (category, metric, variant, value) each, and that the worker was there."""
    data = [
        Measured(category, metric, variant, value, value, value, 1)
        for category, metric, variant, value in measured
    ]
    _put(tx, company, worker, REPORTS, at, task or None, data)


def _put(
    tx: Tx, company: str, worker: str, step: int, at: int, task: str | None, data: list[Measured]
) -> None:
    _ADD.run(
        tx,
        of_company=company,
        of_worker=worker,
        of_step=step,
        of_at=at,
        of_task=task,
        of_data=_encoder.encode(data),
    )


def metric_names(tx: Tx, company: str, ids: Sequence[str] | None) -> list[tuple[str, str]]:
    """Category and name of all that was measured in the last days, in order."""
    found: set[tuple[str, str]] = set()
    # Of each worker the last report, and of the coarse intervals all there are.
    for step in (REPORTS, 600):
        query = select(table.c.data).where(table.c.company == company, table.c.step == step)
        if ids:
            query = query.where(table.c.worker.in_(ids))
        for data in tx.execute(query.order_by(table.c.at.desc()).limit(2000)).scalars():
            found.update((one.category, one.metric) for one in _decoder.decode(data))
    return sorted(found)


class Sample(NamedTuple):
    worker: str
    metric: str
    measurement: Measurement


def samples(
    tx: Tx,
    company: str,
    ids: Sequence[str] | None,
    metrics: Sequence[str],
    start: int,
    end: int,
) -> Iterator[Sample]:
    """Measurements in a span of time, as fine as they are kept, in order of time."""
    wanted = set(metrics)
    for row in _rows(tx, company, ids, start, end):
        for one in _decoder.decode(row.data):
            if one.metric in wanted:
                yield Sample(
                    row.worker,
                    one.metric,
                    Measurement(row.at, one.variant, one.mean, one.low, one.high, one.weight),
                )


def latest(
    tx: Tx, company: str, ids: Sequence[str] | None, since: int
) -> list[tuple[Row[Any], list[Measured]]]:
    """The last report of each worker, of those after ``since``."""
    query = select(table).where(
        table.c.company == company, table.c.step == REPORTS, table.c.at >= since
    )
    if ids:
        query = query.where(table.c.worker.in_(ids))
    last = {row.worker: row for row in tx.execute(query.order_by(table.c.at))}
    return [(row, _decoder.decode(row.data)) for row in last.values()]


def sightings(tx: Tx, company: str, start: int, end: int) -> Iterator[Row[Any]]:
    """Reports (at, worker, task) in a span of time, as fine as they are kept."""
    yield from _rows(tx, company, None, start, end)


def _rows(
    tx: Tx, company: str, ids: Sequence[str] | None, start: int, end: int
) -> Iterator[Row[Any]]:
    """The rows of a span: of each moment those of the finest resolution that is still kept."""
    for step, since, until in _parts(tx, start, end):
        query = select(table).where(
            table.c.company == company,
            table.c.step == step,
            table.c.at >= since,
            table.c.at < until,
        )
        if ids:
            query = query.where(table.c.worker.in_(ids))
        yield from tx.execute(query.order_by(table.c.at))


def _parts(tx: Tx, start: int, end: int) -> list[tuple[int, int, int]]:
    """The step to read for each part of a span, the oldest part first."""
    parts = []
    for finer, coarser in pairwise(RESOLUTIONS):
        # Whole intervals of the coarser from where the finer ones are gone.
        border = _floor(tx.now - finer.kept, coarser.step) + coarser.step * SECOND
        since = max(start, border)
        if since < end:
            parts.append((finer.step, since, end))
            end = since
    if start < end:
        parts.append((RESOLUTIONS[-1].step, _floor(start, RESOLUTIONS[-1].step), end))
    return parts[::-1]


def _floor(at: int, step: int) -> int:
    return at - at % (step * SECOND) if step else at


def gather(tx: Tx) -> bool:
    """Gather what is due into coarser intervals, a part of it; False when there is nothing."""
    done = False
    if not locks.try_to_take(tx, "worker history"):
        return done
    for finer, coarser in pairwise(RESOLUTIONS):
        done |= _gather(tx, finer.step, coarser.step)
    return done


def _gather(tx: Tx, finer: int, coarser: int) -> bool:
    last = tx.execute(select(func.max(table.c.at)).where(table.c.step == coarser)).scalar()
    since = 0 if last is None else last + coarser * SECOND
    next_one = select(func.min(table.c.at)).where(table.c.step == finer, table.c.at >= since)
    start = tx.execute(next_one).scalar()
    if start is None:
        return False
    start = _floor(start, coarser)
    end = min(_floor(tx.now - LATE, coarser), start + AT_ONCE)
    rows = tx.execute(
        select(table)
        .where(table.c.step == finer, table.c.at >= start, table.c.at < end)
        .order_by(table.c.at)
    )
    found: dict[tuple[int, str, str], tuple[str | None, list[list[Measured]]]] = {}
    for row in rows:
        key = (_floor(row.at, coarser), row.company, row.worker)
        task, parts = found.get(key, (None, []))
        parts.append(_decoder.decode(row.data))
        found[key] = (row.task or task, parts)
    for (at, company, worker), (task, parts) in found.items():
        _put(tx, company, worker, coarser, at, task, merge(parts))
    return bool(found)


def forget(tx: Tx, longest: int) -> None:
    """Delete what is kept no longer; nothing for longer than ``longest``."""
    for step, kept in RESOLUTIONS:
        # A little longer than it is shown, as borders are rounded.
        before = tx.now - min(kept + HOUR, longest)
        tx.execute(delete(table).where(table.c.step == step, table.c.at < before))
