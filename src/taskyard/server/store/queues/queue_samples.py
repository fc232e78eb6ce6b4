"""Samples of queues: their length and waiting time, kept at each change and now and then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from taskyard.api.states import LIVE_ATTEMPT
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import attempts, entries, queues
from taskyard.server.store.tables import queue_samples as table

SAMPLE_GAP = 10_000
"""Microseconds within which a second sample of a queue is left to the statistics job: counting
the entries at every one of thousands of changes a second would cost more than the change."""

SAMPLE_SHARE = 0.01
"""The most of the time that samples of one queue may take: those of a long one take longer, and
are fewer."""

REMEMBERED = 10_000
"""The most queues whose last sample is remembered."""


_QUEUE = bindparam("of_queue", type_=String)
_AT = bindparam("moment", type_=BigInteger)
_NOW = bindparam("now", type_=BigInteger)
_STATE = (
    select(
        func.count().label("length"),
        func.coalesce((_NOW - func.avg(entries.c.added)) / 1_000_000.0, 0.0).label("waiting"),
        func.coalesce((_NOW - func.min(entries.c.added)) / 1_000_000.0, 0.0).label("oldest"),
    )
    .where(entries.c.queue == _QUEUE)
    .subquery()
)
_RUNNING = (
    select(func.count())
    .where(or_(*(attempts.c.state == state for state in sorted(LIVE_ATTEMPT))))
    .where(attempts.c.queue == _QUEUE)
    .scalar_subquery()
)
_VALUES = select(_QUEUE, _AT, _STATE.c.length, _STATE.c.waiting, _STATE.c.oldest, _RUNNING)
_NAMES = ["queue", "at", "length", "waiting", "oldest", "running"]
_SAMPLE = Prepared(insert(table).from_select(_NAMES, _VALUES))
_TOUCH = Prepared(
    update(queues).where(queues.c.id == bindparam("of_queue")).values(last_update=bindparam("now"))
)


_sampled: dict[str, tuple[int, int]] = {}
"""When this process last noted the state of each queue, and from when on it may again."""


def before_leaving(tx: Tx, queue: str) -> None:
    """Note the state of a queue that an entry is about to leave, with its waiting time."""
    _add_unless_recent(tx, queue, tx.now - 1)


def changed(tx: Tx, queue: str) -> None:
    """Note that entries came or went: the queue's time of change, and a sample."""
    touch(tx, queue)
    _add_unless_recent(tx, queue, tx.now)


def touch(tx: Tx, queue: str) -> None:
    """Set a queue's time of change."""
    now = tx.now
    tx.before_commit(f"touch:{queue}", lambda last: _touch(last, queue, now))


def _touch(tx: Tx, queue: str, now: int) -> None:
    _TOUCH.run(tx, of_queue=queue, now=now)


def add(tx: Tx, queue: str) -> None:
    """Keep length and average waiting time (seconds) of a queue as they are now."""
    _sample(tx, queue, tx.now)


def _sample(tx: Tx, queue: str, at: int) -> None:
    if len(_sampled) >= REMEMBERED:
        _sampled.clear()
    begun = time.perf_counter()
    _SAMPLE.run(tx, of_queue=queue, moment=at, now=tx.now)
    rest = (time.perf_counter() - begun) * 1e6 / SAMPLE_SHARE
    _sampled[queue] = (at, tx.now + max(SAMPLE_GAP, round(rest)))


def _add_unless_recent(tx: Tx, queue: str, at: int) -> None:
    last, again = _sampled.get(queue, (0, 0))
    # What this transaction itself noted before an entry left does not count as recent.
    if again <= tx.now or last == tx.now - 1:
        _sample(tx, queue, at)


def between(tx: Tx, ids: Sequence[str], start: int, end: int) -> list[Row[Any]]:
    """Samples of some queues in a span of time (microseconds), in order of time."""
    query = (
        select(table)
        .where(table.c.queue.in_(ids), table.c.at >= start, table.c.at < end)
        .order_by(table.c.at)
    )
    return list(tx.execute(query))


def wanting(tx: Tx, *, every: int | None = None) -> list[str]:
    """Queues that changed after their last sample, or whose last is ``every`` microseconds old."""
    last = (
        select(table.c.queue, func.max(table.c.at).label("at")).group_by(table.c.queue).subquery()
    )
    conditions = [last.c.at.is_(None), last.c.at < queues.c.last_update]
    if every is not None:
        conditions.append(last.c.at <= tx.now - every)
    query = (
        select(queues.c.id)
        .outerjoin(last, last.c.queue == queues.c.id)
        .where(or_(*conditions))
        .order_by(queues.c.id)
    )
    return list(tx.execute(query).scalars())


THINNED = ((24 * 3600, 60), (7 * 24 * 3600, 600))
"""From which age on (seconds) one sample is kept of each interval (seconds)."""

THIN_AT_ONCE = 2 * 3600
"""Seconds of samples that a round looks at: more than lie between two rounds."""


def forget(tx: Tx, before: int) -> None:
    """Delete samples older than ``before`` (microseconds), and thin out the older of the rest."""
    tx.execute(delete(table).where(table.c.at < before))
    for age, interval in THINNED:
        end = tx.now - age * 1_000_000
        _thin(tx, end - THIN_AT_ONCE * 1_000_000, end, interval * 1_000_000)


def _thin(tx: Tx, start: int, end: int, interval: int) -> None:
    """Keep of each interval the sample with the longest waiting, as charts show that one."""
    other = table.alias()
    # Whole intervals only: of one that is cut, the rest comes next time.
    start, end = start - start % interval, end - end % interval
    same = (other.c.queue == table.c.queue, other.c.at - other.c.at % interval == _start(interval))
    longer = or_(
        other.c.waiting > table.c.waiting,
        and_(other.c.waiting == table.c.waiting, other.c.at > table.c.at),
    )
    near = (other.c.at > table.c.at - interval, other.c.at < table.c.at + interval)
    tx.execute(
        delete(table).where(
            table.c.at >= start, table.c.at < end, exists().where(*same, *near, longer)
        )
    )


def _start(interval: int) -> ColumnElement[int]:
    return table.c.at - table.c.at % interval
