"""Pipelines: starting their controllers again, and deleting runs with their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from taskyard.api import pipelines as api
from taskyard.api import task_life as life_api
from taskyard.api import tasks as tasks_api
from taskyard.api.errors import INVALID_TASK_ID, ApiError
from taskyard.server.call import Call, writes
from taskyard.server.services import task_life, task_removal, tasks
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import PROJECT, TASK

ARGS = "Args"
"""The section of hyper-parameters that holds a pipeline's own."""


@writes(api.StartPipeline)
def start_pipeline(tx: Tx, call: Call, request: api.StartPipeline) -> api.StartResponse:
    clone = tasks.clone(tx, call, tasks_api.Clone(task=request.task))
    if request.args:
        stored = documents.get(tx, TASK, clone.id, call, only=["hyperparams"])["hyperparams"]
        wanted = with_arguments(stored.get(ARGS) or {}, request.args)
        documents.update(tx, TASK, clone.id, {("hyperparams", ARGS): wanted})
    put = task_life.enqueue(
        tx,
        call,
        life_api.Enqueue(
            task=clone.id,
            queue=request.queue,
            verify_watched_queue=request.verify_watched_queue,
        ),
    )
    return api.StartResponse(
        pipeline=clone.id, enqueued=bool(put.queued), queue_watched=put.queue_watched
    )


def with_arguments(
    known: Mapping[str, Mapping[str, Any]], given: Sequence[api.Argument]
) -> dict[str, Any]:
    """A section of hyper-parameters in which ``given`` have their new values."""
    section = {name: dict(item) for name, item in known.items()}
    for argument in given:
        item = section.setdefault(argument.name, {"section": ARGS, "name": argument.name})
        item["value"] = argument.value or ""
    return section


@writes(api.DeleteRuns)
def delete_runs(tx: Tx, call: Call, request: api.DeleteRuns) -> api.DeleteRunsResponse:
    documents.get(tx, PROJECT, request.project, call, only=["id"])
    table = tables.tasks
    query = select(table.c.id).where(
        table.c.id.in_(request.ids),
        table.c.project == request.project,
        table.c.company == call.company,
    )
    inside = set(tx.execute(query).scalars())
    known = [id for id in dict.fromkeys(request.ids) if id in inside]
    outcome = task_removal.delete_each(
        tx, call, life_api.DeleteMany(ids=known, force=True, include_pipeline_steps=True)
    )
    unknown = [_unknown(id) for id in dict.fromkeys(request.ids) if id not in inside]
    return api.DeleteRunsResponse(
        succeeded=[done for done in outcome.succeeded if done["id"] in inside],
        failed=[*outcome.failed, *unknown],
    )


def _unknown(id: str) -> dict[str, Any]:
    error = ApiError(INVALID_TASK_ID, "no run of this pipeline", id=id)
    codes = {"codes": list(error.kind), "msg": error.what, "data": error.data}
    return {"id": id, "error": codes}
