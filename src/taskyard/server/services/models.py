"""The models service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from taskyard.api import models as api
from taskyard.api.errors import (
    DATA_VALIDATION,
    MISSING_FIELDS,
    MODEL_IS_READY,
    RETIRED,
    TASK_MISSING_FIELDS,
    ApiError,
)
from taskyard.api.wire import Request
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain import search, tag_versions
from taskyard.server.store import models as store
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, many, scrolls
from taskyard.server.store.documents.kinds import MODEL, PROJECT, TASK
from taskyard.server.store.projects import projects

Document = dict[str, Any]

NOT_FIELDS = frozenset({"model", "iteration", "public"})
"""Fields of requests that are not the model's."""


@writes(api.Create)
def create(tx: Tx, call: Call, request: api.Create) -> api.CreateResponse:
    id = store.create(tx, call, _given(call, request), public=request.public)
    return api.CreateResponse(id=id, created=True)


def _given(call: Call, request: Request) -> Document:
    """What a request sets, in the shape of the document: the fields that have a value."""
    values = msgspec.structs.asdict(request)
    found = {k: v for k, v in values.items() if v is not None and k not in NOT_FIELDS}
    if "name" in found:
        found["name"] = found["name"].strip()
        if not found["name"]:
            raise ApiError(DATA_VALIDATION, "a model needs a name", field="name")
    # An empty id stands for none.
    found |= {k: None for k in ("project", "parent", "task") if found.get(k) == ""}
    if "metadata" in found:
        found["metadata"] = _by_key(found["metadata"])
    return tag_versions.split(found, call.version)


def _by_key(items: Sequence[api.MetadataItem]) -> Document:
    return {item.key: msgspec.to_builtins(item) for item in items}


# --- queries -------------------------------------------------------------------------------


@reads(api.GetById)
def get_by_id(tx: Tx, call: Call, request: api.GetById) -> api.ModelResponse:
    return _shown(tx, call, request.model)


@reads(api.GetByIdEx)
def get_by_id_ex(tx: Tx, call: Call, request: api.GetByIdEx) -> api.ModelsResponse:
    return _page(tx, call, {"id": request.id, "only_fields": request.only_fields}, expanded=True)


@reads(api.GetByTaskId)
def get_by_task_id(tx: Tx, call: Call, request: api.GetByTaskId) -> api.ModelResponse:
    task = documents.get(tx, TASK, request.task, call, only=["models"])
    if not task["models"]["output"]:
        raise ApiError(TASK_MISSING_FIELDS, task=request.task, field="models.output")
    return _shown(tx, call, task["models"]["output"][-1]["model"])


def _shown(tx: Tx, call: Call, id: str) -> api.ModelResponse:
    model = documents.get(tx, MODEL, id, call)
    return api.ModelResponse(model=tag_versions.join(model, call.version))


@reads(api.GetByTaskIdRetired)
def get_by_task_id_retired(tx: Tx, call: Call, request: api.GetByTaskIdRetired) -> None:
    raise ApiError(RETIRED, "use models.get_all", endpoint="models.get_by_task_id")


@serves(api.GetAll)
async def get_all(call: Call, request: api.GetAll) -> api.ModelsResponse:
    return await scrolls.answer(
        call.server.control, call.body, lambda tx: _page(tx, call, call.body, expanded=False)
    )


@serves(api.GetAllEx)
async def get_all_ex(call: Call, request: api.GetAllEx) -> api.ModelsResponse:
    def find(tx: Tx) -> api.ModelsResponse:
        answer = _page(tx, call, call.body, expanded=True)
        if request.include_stats:
            _add_statistics(tx, call, answer.models)
        return answer

    return await scrolls.answer(call.server.control, call.body, find)


def _page(tx: Tx, call: Call, query: Mapping[str, Any], *, expanded: bool) -> api.ModelsResponse:
    query = tag_versions.query(query, call.version)
    found, scroll = documents.find_page(tx, MODEL, call, query)
    found = [tag_versions.join(model, call.version) for model in found]
    if expanded:
        documents.expand(tx, MODEL, call, found, search.projection(query))
    return api.ModelsResponse(models=found, scroll_id=scroll)


