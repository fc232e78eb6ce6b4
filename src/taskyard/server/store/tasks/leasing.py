"""Handing tasks out under a lease: the queue, the attempt and the task's status change together,
in the caller's one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from taskyard.api.errors import INVALID_TASK_STATUS, TASK_NOT_IN_QUEUE, ApiError
from taskyard.api.states import LIVE_ATTEMPT, AttemptState, Status, may_move
from taskyard.server.domain import queue_order
from taskyard.server.domain.lifecycle import Standing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_entries
from taskyard.server.store.queues.queue_entries import Popped
from taskyard.server.store.tables import entries
from taskyard.server.store.tasks import attempts, task_status


@dataclass(frozen=True, slots=True)
class Taken:
    """A task given to a worker. ``deadline`` in microseconds."""

    task: str
    attempt: int
    queue: str
    """Its id; empty when the task was in none."""
    deadline: int


SPOKEN_OF = 1_000_000
"""Microseconds after which an agent has spoken of what it took, if it knows of it at all."""


def unheard(tx: Tx, company: str, worker: str, known: Sequence[tuple[str, int]]) -> list[Row[Any]]:
    """The attempts that ``worker`` was given and does not know of: the answer got lost, or is
    still on its way."""
    return [
        row
        for row in attempts.by_worker(tx, company, worker)
        if row.state == AttemptState.LEASED
        and not row.plain
        and (row.task, row.number) not in known
    ]


def seconds_until_lost(tx: Tx, row: Row[Any]) -> float:
    """How long the answer with an unheard attempt may still be on its way; 0 when it is lost."""
    return max(0, int(row.taken) + SPOKEN_OF - tx.now) / 1e6


def give_again(tx: Tx, lost: Sequence[Row[Any]], capacity: int) -> list[Taken]:
    """Those of the lost attempts that are still wanted, ``capacity`` at the most.

    They are the same attempts, with a lease that begins anew.
    """
    found: list[Taken] = []
    for row in lost:
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
        task, priority, retries = entry.task, entry.priority, entry.retries
        if task.status in {Status.PUBLISHED, Status.PUBLISHING}:
            continue
        found.append(_open(tx, task, worker, by, entry.queue, priority, retries))
        if fair:
            order.append(order.pop(0))
    return found


def claim(
    tx: Tx, company: str, task_id: str, *, worker: str, by: str, from_queue: bool = False
) -> Taken:
    """Give ``worker`` one task, out of any queue it waits in (it must, with ``from_queue``).

    Raises ApiError: INVALID_TASK_ID, READ_ONLY, TASK_NOT_IN_QUEUE, INVALID_TASK_STATUS.
    """
    task = task_status.standing(tx, company, task_id)
    waits = [
        queue_entries.entry(tx, queue, task_id) for queue in queue_entries.queues_of(tx, task_id)
    ]
    if from_queue and not waits:
        raise ApiError(TASK_NOT_IN_QUEUE, task=task_id, hint="Enqueue it, or do without a queue.")
    may = may_move(task.status, Status.QUEUED) or may_move(task.status, Status.IN_PROGRESS)
    if not may or task.status == Status.IN_PROGRESS:
        raise ApiError(
            INVALID_TASK_STATUS,
            f"the task is {task.status}: it cannot be run now",
            id=task_id,
            hint="Run a clone of it, or reset it first.",
        )
    queue_entries.remove_everywhere(tx, task_id)
    first = next((entry for entry in waits if entry is not None), None)
    if first is None:
        return _open(tx, task, worker, by, None, task.priority, 0)
    return _open(tx, task, worker, by, first.queue, first.priority, first.retries)


def _open(
    tx: Tx,
    task: Standing,
    worker: str,
    by: str,
    queue: str | None,
    priority: int,
    retries: int,
) -> Taken:
    """Begin a task's next attempt, and have the task in progress."""
    number = _next_number(tx, task.id)
    deadline = attempts.open_attempt(
        tx,
        task.id,
        number,
        company=task.company,
        worker=worker,
        queue=queue,
        priority=priority,
        retries=retries,
    )
    task_status.move(
        tx,
        task,
        Status.IN_PROGRESS,
        by=by,
        reason=f"taken by {worker}",
        force=True,
        follow=False,
        also={"last_worker": worker, "last_worker_report": tx.now, "queue": queue},
    )
    return Taken(task.id, number, queue or "", deadline)


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
) -> Popped | None:
    """Pop the first entry for an agent that knows no leases; the task's status stays queued.

    The attempt that begins with it has no renewals: whoever reports on the task speaks for it.
    """
    entry = queue_entries.pop(tx, queue, only=only)
    if entry is None:
        return None
    task = entry.task
    if task.status == Status.STOPPED:
        task_status.move(tx, task, Status.QUEUED, by=by, force=True)
    attempts.open_attempt(
        tx,
        task.id,
        _next_number(tx, task.id),
        company=task.company,
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
    query = (
        select(entries.c.queue).where(entries.c.queue.in_(open_ones), entries.c.due == 0).distinct()
    )
    held = set(tx.execute(query).scalars())
    return [queue for queue in open_ones if queue in held]
