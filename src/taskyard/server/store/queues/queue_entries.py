"""Entries of queues: tasks that wait, and the order in which they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from taskyard.api.errors import TASK_ALREADY_QUEUED, TASK_NOT_IN_QUEUE, ApiError
from taskyard.server.domain.lifecycle import Standing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.queues import queue_samples, queue_waits
from taskyard.server.store.tables import entries, queues, tasks, users
from taskyard.server.store.tasks import task_status

ORDER = (
    entries.c.priority.desc(),
    entries.c.position,
    entries.c.added,
    entries.c.task,
)


_QUEUE = bindparam("of_queue", type_=String)
_TASK = bindparam("of_task", type_=String)
_HERE = (entries.c.queue == _QUEUE, entries.c.task == _TASK)
_ENTRY = Prepared(select(entries).where(*_HERE).with_for_update())
_QUEUES_OF = Prepared(
    select(entries.c.queue).where(entries.c.task == _TASK).order_by(entries.c.queue)
)
_REMOVE = Prepared(delete(entries).where(*_HERE))
_FIRST = Prepared(
    select(
        *task_status.COLUMNS,
        tasks.c.user,
        entries.c.priority.label("rank"),
        entries.c.added,
        entries.c.retries,
    )
    .join(tasks, tasks.c.id == entries.c.task)
    .where(entries.c.queue == _QUEUE, entries.c.due == 0)
    .order_by(*ORDER)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def _edge(place: ColumnElement[Any]) -> Prepared:
    """An insertion at one edge of the entries with the same priority."""
    same = (entries.c.queue == _QUEUE, entries.c.priority == bindparam("of_priority"))
    position = select(func.coalesce(place, 0.0)).where(*same).scalar_subquery()
    return Prepared(
        insert(entries).values(
            queue=_QUEUE,
            task=_TASK,
            priority=bindparam("of_priority"),
            position=position,
            added=bindparam("now"),
            retries=bindparam("spent"),
            due=bindparam("of_due"),
        )
    )


_AT_BACK = _edge(func.max(entries.c.position) + 1)
_AT_FRONT = _edge(func.min(entries.c.position) - 1)


def entry(tx: Tx, queue: str, task: str) -> Row[Any] | None:
    """The place of a task in a queue."""
    found: Row[Any] | None = _ENTRY.first(tx, of_queue=queue, of_task=task)
    return found


def queues_of(tx: Tx, task: str) -> list[str]:
    """The queues a task waits in: one, unless somebody added it to a second by hand."""
    return [found.queue for found in _QUEUES_OF.all(tx, of_task=task)]


def push(
    tx: Tx,
    queue: str,
    task: str,
    *,
    priority: int = 0,
    retries: int = 0,
    front: bool = False,
    due: int = 0,
) -> list[str]:
    """Add an entry at the back (or the front) of those with its priority, and wake a waiter.

    It is not handed out before ``due`` (microseconds since the epoch; 0: at once). Gives the
    other queues that the task waits in. Raises ApiError(TASK_ALREADY_QUEUED).
    """
    others = queues_of(tx, task)
    if queue in others:
        raise ApiError(TASK_ALREADY_QUEUED, queue=queue, task=task)
    edge = _AT_FRONT if front else _AT_BACK
    edge.run(
        tx,
        of_queue=queue,
        of_task=task,
        of_priority=priority,
        now=tx.now,
        spent=retries,
        of_due=due,
    )
    tx.signal(f"queue:{queue}")
    queue_samples.changed(tx, queue)
    return others


class Popped(NamedTuple):
    """What was taken out of a queue, with its task."""

    queue: str
    task: Standing
    user: str | None
    """Whose task it is."""
    priority: int
    added: int
    retries: int


def pop(tx: Tx, queue: str, *, only: str | None = None) -> Popped | None:
    """Take the first entry out, with its task locked; None when there is none to be had.

    With ``only``, the entry is taken only if it is that task's. An entry whose row somebody else
    works on at this moment is passed over rather than waited for.
    """
    found: Row[Any] | None = _FIRST.first(tx, of_queue=queue)
    if found is None or (only is not None and found.id != only):
        return None
    take_out(tx, queue, found.id)
    queue_waits.note(tx, queue, found.added)
    task = task_status.standing_of(found)
    return Popped(queue, task, found.user, found.rank, found.added, found.retries)


def release_due(tx: Tx) -> None:
    """Have the entries handed out whose time has come, and wake waiters."""
    ripe = entries.c.due.between(1, tx.now)
    found = tx.execute(update(entries).where(ripe).values(due=0).returning(entries.c.queue))
    for queue in set(found.scalars()):
        tx.signal(f"queue:{queue}")


def is_any_due(tx: Tx) -> bool:
    """Whether :func:`release_due` has anything to do."""
    ripe = select(entries.c.task).where(entries.c.due.between(1, tx.now)).limit(1)
    return tx.execute(ripe).first() is not None


def take_out(tx: Tx, queue: str, task: str) -> bool:
    """Remove one entry. False when it was not there."""
    queue_samples.before_leaving(tx, queue)
    removed = _REMOVE.run(tx, of_queue=queue, of_task=task)
    if removed:
        tx.signal(f"entries:{queue}")
        queue_samples.changed(tx, queue)
    return bool(removed)


def remove(tx: Tx, queue: str, task: str) -> None:
    """Remove one entry. Raises ApiError(TASK_NOT_IN_QUEUE)."""
    if not take_out(tx, queue, task):
        raise ApiError(TASK_NOT_IN_QUEUE, queue=queue, task=task)


def remove_everywhere(tx: Tx, task: str) -> list[str]:
    """Remove a task from all queues; gives those it was in."""
    found = queues_of(tx, task)
    for queue in found:
        take_out(tx, queue, task)
    return found


def waiting(tx: Tx, queue: str, *, limit: int | None = None) -> list[Row[Any]]:
    """A queue's entries in order."""
    query = select(entries).where(entries.c.queue == queue).order_by(*ORDER)
    return list(tx.execute(query if limit is None else query.limit(limit)))


