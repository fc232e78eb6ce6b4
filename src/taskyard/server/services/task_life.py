"""The life cycle of tasks: the actions that change a status, for one task or for many."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from taskyard.api import task_life as api
from taskyard.api.states import Status
from taskyard.api.tasks import FieldsResponse
from taskyard.server.call import Call, reads, writes
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import many
from taskyard.server.store.tasks import task_life, task_status, tasks
from taskyard.server.store.tasks.task_life import Words
from taskyard.server.store.workers import workers

Document = dict[str, Any]


def words(request: api.StatusChange | api.ManyChange | api.Archive) -> Words:
    return Words(request.status_reason, request.status_message)


def each(tx: Tx, ids: list[str], do: Callable[[str], Document]) -> api.ManyResponse:
    # All of them before the first: others may come with the same tasks in another order.
    tasks.lock(tx, ids)
    succeeded, failed = many.each(tx, ids, do)
    return api.ManyResponse(succeeded=succeeded, failed=failed)


def meant(
    tx: Tx, call: Call, request: api.ManyChangeOfRuns, among: Iterable[Status] = tuple(Status)
) -> list[str]:
    """The tasks of a request, with the steps of pipelines if it wants them."""
    if not request.include_pipeline_steps:
        return request.ids
    return tasks.with_steps(tx, call, request.ids, among)


# Queueing


@writes(api.Enqueue)
def enqueue(tx: Tx, call: Call, request: api.Enqueue) -> api.EnqueueResponse:
    task = task_status.standing(tx, call.company, request.task)
    queue = task_life.chosen_queue(tx, call, request.queue, request.queue_name)
    fields = task_life.enqueue(
        tx,
        call,
        task,
        queue,
        words(request),
        force=request.force,
        update_execution_queue=request.update_execution_queue,
    )
    watched = _watched(tx, call, queue) if request.verify_watched_queue else None
    return api.EnqueueResponse(queued=1, updated=1, fields=fields, queue_watched=watched)


def _watched(tx: Tx, call: Call, queue: str) -> bool:
    return bool(workers.by_queue(tx, call.company).get(queue))


@writes(api.EnqueueMany)
def enqueue_many(tx: Tx, call: Call, request: api.EnqueueMany) -> api.EnqueueManyResponse:
    queue = task_life.chosen_queue(tx, call, request.queue, request.queue_name)
    said = words(request)

    def one(id: str) -> Document:
        task = task_status.standing(tx, call.company, id)
        if request.validate_tasks:
            tasks.validate(tx, call, id)
        fields = task_life.enqueue(tx, call, task, queue, said)
        return {"queued": True, "updated": 1, "fields": fields}

    done = each(tx, request.ids, one)
    watched = _watched(tx, call, queue) if request.verify_watched_queue else None
    return api.EnqueueManyResponse(
        succeeded=done.succeeded, failed=done.failed, queue_watched=watched
    )


@writes(api.Dequeue)
def dequeue(tx: Tx, call: Call, request: api.Dequeue) -> api.DequeueResponse:
    removed, fields = task_life.dequeue(
        tx,
        call,
        request.task,
        words(request),
        new_status=request.new_status,
        from_all=request.remove_from_all_queues,
    )
    return api.DequeueResponse(
        dequeued=int(removed), updated=int(fields is not None), fields=fields or {}
    )


@writes(api.DequeueMany)
def dequeue_many(tx: Tx, call: Call, request: api.DequeueMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        removed, fields = task_life.dequeue(
            tx,
            call,
            id,
            words(request),
            new_status=request.new_status,
            from_all=request.remove_from_all_queues,
        )
        return {"dequeued": removed, "updated": int(fields is not None), "fields": fields or {}}

    return each(tx, request.ids, one)


# Plain changes of status


def _change(tx: Tx, call: Call, request: api.ForcedChange, status: Status) -> Document:
    task = task_status.standing(tx, call.company, request.task)
    return task_status.change(
        tx,
        task,
        status,
        by=call.user,
        reason=request.status_reason,
        message=request.status_message,
        force=request.force,
    )


@writes(api.Started)
def started(tx: Tx, call: Call, request: api.Started) -> api.StartedResponse:
    fields = _change(tx, call, request, Status.IN_PROGRESS)
    return api.StartedResponse(started=1, updated=1, fields=fields)


@writes(api.Stopped)
def stopped(tx: Tx, call: Call, request: api.Stopped) -> FieldsResponse:
    return FieldsResponse(updated=1, fields=_change(tx, call, request, Status.STOPPED))


@writes(api.Failed)
def failed(tx: Tx, call: Call, request: api.Failed) -> FieldsResponse:
    return FieldsResponse(updated=1, fields=_change(tx, call, request, Status.FAILED))


@writes(api.Close)
def close(tx: Tx, call: Call, request: api.Close) -> FieldsResponse:
    return FieldsResponse(updated=1, fields=_change(tx, call, request, Status.CLOSED))


@writes(api.Completed)
def completed(tx: Tx, call: Call, request: api.Completed) -> api.CompletedResponse:
    fields = _change(tx, call, request, Status.COMPLETED)
    if not request.publish:
        return api.CompletedResponse(updated=1, fields=fields)
    fields |= task_life.publish(tx, call, request.task, words(request), force=request.force)
    return api.CompletedResponse(updated=1, fields=fields, published=1)


# Stopping, archiving, publishing

_LIVE = (Status.QUEUED, Status.IN_PROGRESS)
"""What a step must be for the end of its pipeline to concern it."""


@writes(api.Stop)
def stop(tx: Tx, call: Call, request: api.Stop) -> FieldsResponse:
    fields = task_life.stop(tx, call, request.task, words(request), force=request.force)
    if request.include_pipeline_steps:
        for step in tasks.with_steps(tx, call, [request.task], _LIVE)[1:]:
            task_life.stop(tx, call, step, words(request), force=request.force)
    return FieldsResponse(updated=1, fields=fields)


@writes(api.StopMany)
def stop_many(tx: Tx, call: Call, request: api.StopMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        fields = task_life.stop(tx, call, id, words(request), force=request.force)
        return {"updated": 1, "fields": fields}

    return each(tx, meant(tx, call, request, _LIVE), one)


@writes(api.Archive)
def archive(tx: Tx, call: Call, request: api.Archive) -> api.ArchiveResponse:
    ids = list(dict.fromkeys(request.tasks))
    if request.include_pipeline_steps:
        ids = tasks.with_steps(tx, call, ids)
    tasks.lock(tx, ids)
    for id in ids:
        task_life.archive(tx, call, id, words(request))
    return api.ArchiveResponse(archived=len(ids))


@writes(api.ArchiveMany)
def archive_many(tx: Tx, call: Call, request: api.ArchiveMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        task_life.archive(tx, call, id, words(request))
        return {"archived": True}

    return each(tx, meant(tx, call, request), one)


@writes(api.UnarchiveMany)
def unarchive_many(tx: Tx, call: Call, request: api.UnarchiveMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        task_life.unarchive(tx, call, id)
        return {"unarchived": True}

    return each(tx, meant(tx, call, request), one)


@writes(api.Publish)
def publish(tx: Tx, call: Call, request: api.Publish) -> FieldsResponse:
    fields = task_life.publish(
        tx,
        call,
        request.task,
        words(request),
        force=request.force,
        publish_model=request.publish_model,
    )
    return FieldsResponse(updated=1, fields=fields)


@writes(api.PublishMany)
def publish_many(tx: Tx, call: Call, request: api.PublishMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        fields = task_life.publish(
            tx,
            call,
            id,
            words(request),
            force=request.force,
            publish_model=request.publish_model,
        )
        return {"updated": 1, "fields": fields}

    return each(tx, request.ids, one)


@reads(api.GetCount)
def get_count(tx: Tx, call: Call, request: api.GetCount) -> api.GetCountResponse:
    return api.GetCountResponse(counts=task_status.counts(tx, call.company, request.status))
