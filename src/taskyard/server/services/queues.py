"""The queues service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskyard.api import queues as api
from taskyard.api.errors import (
    INVALID_QUEUE_ID,
    INVALID_TASK_ID,
    QUEUE_NOT_EMPTY,
    VALIDATION,
    ApiError,
)
from taskyard.api.states import AttemptState, Status
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain import lifecycle, search, statistics, tag_versions
from taskyard.server.domain.lifecycle import Standing
from taskyard.server.domain.statistics import SECOND, QueueSample, QueueSeries
from taskyard.server.store import (
    attempts,
    documents,
    leasing,
    queue_entries,
    queue_samples,
    queues,
    scrolls,
    task_status,
    workers,
)
from taskyard.server.store.engine import Tx
from taskyard.server.store.kinds import QUEUE
from taskyard.server.store.times import to_wire

Document = dict[str, Any]


@reads(api.GetById)
def get_by_id(tx: Tx, call: Call, request: api.GetById) -> api.GetByIdResponse:
    queue = documents.get(tx, QUEUE, request.queue, call)
    _add_entries(tx, [queue], request.max_task_entries)
    return api.GetByIdResponse(queue=tag_versions.join(queue, call.version))


@serves(api.GetAll)
async def get_all(call: Call, request: api.GetAll) -> api.GetAllResponse:
    return await _page(call, request.max_task_entries, expanded=False)


@serves(api.GetAllEx)
async def get_all_ex(call: Call, request: api.GetAllEx) -> api.GetAllResponse:
    return await _page(call, request.max_task_entries, expanded=True)


async def _page(call: Call, limit: int | None, *, expanded: bool) -> api.GetAllResponse:
    found, scroll = await scrolls.answer(
        call.server.control, call.body, lambda tx: _find(tx, call, limit, expanded)
    )
    return api.GetAllResponse(queues=found, scroll_id=scroll)


def _find(
    tx: Tx, call: Call, limit: int | None, expanded: bool
) -> tuple[list[Document], str | None]:
    query = tag_versions.query(call.body, call.version)
    found, scroll = documents.find_page(tx, QUEUE, call, query)
    found = [tag_versions.join(queue, call.version) for queue in found]
    only = search.projection(query)
    if _wants(only, "entries"):
        _add_entries(tx, found, limit, named=expanded)
        _narrow_entries(found, only)
    if expanded:
        documents.expand(tx, QUEUE, call, found, only)
        if _wants(only, "workers"):
            _add_workers(tx, call.company, found)
        if _wants(only, "waiting"):
            lengths = queue_entries.lengths(tx, [queue["id"] for queue in found])
            for queue in found:
                queue["waiting"] = lengths.get(queue["id"], 0)
    return found, scroll


def _wants(only: Sequence[str] | None, field: str) -> bool:
    """Whether a projection has a field in it."""
    if not only:
        return True
    included = [name for name in only if not name.startswith("-")]
    if f"-{field}" in only:
        return False
    return not included or any(
        name in {"*", field} or name.startswith(f"{field}.") for name in included
    )


def _narrow_entries(found: Iterable[Document], only: Sequence[str] | None) -> None:
    fields = {name.split(".")[1] for name in only or () if name.startswith("entries.")}
    if not fields or "entries" in (only or ()):
        return
    for queue in found:
        queue["entries"] = [
            {field: value for field, value in entry.items() if field in fields}
            for entry in queue["entries"]
        ]


def _add_entries(
    tx: Tx, found: Iterable[Document], limit: int | None, *, named: bool = False
) -> None:
    for queue in found:
        rows = queue_entries.waiting(tx, queue["id"], limit=limit if limit and limit > 0 else None)
        queue["entries"] = queue_entries.shown_entries(rows)
        if limit and limit < 0:
            queue["entries"] = queue["entries"][limit:]
    if not named:
        return
    _name_tasks(tx, [entry for queue in found for entry in queue["entries"]])


def _name_tasks(tx: Tx, holders: Sequence[Document]) -> None:
    """Replace the ids of tasks that entries and workers have by ids with names, in place."""
    names = task_status.names(tx, [holder["task"] for holder in holders if holder["task"]])
    for holder in holders:
        if task := holder["task"]:
            holder["task"] = {"id": task, "name": names[task]} if task in names else {"id": task}


def _add_workers(tx: Tx, company: str, found: Iterable[Document]) -> None:
    serving = workers.by_queue(tx, company)
    for queue in found:
        queue["workers"] = [
            {"name": row.id, "ip": row.ip, "key": row.key, "task": row.task}
            for row in serving.get(queue["id"], ())
        ]
    _name_tasks(tx, [worker for queue in found for worker in queue["workers"]])


@reads(api.GetDefault)
def get_default(tx: Tx, call: Call, _request: api.GetDefault) -> api.GetDefaultResponse:
    id, name = queues.default(tx, call.company)
    return api.GetDefaultResponse(id=id, name=name)


@writes(api.Create)
def create(tx: Tx, call: Call, request: api.Create) -> api.CreateResponse:
    fields = _given(call, request)
    if request.metadata:
        fields["metadata"] = _by_key(request.metadata)
    return api.CreateResponse(id=queues.create(tx, call.company, call.user, request.name, **fields))


def _given(call: Call, request: api.Create | api.Update) -> Document:
    """What a request sets besides the name: the fields that have a value."""
    values = {name: getattr(request, name) for name in ("display_name", "tags", "system_tags")}
    given = {name: value for name, value in values.items() if value is not None}
    return tag_versions.split(given, call.version)


@writes(api.Update)
def update(tx: Tx, call: Call, request: api.Update) -> api.UpdatedFields:
    queues.row(tx, call.company, request.queue, for_write=True)
    changes = _given(call, request)
    if request.name is not None:
        changes["name"] = queues.checked_name(tx, call.company, request.name, besides=request.queue)
        tx.signal("queues")
    return _written(tx, request.queue, changes)


def _written(tx: Tx, queue: str, changes: Mapping[str, Any]) -> api.UpdatedFields:
    if not changes:
        return api.UpdatedFields(updated=0, fields={})
    updated = documents.update(tx, QUEUE, queue, {**changes, "last_update": tx.now})
    fields = {**changes, "last_update": to_wire(tx.now)}
    return api.UpdatedFields(updated=updated, fields=fields)


@writes(api.Delete)
def delete(tx: Tx, call: Call, request: api.Delete) -> api.DeleteResponse:
    queues.row(tx, call.company, request.queue, for_write=True)
    queues.hold(tx, request.queue)
    if queue_entries.length(tx, request.queue):
        if not request.force:
            raise ApiError(
                QUEUE_NOT_EMPTY,
                id=request.queue,
                hint="Clear it first, or delete it with force: its tasks become drafts.",
            )
        _clear(tx, call, request.queue)
    if not queues.drop(tx, request.queue):
        raise ApiError(INVALID_QUEUE_ID, id=request.queue)
    return api.DeleteResponse(deleted=1)


@writes(api.ClearQueue)
def clear_queue(tx: Tx, call: Call, request: api.ClearQueue) -> api.ClearQueueResponse:
    queues.row(tx, call.company, request.queue, for_write=True)
    return api.ClearQueueResponse(removed_tasks=_clear(tx, call, request.queue))


def _clear(tx: Tx, call: Call, queue: str) -> list[str]:
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
def get_next_task(tx: Tx, call: Call, request: api.GetNextTask) -> Document:
    queue = queues.row(tx, call.company, request.queue)
    if queue.paused:
        return {}
    entry = leasing.hand_out_plainly(
        tx, request.queue, worker=call.worker, by=call.user, only=request.task
    )
    if entry is None:
        return {}
    answer: Document = {"entry": {"task": entry.task, "added": to_wire(entry.added)}}
    if request.get_task_info:
        answer["task_info"] = {"company": entry.company, "user": entry.user}
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
    queues.row(tx, call.company, request.queue)
    moved = queue_entries.move_together(tx, request.queue, request.tasks, request.before)
    return api.MoveTasksResponse(moved=moved)


Moving = api.MoveTaskForward | api.MoveTaskBackward | api.MoveTaskToFront | api.MoveTaskToBack


def _move(tx: Tx, call: Call, request: Moving, place: Mapping[str, int]) -> api.Position:
    queues.row(tx, call.company, request.queue)
    return api.Position(position=queue_entries.move(tx, request.queue, request.task, place))


def _count(count: int | None) -> int:
    if count is not None and count < 0:
        raise ApiError(VALIDATION, "count cannot be negative", field="count", value=count)
    return 1 if count is None else count


@writes(api.GetQueueMetrics)
def get_queue_metrics(
    tx: Tx, call: Call, request: api.GetQueueMetrics
) -> api.GetQueueMetricsResponse:
    if request.from_date >= request.to_date:
        raise ApiError(VALIDATION, "from_date must be before to_date")
    known = queues.all_ids(tx, call.company)
    asked = [id for id in request.queue_ids or known if id in known]
    for queue in set(queue_samples.wanting(tx)) | (set(known) if request.refresh else set()):
        if queue in asked:
            queue_samples.add(tx, queue)
    start, end = int(request.from_date * SECOND), int(request.to_date * SECOND)
    found = [QueueSample._make(row) for row in queue_samples.between(tx, asked, start, end)]
    if not request.queue_ids:
        series = statistics.total_series(found, request.interval)
        return api.GetQueueMetricsResponse(queues=[_metrics("total", series)])
    by_queue = {
        queue: statistics.queue_series(
            [sample for sample in found if sample.queue == queue], request.interval
        )
        for queue in asked
    }
    return api.GetQueueMetricsResponse(
        queues=[_metrics(queue, series) for queue, series in by_queue.items()]
    )


def _metrics(queue: str, series: QueueSeries) -> api.QueueMetrics:
    return api.QueueMetrics(
        queue=queue,
        dates=series.dates,
        avg_waiting_times=series.waiting,
        queue_lengths=series.lengths,
        oldest_waiting_times=series.oldest,
        running=series.running,
    )


def _by_key(items: Iterable[api.MetadataItem]) -> Document:
    found: Document = {}
    for item in items:
        if not item.key:
            raise ApiError(VALIDATION, "a metadata item needs a key")
        found[item.key] = {"key": item.key, "type": item.type, "value": item.value}
    return found


@writes(api.AddOrUpdateMetadata)
def add_or_update_metadata(tx: Tx, call: Call, request: api.AddOrUpdateMetadata) -> api.Updated:
    given = _by_key(request.metadata)
    known = documents.get(
        tx, QUEUE, request.queue, call, only=["metadata"], for_write=True, allow_public=True
    )
    kept = {} if request.replace_metadata else known.get("metadata") or {}
    changes = {"metadata": {**kept, **given}, "last_update": tx.now}
    return api.Updated(updated=documents.update(tx, QUEUE, request.queue, changes))


@writes(api.DeleteMetadata)
def delete_metadata(tx: Tx, call: Call, request: api.DeleteMetadata) -> api.Updated:
    known = documents.get(tx, QUEUE, request.queue, call, only=["metadata"], for_write=True)
    before = known.get("metadata") or {}
    after = {key: item for key, item in before.items() if key not in set(request.keys)}
    if after == before:
        return api.Updated(updated=0)
    changes = {"metadata": after, "last_update": tx.now}
    return api.Updated(updated=documents.update(tx, QUEUE, request.queue, changes))


@writes(api.Pause)
def pause(tx: Tx, call: Call, request: api.Pause) -> api.UpdatedFields:
    queues.row(tx, call.company, request.queue, for_write=True)
    note = {"reason": request.reason or "", "by": call.user, "since": to_wire(tx.now)}
    tx.signal("queues")
    return _written(tx, request.queue, {"paused": True, "pause": note})


@writes(api.Resume)
def resume(tx: Tx, call: Call, request: api.Resume) -> api.UpdatedFields:
    queues.row(tx, call.company, request.queue, for_write=True)
    tx.signal("queues")
    for _ in range(min(queue_entries.length(tx, request.queue), _WOKEN_AT_ONCE)):
        tx.signal(f"queue:{request.queue}")
    return _written(tx, request.queue, {"paused": False, "pause": None})


_WOKEN_AT_ONCE = 1000
"""Each signal of a queue wakes one waiting agent; there are seldom more."""
