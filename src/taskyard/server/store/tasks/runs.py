"""Which worker ran what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, or_, select

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tables import attempts, tasks, users
from taskyard.server.store.tasks.attempts import LIVE

_RUNS = (
    select(
        *(attempts.c[name] for name in ("task", "number", "worker", "queue", "state", "cause")),
        *(attempts.c[name] for name in ("taken", "started", "ended", "doc")),
        tasks.c.name,
        tasks.c.status,
        users.c.name.label("user_name"),
    )
    .outerjoin(tasks, tasks.c.id == attempts.c.task)
    .outerjoin(users, users.c.id == tasks.c.user)
)
"""Attempts with the name and status of their task, and the name of whose it is."""

_LIVE = or_(*(attempts.c.state == state for state in LIVE))


def live(tx: Tx, company: str, limit: int) -> list[Row[Any]]:
    """Attempts that are under way: the columns of ``_RUNS``."""
    return list(tx.execute(_RUNS.where(attempts.c.company == company, _LIVE).limit(limit)))


def between(
    tx: Tx, company: str, start: int, end: int, workers: Sequence[str] | None, limit: int
) -> list[Row[Any]]:
    """Attempts that were under way in a span of time (microseconds), those of the live first and
    then those that ended last: the columns of ``_RUNS``."""
    query = _RUNS.where(attempts.c.company == company, attempts.c.taken < end).limit(limit)
    if workers:
        query = query.where(attempts.c.worker.in_(workers))
    over = query.where(attempts.c.ended >= start).order_by(attempts.c.ended.desc())
    found = list(tx.execute(query.where(_LIVE)))
    return (found + list(tx.execute(over)))[:limit]
