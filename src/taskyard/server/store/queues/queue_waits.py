"""How long tasks waited in queues until they were handed out: counts by length, for each minute.

They are counted in this process as tasks are handed out, and written together every few seconds: a
row that every hand-out changes would have them wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from taskyard.server.domain import waits
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tables import queue_waits as table

SECOND = 1_000_000
MINUTE = 60 * SECOND


class Slot(NamedTuple):
    """What is counted as one: waits in a queue, of a minute (microseconds), of a length."""

    queue: str
    at: int
    bucket: int


Counts = Mapping[Slot, int]

_counted: WeakKeyDictionary[Engine, Counter[Slot]] = WeakKeyDictionary()
"""What this process has counted and not written yet, by database. Changed on the event loop."""


def note(tx: Tx, queue: str, added: int) -> None:
    """Count a task that was added to a queue at a time (microseconds) and is handed out now."""
    slot = Slot(queue, tx.now - tx.now % MINUTE, waits.bucket((tx.now - added) / SECOND))
    engine = tx.connection.engine
    tx.after_commit(lambda: _counted.setdefault(engine, Counter()).update((slot,)))


def take(engine: Engine) -> Counts:
    """What was counted and is to be written."""
    return _counted.pop(engine, Counter())


def add(tx: Tx, counts: Counts) -> None:
    """Write counts, beside what is written already."""
    make = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    statement = make(table)
    statement = statement.on_conflict_do_update(
        index_elements=["queue", "at", "bucket"],
        set_={"number": table.c.number + statement.excluded.number},
    )
    # In one order: other servers write theirs.
    rows = [{**slot._asdict(), "number": number} for slot, number in sorted(counts.items())]
    if rows:
        tx.execute(statement, rows)


def between(tx: Tx, ids: Sequence[str], start: int, end: int) -> Counts:
    """What was handed out of some queues in a span of time (microseconds)."""
    query = select(table).where(table.c.queue.in_(ids), table.c.at >= start, table.c.at < end)
    return {Slot(row.queue, row.at, row.bucket): row.number for row in tx.execute(query)}


KEPT_BY_MINUTE = 24 * 3600 * SECOND
COARSE = 10 * MINUTE
"""The interval of older counts."""
AT_ONCE = 2 * 3600 * SECOND
"""The span that a round makes coarse: more than lies between two rounds."""


def forget(tx: Tx, before: int) -> None:
    """Delete counts older than ``before`` (microseconds), and make the older of the rest coarse."""
    tx.execute(delete(table).where(table.c.at < before))
    end = tx.now - KEPT_BY_MINUTE
    fine = (table.c.at >= end - AT_ONCE, table.c.at < end - end % COARSE, table.c.at % COARSE != 0)
    found: Counter[Slot] = Counter()
    for row in tx.execute(select(table).where(*fine).with_for_update()):
        found[Slot(row.queue, row.at - row.at % COARSE, row.bucket)] += row.number
    tx.execute(delete(table).where(*fine))
    add(tx, found)