def window(tx: Tx, queue: str, first: int, limit: int) -> list[Row[Any]]:
    """A part of a queue's entries in order, with the names of their tasks and of whose they are."""
    part = select(entries).where(entries.c.queue == queue).order_by(*ORDER)
    own = part.offset(first).limit(limit).subquery()
    query = (
        select(own, tasks.c.name.label("task_name"), users.c.name.label("user_name"))
        .outerjoin(tasks, tasks.c.id == own.c.task)
        .outerjoin(users, users.c.id == tasks.c.user)
    )
    order = (own.c.priority.desc(), own.c.position, own.c.added, own.c.task)
    return list(tx.execute(query.order_by(*order)))


def length(tx: Tx, queue: str) -> int:
    query = select(func.count()).select_from(entries).where(entries.c.queue == queue)
    return int(tx.execute(query).scalar_one())


class Length(NamedTuple):
    number: int = 0
    oldest: int | None = None
    """When the one that waits longest was added."""


def lengths(tx: Tx, ids: Sequence[str]) -> dict[str, Length]:
    """How many tasks wait in each of some queues, and since when; those with none are left out."""
    own = entries.c.queue
    shown = (own, func.count().label("number"), func.min(entries.c.added).label("oldest"))
    query = select(*shown).where(own.in_(ids)).group_by(own)
    return {found.queue: Length(found.number, found.oldest) for found in tx.execute(query)}


def overview(tx: Tx, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of each queue its name, how many tasks wait in it, and which is the next."""
    names = {
        found.id: found.name
        for found in tx.execute(select(queues.c.id, queues.c.name).where(queues.c.id.in_(ids)))
    }
    seen = {}
    for queue, name in names.items():
        seen[queue] = {"id": queue, "name": name, "num_tasks": length(tx, queue)}
        first = tx.execute(
            select(entries.c.task, tasks.c.name)
            .outerjoin(tasks, tasks.c.id == entries.c.task)
            .where(entries.c.queue == queue)
            .order_by(*ORDER)
            .limit(1)
        ).first()
        if first is not None:
            seen[queue]["next_task"] = {"id": first.task, "name": first.name or ""}
    return seen


def shown_entries(rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Entries as documents have them."""
    return [{"task": found.task, "added": to_wire(found.added)} for found in rows]
