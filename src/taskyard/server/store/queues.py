"""Queues and their entries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from taskyard.api.errors import (
    INVALID_QUEUE_ID,
    NO_DEFAULT_QUEUE,
    NOT_UNIQUE,
    READ_ONLY,
    SEVERAL_DEFAULT_QUEUES,
    TASK_ALREADY_QUEUED,
    TASK_NOT_IN_QUEUE,
    VALIDATION,
    ApiError,
)
from taskyard.server.call import COMPANY
from taskyard.server.domain import queue_order
from taskyard.server.domain.queue_order import Rank
from taskyard.server.store import documents
from taskyard.server.store.engine import Tx
from taskyard.server.store.kinds import QUEUE
from taskyard.server.store.tables import entries, queue_samples, queues, tasks
from taskyard.server.store.times import to_wire

DEFAULT_TAG = "default"
"""The system tag of the queue that is used when none is named."""

SHORTEST_NAME = 3
SAMPLE_GAP = 10_000
"""Microseconds within which a second sample of a queue is left to the statistics job: counting
the entries at every one of thousands of changes a second would cost more than the change."""

ORDER = (
    entries.c.priority.desc(),
    entries.c.position,
    entries.c.added,
    entries.c.task,
)


def ensure_defaults(tx: Tx) -> None:
    """Make the queues ``default`` and ``services`` on the very first start."""
    if tx.execute(select(queues.c.id).where(queues.c.company == COMPANY).limit(1)).first():
        return
    create(tx, COMPANY, "", "default", system_tags=[DEFAULT_TAG])
    create(tx, COMPANY, "", "services")


def create(tx: Tx, company: str, user: str, name: str, **fields: Any) -> str:
    """Make a queue; gives its id. ``fields`` may hold tags, system_tags, display_name, metadata.

    Raises ApiError: VALIDATION for a bad name, NOT_UNIQUE for one that is taken.
    """
    name = checked_name(tx, company, name)
    id = uuid.uuid4().hex
    documents.insert(
        tx,
        QUEUE,
        {
            "id": id,
            "company": company,
            "user": user,
            "name": name,
            "created": tx.now,
            "last_update": tx.now,
            "tags": [],
            "system_tags": [],
            **{key: value for key, value in fields.items() if value is not None},
        },
    )
    tx.signal("queues")
    return id


def checked_name(tx: Tx, company: str, name: str, *, besides: str | None = None) -> str:
    """The name without blanks around it, provided that a queue may have it."""
    name = name.strip()
    if len(name) < SHORTEST_NAME:
        raise ApiError(
            VALIDATION, "a queue's name has three characters at least", field="name", value=name
        )
    if _looks_like_id(name):
        raise ApiError(
            VALIDATION,
            "a queue's name cannot look like an id",
            field="name",
            value=name,
            hint="Agents take 30 and more hexadecimal digits for an id.",
        )
    taken = select(queues.c.id).where(queues.c.company == company, queues.c.name == name)
    found = tx.execute(taken).scalar()
    if found is not None and found != besides:
        raise ApiError(NOT_UNIQUE, "a queue of this name exists", name=name)
    return name


def _looks_like_id(name: str) -> bool:
    return len(name) >= 30 and all(c in "-0123456789abcdef" for c in name)


def row(tx: Tx, company: str, queue: str, *, for_write: bool = False) -> Row[Any]:
    """A queue's columns. Raises ApiError: INVALID_QUEUE_ID, READ_ONLY for writing a public one."""
    found = tx.execute(
        select(queues).where(queues.c.id == queue, queues.c.company.in_([company, ""]))
    ).first()
    if found is None:
        raise ApiError(INVALID_QUEUE_ID, id=queue)
    if for_write and found.company != company:
        raise ApiError(READ_ONLY, id=queue)
    return found


def check_ids(tx: Tx, company: str, ids: Sequence[str]) -> None:
    """Raise ApiError(INVALID_QUEUE_ID) that names those of ``ids`` that are no queues."""
    known = set(
        tx.execute(
            select(queues.c.id).where(queues.c.id.in_(ids), queues.c.company.in_([company, ""]))
        ).scalars()
    )
    if unknown := [id for id in ids if id not in known]:
        raise ApiError(INVALID_QUEUE_ID, ids=unknown)


