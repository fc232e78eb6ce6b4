"""Entries of queues: tasks that wait, and the order in which they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
from taskyard.server.domain import queue_order
from taskyard.server.domain.queue_order import Rank
from taskyard.server.store import queue_samples
from taskyard.server.store.engine import Tx
from taskyard.server.store.prepared import Prepared
from taskyard.server.store.tables import entries, queues, tasks
from taskyard.server.store.times import to_wire

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
    select(entries, tasks.c.company, tasks.c.status, tasks.c.user)
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


def pop(tx: Tx, queue: str, *, only: str | None = None) -> Row[Any] | None:
    """Take the first entry out, with its task locked; None when there is none to be had.

    With ``only``, the entry is taken only if it is that task's. An entry whose row somebody else
    works on at this moment is passed over rather than waited for.
    """
    found: Row[Any] | None = _FIRST.first(tx, of_queue=queue)
    if found is None or (only is not None and found.task != only):
        return None
    take_out(tx, queue, found.task)
    return found


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


def length(tx: Tx, queue: str) -> int:
    query = select(func.count()).select_from(entries).where(entries.c.queue == queue)
    return int(tx.execute(query).scalar_one())


def lengths(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    """How many tasks wait in each of some queues; those with none are left out."""
    own = entries.c.queue
    query = select(own, func.count().label("number")).where(own.in_(ids)).group_by(own)
    return {found.queue: found.number for found in tx.execute(query)}


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


def move(tx: Tx, queue: str, task: str, place: Mapping[str, int]) -> int:
    """Move an entry to ``{"index": n}`` (negative: from the end) or by ``{"step": n}`` places.

    Gives its index afterwards, counted from 0. Raises ApiError(TASK_NOT_IN_QUEUE).
    """
    tx.execute(select(queues.c.id).where(queues.c.id == queue).with_for_update())
    rows = waiting(tx, queue)
    at = next((i for i, found in enumerate(rows) if found.task == task), None)
    if at is None:
        raise ApiError(TASK_NOT_IN_QUEUE, queue=queue, task=task)
    step = place["step"] if "step" in place else place["index"] % len(rows) - at
    index = queue_order.target_index(at, step, len(rows))
    if index != at:
        own = rows.pop(at)
        _put(tx, queue, [own], rows, index)
    return index


def move_together(tx: Tx, queue: str, names: Sequence[str], before: Sequence[str]) -> list[str]:
    """Bring entries together in the order of ``names``, ahead of the first of ``before`` there is.

    At the back when none of those is there. Gives the tasks moved: names that do not wait in the
    queue are passed over.
    """
    tx.execute(select(queues.c.id).where(queues.c.id == queue).with_for_update())
    rows = waiting(tx, queue)
    known = {found.task: found for found in rows}
    own = [known[name] for name in dict.fromkeys(names) if name in known]
    moved = {found.task for found in own}
    others = [found for found in rows if found.task not in moved]
    places = {found.task: index for index, found in enumerate(others)}
    index = next((places[name] for name in before if name in places), len(others))
    if own and others[:index] + own + others[index:] != rows:
        _put(tx, queue, own, others, index)
    return [found.task for found in own]


def _put(
    tx: Tx, queue: str, own: Sequence[Row[Any]], others: Sequence[Row[Any]], index: int
) -> None:
    """Give entries the places before the ``index``-th of the others."""
    ranks = _ranks_at(tx, queue, others, index, [Rank(e.priority, e.position) for e in own])
    tx.execute(
        update(entries)
        .where(entries.c.queue == queue, entries.c.task == bindparam("of"))
        .values(priority=bindparam("rank"), position=bindparam("place")),
        [
            {"of": found.task, "rank": rank.priority, "place": rank.position}
            for found, rank in zip(own, ranks, strict=True)
        ],
    )
    tx.signal(f"entries:{queue}")
    queue_samples.touch(tx, queue)


def _ranks_at(
    tx: Tx, queue: str, others: Sequence[Row[Any]], index: int, own: Sequence[Rank]
) -> list[Rank]:
    ranks = [Rank(found.priority, found.position) for found in others]
    for _ in range(2):
        before = ranks[index - 1] if index > 0 else None
        after = ranks[index] if index < len(ranks) else None
        if (found := queue_order.between(own, before, after)) is not None:
            return found
        ranks = queue_order.renumbered(ranks)
        _renumber(tx, queue, [found.task for found in others], ranks)
    raise AssertionError("whole positions leave room between them")


def _renumber(tx: Tx, queue: str, names: Sequence[str], ranks: Sequence[Rank]) -> None:
    tx.execute(
        update(entries)
        .where(entries.c.queue == queue, entries.c.task == bindparam("of"))
        .values(position=bindparam("place")),
        [{"of": task, "place": rank.position} for task, rank in zip(names, ranks, strict=True)],
    )


def shown_entries(rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Entries as documents have them."""
    return [{"task": found.task, "added": to_wire(found.added)} for found in rows]
