"""The queues service: the tasks in a queue, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from taskyard.api import queues as api
from taskyard.api.errors import INVALID_TASK_ID, VALIDATION, ApiError
from taskyard.api.states import AttemptState, Status
from taskyard.server.call import Call, reads, writes
from taskyard.server.domain import lifecycle
from taskyard.server.domain.explain import Explanation
from taskyard.server.domain.lifecycle import Standing
from taskyard.server.domain.queue_order import Stand
from taskyard.server.store import users
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.queues import queue_entries, queue_moves, queues
from taskyard.server.store.queues.queue_moves import Order
from taskyard.server.store.tasks import attempts, explanations, leasing, task_status


@writes(api.ClearQueue)
def clear_queue(tx: Tx, call: Call, request: api.ClearQueue) -> api.ClearQueueResponse:
    queues.row(tx, call.company, request.queue, for_write=True)
    return api.ClearQueueResponse(removed_tasks=clear(tx, call, request.queue))


def clear(tx: Tx, call: Call, queue: str) -> list[str]:
    """Take every task out of a queue; gives their ids, in the queue's order."""
    rows = queue_entries.waiting(tx, queue)
    for row in sorted(rows, key=lambda row: row.task):
        _let_go(tx, call, queue, row.task, "queue was cleared")
    return [row.task for row in rows]


def _let_go(tx: Tx, call: Call, queue: str, task_id: str, reason: str) -> None:
    """Take a task out of a queue and give it the status it had before."""
    task = task_status.find_standing(tx, task_id)
    queue_entries.take_out(tx, queue, task_id)
    if task is not None and task.status == Status.QUEUED:
        task_status.change(
            tx,
            task,
            lifecycle.after_dequeue(task),
            by=call.user,
            reason=reason,
            force=True,
            also={"queue": None, "enqueue_status": None},
        )
    elif task is not None and task.queue == queue:
        task_status.set_queue(tx, task_id, None)


@writes(api.AddTask)
def add_task(tx: Tx, call: Call, request: api.AddTask) -> api.AddTaskResponse:
    queues.row(tx, call.company, request.queue)
    task = _known_task(tx, call, request.task)
    queue_entries.push(tx, request.queue, task.id, priority=task.priority)
    if request.update_execution_queue is not False:
        task_status.set_queue(tx, task.id, request.queue)
    held = attempts.live(tx, task.id)
    if held is not None and held.plain and task.status != Status.IN_PROGRESS:
        # The agent that popped it puts it back.
        attempts.close(tx, held, AttemptState.RETURNED, requeued=True)
    return api.AddTaskResponse(added=1)


def _known_task(tx: Tx, call: Call, task_id: str) -> Standing:
    task = task_status.find_standing(tx, task_id)
    if task is None or task.company not in {call.company, ""}:
        raise ApiError(INVALID_TASK_ID, id=task_id)
    return task


@writes(api.GetNextTask)
def get_next_task(tx: Tx, call: Call, request: api.GetNextTask) -> dict[str, Any]:
    queue = queues.row(tx, call.company, request.queue)
    if queue.paused:
        return {}
    entry = leasing.hand_out_plainly(
        tx, request.queue, worker=call.worker, by=call.user, only=request.task
    )
    if entry is None:
        return {}
    answer: dict[str, Any] = {"entry": {"task": entry.task.id, "added": to_wire(entry.added)}}
    if request.get_task_info:
        answer["task_info"] = {"company": entry.task.company, "user": entry.user}
    return answer


@writes(api.RemoveTask)
def remove_task(tx: Tx, call: Call, request: api.RemoveTask) -> api.RemoveTaskResponse:
    queues.row(tx, call.company, request.queue)
    if (
        request.update_task_status
        and queue_entries.entry(tx, request.queue, request.task) is not None
    ):
        _let_go(tx, call, request.queue, request.task, "removed from its queue")
    else:
        queue_entries.remove(tx, request.queue, request.task)
    return api.RemoveTaskResponse(removed=1)


@reads(api.PeekTask)
def peek_task(tx: Tx, call: Call, request: api.PeekTask) -> api.PeekTaskResponse:
    queues.row(tx, call.company, request.queue)
    first = queue_entries.waiting(tx, request.queue, limit=1)
    return api.PeekTaskResponse(task=first[0].task if first else None)