def resolve(tx: Tx, company: str, words: Sequence[str]) -> list[Row[Any] | None]:
    """The queue each word means, by id or by name, in the order given; None where there is none."""
    found = tx.execute(
        select(queues).where(
            queues.c.company == company, or_(queues.c.id.in_(words), queues.c.name.in_(words))
        )
    ).all()
    by_word = {queue.name: queue for queue in found} | {queue.id: queue for queue in found}
    return [by_word.get(word) for word in words]


def all_ids(tx: Tx, company: str) -> list[str]:
    """Every queue a company can see, in order of name."""
    query = select(queues.c.id).where(queues.c.company.in_([company, ""]))
    return list(tx.execute(query.order_by(queues.c.name, queues.c.id)).scalars())


def by_name(tx: Tx, company: str, name: str) -> str | None:
    """The id of the queue of that name."""
    query = select(queues.c.id).where(queues.c.company == company, queues.c.name == name)
    return tx.execute(query).scalar()


def default(tx: Tx, company: str) -> tuple[str, str]:
    """Id and name of the default queue. Raises ApiError: none or several carry its tag."""
    found = [
        queue
        for queue in tx.execute(
            select(queues.c.id, queues.c.name, queues.c.doc["system_tags"].label("tags"))
            .where(queues.c.company.in_([company, ""]))
            .order_by(queues.c.name)
        )
        if DEFAULT_TAG in (queue.tags or ())
    ]
    if not found:
        raise ApiError(NO_DEFAULT_QUEUE, hint="Give one queue the system tag 'default'.")
    if len(found) > 1:
        raise ApiError(SEVERAL_DEFAULT_QUEUES, queues=[queue.name for queue in found])
    return found[0].id, found[0].name


def drop(tx: Tx, queue: str) -> None:
    """Delete a queue that holds nothing any more."""
    tx.execute(delete(entries).where(entries.c.queue == queue))
    tx.execute(delete(queue_samples).where(queue_samples.c.queue == queue))
    tx.execute(delete(queues).where(queues.c.id == queue))
    tx.signal("queues")


# Entries


def entry(tx: Tx, queue: str, task: str) -> Row[Any] | None:
    """The place of a task in a queue."""
    query = select(entries).where(entries.c.queue == queue, entries.c.task == task)
    return tx.execute(query.with_for_update()).first()


def queues_of(tx: Tx, task: str) -> list[str]:
    """The queues a task waits in: one, unless somebody added it to a second by hand."""
    query = select(entries.c.queue).where(entries.c.task == task).order_by(entries.c.queue)
    return list(tx.execute(query).scalars())


def push(
    tx: Tx, queue: str, task: str, *, priority: int = 0, retries: int = 0, front: bool = False
) -> None:
    """Add an entry at the back (or the front) of those with its priority, and wake a waiter.

    Raises ApiError(TASK_ALREADY_QUEUED).
    """
    if entry(tx, queue, task) is not None:
        raise ApiError(TASK_ALREADY_QUEUED, queue=queue, task=task)
    edge = func.min(entries.c.position) - 1 if front else func.max(entries.c.position) + 1
    place = (
        select(func.coalesce(edge, 0.0))
        .where(entries.c.queue == queue, entries.c.priority == priority)
        .scalar_subquery()
    )
    tx.execute(
        insert(entries).values(
            queue=queue,
            task=task,
            priority=priority,
            position=place,
            added=tx.now,
            retries=retries,
        )
    )
    tx.signal(f"queue:{queue}")
    changed(tx, [queue])


