"""Taking away what tasks left: resets and deletions, of one task or of many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from taskyard.api import task_life as api
from taskyard.server.call import Call, serves
from taskyard.server.services.task_life import each, meant, words
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import samples
from taskyard.server.store.tasks import task_life, tasks
from taskyard.server.store.tasks.task_life import Cleared

Document = dict[str, Any]
T = TypeVar("T")
EventUrls = Mapping[str, list[str]]
"""Addresses that a task's events refer to, by task."""


async def _event_urls(call: Call, ids: list[str], wanted: bool) -> EventUrls:
    """What must be read before the events go."""
    if not wanted:
        return {}
    return await call.server.telemetry.read(lambda tx: samples.urls(tx, ids))


async def _removed(call: Call, write: Callable[[Tx], T]) -> T:
    """Do it, and see the events gone too before anybody hears that it is done."""
    answer = await call.server.control.write(write)
    await call.server.events_forgotten()
    return answer


def _urls(wanted: bool, task: str, cleared: Cleared, events: EventUrls) -> api.TaskUrls | None:
    if not wanted:
        return None
    return api.TaskUrls(
        model_urls=cleared.model_urls,
        event_urls=events.get(task, []),
        artifact_urls=cleared.artifact_urls,
    )


@serves(api.Reset)
async def reset(call: Call, request: api.Reset) -> api.ResetResponse:
    events = await _event_urls(call, [request.task], request.return_file_urls)

    def write(tx: Tx) -> api.ResetResponse:
        fields, left, cleared = _reset(tx, call, request, request.task)
        return api.ResetResponse(
            updated=1,
            fields=fields,
            dequeued={"removed": len(left)},
            deleted_models=cleared.deleted_models,
            urls=_urls(request.return_file_urls, request.task, cleared, events),
        )

    return await _removed(call, write)


@serves(api.ResetMany)
async def reset_many(call: Call, request: api.ResetMany) -> api.ManyResponse:
    events = await _event_urls(call, request.ids, request.return_file_urls)

    def write(tx: Tx) -> api.ManyResponse:
        def one(id: str) -> Document:
            fields, left, cleared = _reset(tx, call, request, id)
            answer: Document = {
                "updated": 1,
                "fields": fields,
                "dequeued": bool(left),
                "deleted_models": cleared.deleted_models,
            }
            if urls := _urls(request.return_file_urls, id, cleared, events):
                answer["urls"] = urls
            return answer

        return each(tx, request.ids, one)

    return await _removed(call, write)


def _reset(
    tx: Tx, call: Call, request: api.Reset | api.ResetMany, task: str
) -> tuple[Document, list[str], Cleared]:
    return task_life.reset(
        tx,
        call,
        task,
        words(request),
        force=request.force,
        clear_all=request.clear_all,
        delete_output_models=request.delete_output_models,
    )


@serves(api.Delete)
async def delete(call: Call, request: api.Delete) -> api.DeleteResponse:
    events = await _event_urls(call, [request.task], request.return_file_urls)

    def write(tx: Tx) -> api.DeleteResponse:
        done = task_life.delete(
            tx,
            call,
            request.task,
            force=request.force,
            delete_output_models=request.delete_output_models,
        )
        return api.DeleteResponse(
            deleted=True,
            updated_children=done.updated_children,
            updated_models=done.updated_models,
            deleted_models=done.cleared.deleted_models,
            urls=_urls(request.return_file_urls, request.task, done.cleared, events),
        )

    return await _removed(call, write)


@serves(api.DeleteMany)
async def delete_many(call: Call, request: api.DeleteMany) -> api.ManyResponse:
    ids = await call.server.control.read(lambda tx: meant(tx, call, request))
    events = await _event_urls(call, ids, request.return_file_urls)
    return await _removed(call, lambda tx: delete_each(tx, call, request, events))


def delete_each(
    tx: Tx, call: Call, request: api.DeleteMany, events: EventUrls | None = None
) -> api.ManyResponse:
    """Delete several tasks, each of which succeeds or fails by itself.

    The steps of a pipeline go after it, and only if it went.
    """

    def one(id: str) -> Document:
        done = task_life.delete(
            tx,
            call,
            id,
            force=request.force,
            delete_output_models=request.delete_output_models,
        )
        answer: Document = {
            "deleted": True,
            "updated_children": done.updated_children,
            "updated_models": done.updated_models,
            "deleted_models": done.cleared.deleted_models,
        }
        if urls := _urls(request.return_file_urls, id, done.cleared, events or {}):
            answer["urls"] = urls
        return answer

    steps = {}
    if request.include_pipeline_steps:
        steps = {id: tasks.with_steps(tx, call, [id])[1:] for id in request.ids}
    runs = each(tx, request.ids, one)
    orphans = [step for done in runs.succeeded for step in steps.get(done["id"], ())]
    rest = each(tx, [step for step in orphans if step not in request.ids], one)
    return api.ManyResponse(
        succeeded=[*runs.succeeded, *rest.succeeded], failed=[*runs.failed, *rest.failed]
    )