@reads(api.GetNumEntries)
def get_num_entries(tx: Tx, call: Call, request: api.GetNumEntries) -> api.GetNumEntriesResponse:
    queues.row(tx, call.company, request.queue)
    return api.GetNumEntriesResponse(num=queue_entries.length(tx, request.queue))


@writes(api.MoveTaskForward)
def move_task_forward(tx: Tx, call: Call, request: api.MoveTaskForward) -> api.Position:
    return _move(tx, call, request, {"step": -_count(request.count)})


@writes(api.MoveTaskBackward)
def move_task_backward(tx: Tx, call: Call, request: api.MoveTaskBackward) -> api.Position:
    return _move(tx, call, request, {"step": _count(request.count)})


@writes(api.MoveTaskToFront)
def move_task_to_front(tx: Tx, call: Call, request: api.MoveTaskToFront) -> api.Position:
    return _move(tx, call, request, {"index": 0})


@writes(api.MoveTaskToBack)
def move_task_to_back(tx: Tx, call: Call, request: api.MoveTaskToBack) -> api.Position:
    return _move(tx, call, request, {"index": -1})


@writes(api.MoveTasks)
def move_tasks(tx: Tx, call: Call, request: api.MoveTasks) -> api.MoveTasksResponse:
    queues.hold(tx, request.queue)
    order = queue_moves.order(queues.row(tx, call.company, request.queue))
    stood, position = queue_moves.move_together(
        tx, request.queue, request.tasks, request.before, request.ahead, by=call.user
    )
    there = {task for stand in stood for task in stand.tasks}
    return api.MoveTasksResponse(
        moved=[task for task in dict.fromkeys(request.tasks) if task in there],
        position=position,
        stood=[_stand(stand) for stand in stood],
        order=queue_moves.order(queues.row(tx, call.company, request.queue)).number,
        meanwhile=_mover(tx, order) if request.seen not in {None, order.number} else None,
    )


def _stand(stand: Stand) -> api.Stand:
    return api.Stand(tasks=stand.tasks, before=stand.before, ahead=stand.ahead)


def _mover(tx: Tx, order: Order) -> str:
    return users.names(tx, [order.by]).get(order.by, "somebody")


@reads(api.GetStands)
def get_stands(tx: Tx, call: Call, request: api.GetStands) -> api.GetStandsResponse:
    queues.row(tx, call.company, request.queue)
    stood = queue_moves.stands(tx, request.queue, request.tasks)
    return api.GetStandsResponse(stood=[_stand(stand) for stand in stood])


@reads(api.GetEntries)
def get_entries(tx: Tx, call: Call, request: api.GetEntries) -> api.GetEntriesResponse:
    if request.first < 0 or not 0 < request.limit <= api.MOST_ENTRIES:
        raise ApiError(VALIDATION, f"first is 0 or more, limit 1 to {api.MOST_ENTRIES}")
    queue = queues.row(tx, call.company, request.queue)
    total = queue_entries.length(tx, queue.id)
    rows = queue_entries.window(tx, queue.id, request.first, request.limit)
    reasons = explanations.of_entries(tx, call.company, queue, rows, request.first, total)
    return api.GetEntriesResponse(
        order=queue_moves.order(queue).number,
        total=total,
        entries=[_waiting_task(row, reasons.get(row.task)) for row in rows],
    )


def _waiting_task(row: Row[Any], reason: Explanation | None) -> api.WaitingTask:
    code, why, hint = reason or ("", "", "")
    return api.WaitingTask(
        task=row.task,
        name=row.task_name or "",
        user=row.user_name,
        added=to_wire(row.added) or "",
        priority=row.priority,
        code=code,
        why=why,
        hint=hint,
    )


Moving = api.MoveTaskForward | api.MoveTaskBackward | api.MoveTaskToFront | api.MoveTaskToBack


def _move(tx: Tx, call: Call, request: Moving, place: Mapping[str, int]) -> api.Position:
    queues.row(tx, call.company, request.queue)
    return api.Position(
        position=queue_moves.move(tx, request.queue, request.task, place, by=call.user)
    )


def _count(count: int | None) -> int:
    if count is not None and count < 0:
        raise ApiError(VALIDATION, "count cannot be negative", field="count", value=count)
    return 1 if count is None else count