def pop(tx: Tx, queue: str, *, only: str | None = None) -> Row[Any] | None:
    """Take the first entry out, with its task locked; None when there is none to be had.

    With ``only``, the entry is taken only if it is that task's. An entry whose row somebody else
    works on at this moment is passed over rather than waited for.
    """
    first = (
        select(entries, tasks.c.company, tasks.c.status, tasks.c.user)
        .join(tasks, tasks.c.id == entries.c.task)
        .where(entries.c.queue == queue)
        .order_by(*ORDER)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = tx.execute(first).first()
    if found is None or (only is not None and found.task != only):
        return None
    take_out(tx, queue, found.task)
    return found


def take_out(tx: Tx, queue: str, task: str) -> bool:
    """Remove one entry. False when it was not there."""
    # How long it waited shows only while it is still there.
    sample(tx, queue, at=tx.now - 1, unless_since=tx.now - SAMPLE_GAP)
    result = tx.execute(delete(entries).where(entries.c.queue == queue, entries.c.task == task))
    if result.rowcount:
        changed(tx, [queue])
    return bool(result.rowcount)


def remove(tx: Tx, queue: str, task: str) -> None:
    """Remove one entry. Raises ApiError(TASK_NOT_IN_QUEUE)."""
    if not take_out(tx, queue, task):
        raise ApiError(TASK_NOT_IN_QUEUE, queue=queue, task=task)


def remove_everywhere(tx: Tx, task: str, *, besides: str | None = None) -> list[str]:
    """Remove a task from all queues but ``besides``; gives those it was in."""
    found = [queue for queue in queues_of(tx, task) if queue != besides]
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
        rank = _rank_at(tx, queue, rows, index, Rank(own.priority, own.position))
        tx.execute(
            update(entries)
            .where(entries.c.queue == queue, entries.c.task == task)
            .values(priority=rank.priority, position=rank.position)
        )
        _touch(tx, queue)
    return index


def _rank_at(tx: Tx, queue: str, others: Sequence[Row[Any]], index: int, own: Rank) -> Rank:
    ranks = [Rank(found.priority, found.position) for found in others]
    for _ in range(2):
        before = ranks[index - 1] if index > 0 else None
        after = ranks[index] if index < len(ranks) else None
        if (rank := queue_order.between(own, before, after)) is not None:
            return rank
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


# Samples


def changed(tx: Tx, ids: Iterable[str]) -> None:
    """Note that entries came or went: the queue's time of change, and a sample of its length."""
    for queue in sorted(ids):
        _touch(tx, queue)
        sample(tx, queue, unless_since=tx.now - SAMPLE_GAP)


def _touch(tx: Tx, queue: str) -> None:
    tx.execute(update(queues).where(queues.c.id == queue).values(last_update=tx.now))


def sample(tx: Tx, queue: str, *, at: int | None = None, unless_since: int | None = None) -> None:
    """Keep length and average waiting time (seconds) of a queue as they are now.

    With ``unless_since``, only when no other transaction left a sample after that time
    (microseconds).
    """
    age = (literal(float(tx.now)) - func.avg(entries.c.added)) / 1_000_000.0
    state = (
        select(func.count().label("length"), func.coalesce(age, 0.0).label("waiting"))
        .where(entries.c.queue == queue)
        .subquery()
    )
    moment = tx.now if at is None else at
    values = select(literal(queue), literal(moment), state.c.length, state.c.waiting)
    if unless_since is not None:
        recent = exists().where(
            queue_samples.c.queue == queue,
            queue_samples.c.at > unless_since,
            queue_samples.c.at != tx.now - 1,
        )
        values = values.where(~recent)
    tx.execute(insert(queue_samples).from_select(["queue", "at", "length", "waiting"], values))


def samples(tx: Tx, ids: Sequence[str], start: int, end: int) -> list[Row[Any]]:
    """Samples of some queues in a span of time (microseconds), in order of time."""
    query = (
        select(queue_samples)
        .where(
            queue_samples.c.queue.in_(ids), queue_samples.c.at >= start, queue_samples.c.at < end
        )
        .order_by(queue_samples.c.at)
    )
    return list(tx.execute(query))


def unsampled(tx: Tx, *, every: int | None = None) -> list[str]:
    """Queues that changed after their last sample, or whose last is ``every`` microseconds old."""
    last = (
        select(queue_samples.c.queue, func.max(queue_samples.c.at).label("at"))
        .group_by(queue_samples.c.queue)
        .subquery()
    )
    wanting = [last.c.at.is_(None), last.c.at < queues.c.last_update]
    if every is not None:
        wanting.append(last.c.at <= tx.now - every)
    query = (
        select(queues.c.id)
        .outerjoin(last, last.c.queue == queues.c.id)
        .where(or_(*wanting))
        .order_by(queues.c.id)
    )
    return list(tx.execute(query).scalars())


def forget_samples(tx: Tx, before: int) -> None:
    """Delete samples older than ``before`` (microseconds)."""
    tx.execute(delete(queue_samples).where(queue_samples.c.at < before))


def shown_entries(rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Entries as documents have them."""
    return [{"task": found.task, "added": to_wire(found.added)} for found in rows]
