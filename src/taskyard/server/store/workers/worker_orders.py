"""What workers were told: every order, by whom and why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tables import users
from taskyard.server.store.tables import worker_orders as table


def add(tx: Tx, company: str, worker: str, kind: str, reason: str, by: str) -> None:
    """Keep an order that is given now."""
    values = {"company": company, "worker": worker, "at": tx.now}
    tx.execute(insert(table).values({**values, "kind": kind, "reason": reason, "by": by}))


def latest(tx: Tx, company: str, worker: str, limit: int) -> list[Row[Any]]:
    """The last orders (at, kind, reason, by, name), the newest first; ``name``: the user's."""
    query = (
        select(table, users.c.name)
        .outerjoin(users, users.c.id == table.c.by)
        .where(table.c.company == company, table.c.worker == worker)
    )
    return list(tx.execute(query.order_by(table.c.at.desc()).limit(limit)))


def forget(tx: Tx, before: int) -> None:
    """Delete orders older than ``before`` (microseconds)."""
    tx.execute(delete(table).where(table.c.at < before))
