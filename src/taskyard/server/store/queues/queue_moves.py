"""Moving entries of queues: their order is what people make of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select, update

from taskyard.api.errors import TASK_NOT_IN_QUEUE, ApiError
from taskyard.server.domain import queue_order
from taskyard.server.domain.queue_order import Rank, Stand
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_samples
from taskyard.server.store.queues.queue_entries import ORDER
from taskyard.server.store.queues.queues import hold
from taskyard.server.store.tables import entries, queues


def move(tx: Tx, queue: str, task: str, place: Mapping[str, int], *, by: str) -> int:
    """Move an entry to ``{"index": n}`` (negative: from the end) or by ``{"step": n}`` places.

    Gives its index afterwards, counted from 0. Raises ApiError(TASK_NOT_IN_QUEUE).
    """
    hold(tx, queue)
    rows = _line(tx, queue)
    at = next((i for i, found in enumerate(rows) if found.task == task), None)
    if at is None:
        raise ApiError(TASK_NOT_IN_QUEUE, queue=queue, task=task)
    step = place["step"] if "step" in place else place["index"] % len(rows) - at
    index = queue_order.target_index(at, step, len(rows))
    if index != at:
        own = rows.pop(at)
        _put(tx, queue, [own], rows, index)
        _count(tx, queue, by)
    return index


def move_together(
    tx: Tx,
    queue: str,
    names: Sequence[str],
    before: Sequence[str],
    ahead: int | None = None,
    *,
    by: str,
) -> tuple[list[Stand], int]:
    """Bring entries together in the order of ``names``, ahead of the first of ``before`` there is.

    Where none of those is there, ``ahead`` of the others are ahead of them, or all. Gives where
    they stood, and the index of the first afterwards: names that do not wait in the queue are
    passed over.
    """
    hold(tx, queue)
    rows = _line(tx, queue)
    known = {found.task: found for found in rows}
    own = [known[name] for name in dict.fromkeys(names) if name in known]
    moved = {found.task for found in own}
    others = [found for found in rows if found.task not in moved]
    places = {found.task: place for place, found in enumerate(others)}
    otherwise = len(others) if ahead is None else min(ahead, len(others))
    at = next((places[name] for name in before if name in places), otherwise)
    stood = queue_order.stands([found.task for found in rows], moved)
    if own and others[:at] + own + others[at:] != rows:
        _put(tx, queue, own, others, at)
        _count(tx, queue, by)
    return stood, at


def stands(tx: Tx, queue: str, names: Collection[str]) -> list[Stand]:
    """Where entries stand, for :func:`move_together` to bring them back."""
    return queue_order.stands([found.task for found in _line(tx, queue)], names)


class Order(NamedTuple):
    """The order of a queue as people made it."""

    number: int = 0
    """It grows with every move."""
    by: str = ""
    """The id of who made the last one."""


def order(queue: Row[Any]) -> Order:
    """The order of a queue, from its row."""
    return _of(queue.doc)


def _of(doc: Mapping[str, Any]) -> Order:
    return Order(**doc.get("order") or {})


def _count(tx: Tx, queue: str, by: str) -> Order:
    """Have the order be the next one; the queue is held."""
    doc = tx.execute(select(queues.c.doc).where(queues.c.id == queue)).scalar_one()
    made = Order(_of(doc).number + 1, by)
    doc["order"] = made._asdict()
    tx.execute(update(queues).where(queues.c.id == queue).values(doc=doc))
    return made


def _line(tx: Tx, queue: str) -> list[Row[Any]]:
    """All entries in order: no more of them than moves need, as there may be many."""
    query = select(entries.c.task, entries.c.priority, entries.c.position)
    return list(tx.execute(query.where(entries.c.queue == queue).order_by(*ORDER)))


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
