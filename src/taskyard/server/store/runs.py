"""Which worker ran what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, or_, select

from taskyard.server.store.attempts import LIVE
from taskyard.server.store.engine import Tx
from taskyard.server.store.tables import attempts, tasks


def between(
    tx: Tx, company: str, start: int, end: int, workers: Sequence[str] | None, limit: int
) -> list[Row[Any]]:
    """Attempts that were under way in a span of time (microseconds), those of the live first and
    then those that ended last: task, number, worker, queue, state, cause, taken, started, ended,
    doc, and the task's name and status."""
    shown = (
        *(attempts.c[name] for name in ("task", "number", "worker", "queue", "state", "cause")),
        *(attempts.c[name] for name in ("taken", "started", "ended", "doc")),
        tasks.c.name,
        tasks.c.status,
    )
    query = (
        select(*shown)
        .outerjoin(tasks, tasks.c.id == attempts.c.task)
        .where(attempts.c.company == company, attempts.c.taken < end)
        .limit(limit)
    )
    if workers:
        query = query.where(attempts.c.worker.in_(workers))
    live = query.where(or_(*(attempts.c.state == state for state in LIVE)))
    over = query.where(attempts.c.ended >= start).order_by(attempts.c.ended.desc())
    found = list(tx.execute(live))
    return (found + list(tx.execute(over)))[:limit]
