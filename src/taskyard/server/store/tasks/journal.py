"""The journal of tasks: what happened to each, when, by whom and why. Only added to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import journal as table
from taskyard.server.store.tables import queues, tasks, users

LONGEST = 500
"""Characters of what was said that are kept."""

_GIVEN = ("company", "task", "at", "what", "by", "worker", "queue", "reason", "message")
_ADD = Prepared(insert(table).inline().values({name: bindparam(name) for name in _GIVEN}))


def add(
    tx: Tx,
    company: str,
    task: str,
    what: str,
    *,
    by: str | None,
    worker: str | None = None,
    queue: str | None = None,
    reason: str = "",
    message: str = "",
) -> None:
    """Note that ``what`` happened to a task now; ``by`` is the user, None for the server."""
    tx.add_row(
        _ADD,
        {
            "company": company,
            "task": task,
            "at": tx.now,
            "what": what,
            "by": by,
            "worker": worker,
            "queue": queue,
            "reason": reason[:LONGEST],
            "message": message[:LONGEST],
        },
    )


def read(
    tx: Tx,
    company: str,
    *,
    task: str | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int,
) -> list[Row[Any]]:
    """The latest lines, the newest first, with the names of task, user and queue.

    ``after`` and ``before`` are ids of lines: with ``after`` they are the first ones beyond it.
    """
    query = (
        select(
            table,
            tasks.c.name.label("task_name"),
            users.c.name.label("user_name"),
            queues.c.name.label("queue_name"),
        )
        .outerjoin(tasks, tasks.c.id == table.c.task)
        .outerjoin(users, users.c.id == table.c.by)
        .outerjoin(queues, queues.c.id == table.c.queue)
        .where(table.c.company == company)
        .limit(limit)
    )
    if task is not None:
        query = query.where(table.c.task == task)
    if before is not None:
        query = query.where(table.c.id < before)
    if after is None:
        return list(tx.execute(query.order_by(table.c.id.desc())))
    found = list(tx.execute(query.where(table.c.id > after).order_by(table.c.id)))
    return found[::-1]


FORGOTTEN = 5_000
"""The most lines that are deleted at once."""


def forget(tx: Tx, before: int) -> None:
    """Delete lines older than ``before`` (microseconds): the oldest ones of them."""
    oldest = select(table.c.id, table.c.at).order_by(table.c.id).limit(FORGOTTEN)
    past = [row.id for row in tx.execute(oldest) if row.at < before]
    if past:
        tx.execute(delete(table).where(table.c.id <= past[-1]))