def _add_statistics(tx: Tx, call: Call, found: Sequence[Document]) -> None:
    ids = [model["id"] for model in found]
    if not ids:
        return
    labelled = documents.find(tx, MODEL, call, {"id": ids, "only_fields": ["labels"]})
    counts = {model["id"]: len(model["labels"]) for model in labelled}
    for model in found:
        model["stats"] = {"labels_count": counts[model["id"]]}


@reads(api.GetFrameworks)
def get_frameworks(tx: Tx, call: Call, request: api.GetFrameworks) -> api.FrameworksResponse:
    query = {"project": request.projects, "include_subprojects": True} if request.projects else {}
    column = MODEL.table.c.framework
    found = tx.execute(
        select(column).distinct().where(documents.matching(tx, MODEL, call, query))
    ).scalars()
    return api.FrameworksResponse(frameworks=sorted({name for name in found if name}))


# --- changes -------------------------------------------------------------------------------


@writes(api.Edit)
def edit(tx: Tx, call: Call, request: api.Edit) -> api.FieldsResponse:
    model = store.hold(tx, call, request.model)
    return _write(tx, call, model, _given(call, request), request.iteration)


@writes(api.Update)
def update(tx: Tx, call: Call, request: api.Update) -> api.FieldsResponse:
    model = store.hold(tx, call, request.model)
    fields = _given(call, request)
    # A request's default must not take back what is published.
    if not fields.get("ready"):
        fields.pop("ready", None)
    if model["ready"] and (locked := sorted({"task", "created"} & fields.keys())):
        raise ApiError(
            MODEL_IS_READY, "some fields are fixed now", model=model["id"], fields=locked
        )
    return _write(tx, call, model, fields, request.iteration)


def _write(
    tx: Tx, call: Call, model: Document, fields: Document, iteration: int | None
) -> api.FieldsResponse:
    store.check_references(tx, call, fields)
    store.raise_iteration(tx, fields.get("task") or model.get("task"), iteration)
    if not fields:
        return api.FieldsResponse(updated=0, fields={})
    updated = store.write(tx, call, model["id"], fields)
    names = [*fields, "last_update"]
    changed = documents.get(tx, MODEL, model["id"], call, only=names)
    del changed["id"]
    return api.FieldsResponse(updated=updated, fields=changed)


@writes(api.UpdateForTask)
def update_for_task(tx: Tx, call: Call, request: api.UpdateForTask) -> api.UpdateForTaskResponse:
    if bool(request.uri) == bool(request.override_model_id):
        raise ApiError(MISSING_FIELDS, "exactly one of uri and override_model_id is needed")
    task = documents.get(
        tx, TASK, request.task, call, only=["models", "name", "project"], for_write=True
    )
    store.raise_iteration(tx, request.task, request.iteration)
    output = task["models"]["output"]
    known = request.override_model_id or (output[-1]["model"] if output else None)
    fields = {
        k: v for k, v in _given(call, request).items() if k not in ("task", "override_model_id")
    }
    if known is None:
        source = {"task": request.task, "name": task["name"], "project": task.get("project")}
        id = store.create(tx, call, {**source, **fields, "ready": False})
        _add_output(tx, request.task, output, id)
        return api.UpdateForTaskResponse(id=id, created=True, updated=1, fields=fields)
    model = store.hold(tx, call, known)
    if model["ready"] and request.uri:
        raise ApiError(MODEL_IS_READY, model=known)
    answer = _write(tx, call, model, fields, None)
    if known not in [item["model"] for item in output]:
        _add_output(tx, request.task, output, known)
    return api.UpdateForTaskResponse(
        id=known, created=False, updated=answer.updated, fields=answer.fields
    )


def _add_output(tx: Tx, task: str, output: Sequence[Document], model: str) -> None:
    named = [*output, {"name": "Output Model", "model": model}]
    changes = {"models.output": named, "last_update": tx.now, "last_change": tx.now}
    documents.update(tx, TASK, task, changes)
    tx.signal(f"task:{task}")


@writes(api.UpdateForTaskRetired)
def update_for_task_retired(tx: Tx, call: Call, request: api.UpdateForTaskRetired) -> None:
    raise ApiError(RETIRED, "use tasks.add_or_update_model", endpoint="models.update_for_task")


