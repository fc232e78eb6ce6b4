"""Handing tasks out under a lease: the queue, the attempt and the task's status change together,
in the caller's one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from taskyard.api.states import LIVE_ATTEMPT, AttemptState, Status
from taskyard.server.domain import queue_order
from taskyard.server.store import attempts, queue_entries, task_status
from taskyard.server.store.engine import Tx
from taskyard.server.store.tables import entries


@dataclass(frozen=True, slots=True)
class Taken:
    """A task given to a worker. ``deadline`` in microseconds."""

    task: str
    attempt: int
    queue: str
    deadline: int


SPOKEN_OF = 1_000_000
"""Microseconds after which an agent has spoken of what it took, if it knows of it at all."""


def give_again(
    tx: Tx, *, company: str, worker: str, known: Sequence[tuple[str, int]], capacity: int
) -> list[Taken]:
    """What ``worker`` was given before and does not know of: the answer got lost on its way.

    They are the same attempts, with a lease that begins anew; ``capacity`` of them at the most.
    """
    found: list[Taken] = []
    for row in attempts.by_worker(tx, company, worker):
        lost = row.state == AttemptState.LEASED and not row.plain
        if not lost or (row.task, row.number) in known or row.taken > tx.now - SPOKEN_OF:
            continue
        task = task_status.find_standing(tx, row.task)
        if task is None or task.status != Status.IN_PROGRESS or len(found) >= capacity:
            continue
        deadline = attempts.renew(tx, row, state=row.state)
        found.append(Taken(row.task, row.number, row.queue, deadline))
    return found


def hand_out(
    tx: Tx,
    *,
    worker: str,
    by: str,
    serving: Sequence[Row[Any]],
    capacity: int,
    closed: Collection[str] = (),
    fair: bool = False,
    last: str | None = None,
) -> list[Taken]:
    """Give ``worker`` up to ``capacity`` tasks from the queues it serves.

    The queues are served in their order; with ``fair``, in turns that go on after ``last``. What
    waits in the ``closed`` ones (ids) does not fit.
    """
    by_id = {queue.id: queue for queue in serving if not queue.paused}
    order = queue_order.rotated(list(by_id), last) if fair else list(by_id)
    order = [queue for queue in order if queue not in closed]
    found: list[Taken] = []
    while order and len(found) < capacity:
        entry = queue_entries.pop(tx, order[0])
        if entry is None:
            order.pop(0)
            continue
        taken = _begin(tx, entry, worker, by)
        if taken is not None:
            found.append(taken)
            if fair:
                order.append(order.pop(0))
    return found


def _begin(tx: Tx, entry: Row[Any], worker: str, by: str) -> Taken | None:
    task = task_status.find_standing(tx, entry.task)
    if task is None or task.status in {Status.PUBLISHED, Status.PUBLISHING}:
        return None
    number = _next_number(tx, task.id)
    deadline = attempts.open_attempt(
        tx,
        task.id,
        number,
        company=task.company,
        worker=worker,
        queue=entry.queue,
        priority=entry.priority,
        retries=entry.retries,
    )
    task_status.move(
        tx,
        task,
        Status.IN_PROGRESS,
        by=by,
        reason=f"taken by {worker}",
        force=True,
        follow=False,
        also={"last_worker": worker, "last_worker_report": tx.now, "queue": entry.queue},
    )
    return Taken(task.id, number, entry.queue, deadline)


def _next_number(tx: Tx, task: str) -> int:
    """The number of a task's next attempt. One that still runs has been overtaken."""
    row = attempts.latest(tx, task)
    if row is None:
        return 1
    if row.state in LIVE_ATTEMPT:
        attempts.close(tx, row, AttemptState.STOPPED, superseded=True)
    return int(row.number) + 1


def hand_out_plainly(
    tx: Tx, queue: str, *, worker: str, by: str, only: str | None = None
) -> Row[Any] | None:
    """Pop the first entry for an agent that knows no leases; the task's status stays queued.

    The attempt that begins with it has no renewals: whoever reports on the task speaks for it.
    """
    entry = queue_entries.pop(tx, queue, only=only)
    if entry is None:
        return None
    task = task_status.find_standing(tx, entry.task)
    if task is not None and task.status == Status.STOPPED:
        task_status.move(tx, task, Status.QUEUED, by=by, force=True)
    attempts.open_attempt(
        tx,
        entry.task,
        _next_number(tx, entry.task),
        company=entry.company,
        worker=worker,
        queue=queue,
        priority=entry.priority,
        retries=entry.retries,
        plain=True,
    )
    return entry


def waiting_in(tx: Tx, serving: Sequence[Row[Any]]) -> list[str]:
    """The ids of those queues that are not paused and hold anything at all."""
    open_ones = [queue.id for queue in serving if not queue.paused]
    if not open_ones:
        return []
    query = select(entries.c.queue).where(entries.c.queue.in_(open_ones)).distinct()
    held = set(tx.execute(query).scalars())
    return [queue for queue in open_ones if queue in held]
