"""How things stand, as numbers: for monitoring."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tables import attempts, entries, queues, tasks
from taskyard.server.store.tasks.attempts import LIVE
from taskyard.server.store.workers import workers


@dataclass(frozen=True, slots=True)
class QueueGauge:
    """``oldest`` is how long its first-come entry has waited: seconds, 0 in an empty queue."""

    name: str
    length: int
    oldest: float
    paused: bool


@dataclass(frozen=True, slots=True)
class Gauges:
    queues: list[QueueGauge]
    tasks: dict[str, int]
    """By status."""
    attempts: dict[str, int]
    """Live ones, by state."""
    busy_workers: int
    idle_workers: int


def read(tx: Tx, company: str) -> Gauges:
    """The numbers of this moment."""
    waiting = (
        select(queues.c.name, queues.c.paused, func.count(entries.c.task).label("length"))
        .add_columns(func.min(entries.c.added).label("first"))
        .outerjoin(entries, entries.c.queue == queues.c.id)
        .where(queues.c.company == company)
        .group_by(queues.c.id, queues.c.name, queues.c.paused)
        .order_by(queues.c.name, queues.c.id)
    )
    by_status = (
        select(tasks.c.status, func.count().label("number"))
        .where(tasks.c.company == company)
        .group_by(tasks.c.status)
    )
    by_state = (
        select(attempts.c.state, func.count().label("number"))
        .where(attempts.c.state.in_(LIVE), attempts.c.company == company)
        .group_by(attempts.c.state)
    )
    doing = Counter(bool(worker.task) for worker in workers.living(tx, company))
    return Gauges(
        queues=[
            QueueGauge(row.name, row.length, (tx.now - (row.first or tx.now)) / 1e6, row.paused)
            for row in tx.execute(waiting)
        ],
        tasks={row.status: row.number for row in tx.execute(by_status)},
        attempts={row.state: row.number for row in tx.execute(by_state)},
        busy_workers=doing[True],
        idle_workers=doing[False],
    )