@writes(api.SetReady)
def set_ready(tx: Tx, call: Call, request: api.SetReady) -> api.SetReadyResponse:
    published = store.publish(
        tx, call, request.model, with_task=request.publish_task, force=request.force_publish_task
    )
    return api.SetReadyResponse(updated=1, published_task=published)


@writes(api.Delete)
def delete(tx: Tx, call: Call, request: api.Delete) -> api.DeleteResponse:
    url = store.remove(tx, call, request.model, force=request.force)
    return api.DeleteResponse(deleted=True, url=url)


@writes(api.Move)
def move(tx: Tx, call: Call, request: api.Move) -> api.MoveResponse:
    project = request.project or None
    if project:
        documents.get(tx, PROJECT, project, call, only=["id"], for_write=True)
    elif request.project_name:
        project = projects.ensure(tx, call, request.project_name)
    elif "project" not in call.body:
        raise ApiError(MISSING_FIELDS, "project or project_name is needed", field="project")
    store.move(tx, call, request.ids, project)
    return api.MoveResponse(project_id=project)


@writes(api.MakePublic)
def make_public(tx: Tx, call: Call, request: api.MakePublic) -> api.UpdatedResponse:
    updated = documents.set_public(tx, MODEL, call, store.lock(tx, request.ids), public=True)
    return api.UpdatedResponse(updated=updated)


@writes(api.MakePrivate)
def make_private(tx: Tx, call: Call, request: api.MakePrivate) -> api.UpdatedResponse:
    updated = documents.set_public(tx, MODEL, call, store.lock(tx, request.ids), public=False)
    return api.UpdatedResponse(updated=updated)


@writes(api.AddOrUpdateMetadata)
def add_or_update_metadata(
    tx: Tx, call: Call, request: api.AddOrUpdateMetadata
) -> api.UpdatedResponse:
    known = store.hold(tx, call, request.model, "metadata")["metadata"]
    kept = {} if request.replace_metadata else known
    metadata = {**kept, **_by_key(request.metadata)}
    return api.UpdatedResponse(updated=store.write(tx, call, request.model, {"metadata": metadata}))


@writes(api.DeleteMetadata)
def delete_metadata(tx: Tx, call: Call, request: api.DeleteMetadata) -> api.UpdatedResponse:
    known = store.hold(tx, call, request.model, "metadata")["metadata"]
    kept = {key: item for key, item in known.items() if key not in request.keys}
    if len(kept) == len(known):
        return api.UpdatedResponse(updated=0)
    return api.UpdatedResponse(updated=store.write(tx, call, request.model, {"metadata": kept}))


# --- many at a time ------------------------------------------------------------------------


def _each(tx: Tx, ids: Sequence[str], do: Callable[[str], Document]) -> api.ManyResponse:
    # All of them before the first: others may come with the same models in another order.
    store.lock(tx, ids)
    succeeded, failed = many.each(tx, ids, do)
    return api.ManyResponse(succeeded=succeeded, failed=failed)


@writes(api.PublishMany)
def publish_many(tx: Tx, call: Call, request: api.PublishMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        published = store.publish(
            tx, call, id, with_task=request.publish_tasks, force=request.force_publish_task
        )
        return {"updated": 1, **({"published_task": published} if published else {})}

    return _each(tx, request.ids, one)


@writes(api.ArchiveMany)
def archive_many(tx: Tx, call: Call, request: api.ArchiveMany) -> api.ManyResponse:
    return _set_archived(tx, call, request.ids, archived=True)


@writes(api.UnarchiveMany)
def unarchive_many(tx: Tx, call: Call, request: api.UnarchiveMany) -> api.ManyResponse:
    return _set_archived(tx, call, request.ids, archived=False)


def _set_archived(tx: Tx, call: Call, ids: Sequence[str], *, archived: bool) -> api.ManyResponse:
    def one(id: str) -> Document:
        store.set_archived(tx, call, id, archived=archived)
        return {"archived" if archived else "unarchived": True}

    return _each(tx, ids, one)


@writes(api.DeleteMany)
def delete_many(tx: Tx, call: Call, request: api.DeleteMany) -> api.ManyResponse:
    def one(id: str) -> Document:
        url = store.remove(tx, call, id, force=request.force)
        return {"deleted": True, **({"url": url} if url else {})}

    return _each(tx, request.ids, one)
