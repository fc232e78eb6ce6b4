"""Making, finding and editing tasks."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from taskyard.api import tasks as api
from taskyard.api.errors import BAD_VALUE, EMPTY_BATCH, INVALID_TASK_ID, MISSING_FIELDS, ApiError
from taskyard.api.wire import Document
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain import (
    search,
    tag_versions,
    task_clone,
    task_edit,
    task_fields,
    task_versions,
)
from taskyard.server.domain.task_fields import Sent
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import from_wire, to_wire
from taskyard.server.store.documents import documents, scrolls, value_orders
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.projects import projects
from taskyard.server.store.tasks import tasks as store


def _sent(tx: Tx, call: Call, request: api.TaskFields) -> Sent:
    return task_fields.sent(request, call.version, _now(tx))


def _now(tx: Tx) -> str:
    return to_wire(tx.now) or ""


@writes(api.Create)
def create(tx: Tx, call: Call, request: api.Create) -> api.CreateResponse:
    if request.key and store.was_made(tx, call, request.key):
        return api.CreateResponse(id=request.key)
    made = store.create(tx, call, _draft(tx, call, request), id=request.key)
    return api.CreateResponse(id=made)


@reads(api.Validate)
def validate(tx: Tx, call: Call, request: api.Validate) -> None:
    _draft(tx, call, request)


def _draft(tx: Tx, call: Call, request: api.Create | api.Validate) -> Sent:
    fields = _sent(tx, call, request)
    fields |= {"name": task_fields.task_name(request.name), "type": request.type}
    store.check_references(tx, call, fields)
    return fields


@writes(api.Clone)
def clone(tx: Tx, call: Call, request: api.Clone) -> api.CloneResponse:
    if request.key and store.was_made(tx, call, request.key):
        return api.CloneResponse(id=request.key)
    source = documents.get(tx, TASK, request.task, call)
    fields = task_clone.clone(source, request, call.version, _now(tx))
    named = None
    if request.new_project_name and not request.new_task_project:
        fields["project"] = projects.ensure(tx, call, request.new_project_name)
        named = {"id": fields["project"], "name": request.new_project_name}
    store.check_references(
        tx, call, fields if request.validate_references else _asked_for(request, fields)
    )
    reason = f"a clone of {source['name']} ({request.task})"
    made = store.create(tx, call, fields, id=request.key, reason=reason)
    return api.CloneResponse(id=made, new_project=named)


def _asked_for(request: api.Clone, fields: Sent) -> Sent:
    """The references of a clone that are not its source's."""
    asked: Sent = {"parent": request.new_task_parent, "project": request.new_task_project}
    if request.new_task_input_models is not None:
        asked["models"] = fields["models"]
    return asked


@writes(api.Edit)
def edit(tx: Tx, call: Call, request: api.Edit) -> api.FieldsResponse:
    task = store.for_edit(tx, call, request.task, *task_versions.MOVED)
    task_edit.require_draft(request.task, task["status"], force=request.force)
    fields = _sent(tx, call, request)
    if request.name is not None:
        fields["name"] = task_fields.task_name(request.name)
    if request.type is not None:
        fields["type"] = request.type
    for field in task_versions.MOVED:
        if field in fields and getattr(request, field) is None:
            fields[field] = task_versions.settle(field, task[field], fields[field])
    if fields.get("parent") == request.task:
        raise ApiError(BAD_VALUE, "a task cannot be its own parent", task=request.task)
    store.check_references(tx, call, fields)
    return _write(tx, call, request.task, task, fields)


@writes(api.Update)
def update(tx: Tx, call: Call, request: api.Update) -> api.FieldsResponse:
    return _update(tx, call, request)


@writes(api.UpdateBatch)
def update_batch(tx: Tx, call: Call, request: api.UpdateBatch) -> api.UpdatedResponse:
    if not request.lines:
        raise ApiError(EMPTY_BATCH, hint="Send one tasks.update as JSON a line.")
    if unknown := documents.missing(tx, TASK, [line.task for line in request.lines], call):
        raise ApiError(INVALID_TASK_ID, ids=unknown)
    store.lock(tx, [line.task for line in request.lines])
    return api.UpdatedResponse(
        updated=sum(_update(tx, call, line).updated for line in request.lines)
    )


def _update(tx: Tx, call: Call, request: api.TaskUpdate) -> api.FieldsResponse:
    task = store.for_edit(tx, call, request.task)
    fields: Sent = {}
    if request.name is not None:
        fields["name"] = task_fields.task_name(request.name)
    for field in ("tags", "system_tags"):
        if (tags := getattr(request, field)) is not None:
            fields[field] = task_fields.tag_list(tags)
    for field in ("comment", "status_message"):
        if (text := getattr(request, field)) is not None:
            fields[field] = text.strip()
    if request.project is not None:
        fields["project"] = task_fields.reference(request.project)
    if request.output__error is not None:
        fields["output"] = {"error": request.output__error}
    if request.created is not None:
        fields["created"] = to_wire(from_wire(request.created))
    fields = task_versions.upgrade(fields, call.version, _now(tx))
    store.check_references(tx, call, fields)
    return _write(tx, call, request.task, task, fields)


def _write(
    tx: Tx, call: Call, id: str, task: Mapping[str, Any], fields: Sent
) -> api.FieldsResponse:
    if not fields:
        return api.FieldsResponse(updated=0, fields={})
    updated = store.write(tx, call, id, task_edit.changes_of(fields))
    if "project" in fields:
        projects.touch(tx, [task.get("project"), fields["project"]])
    return api.FieldsResponse(updated=updated, fields=fields)


@reads(api.GetById)
def get_by_id(tx: Tx, call: Call, request: api.GetById) -> api.TaskResponse:
    found = documents.get(tx, TASK, request.task, call)
    return api.TaskResponse(task=task_versions.downgrade(found, call.version))


@reads(api.GetByIdEx)
def get_by_id_ex(tx: Tx, call: Call, request: api.GetByIdEx) -> api.TasksResponse:
    ids = [request.id] if isinstance(request.id, str) else request.id
    found, _ = _find(tx, call, {"id": ids, "only_fields": request.only_fields}, expanded=True)
    return api.TasksResponse(tasks=found)


@serves(api.GetAll)
async def get_all(call: Call, _request: api.GetAll) -> api.PageResponse:
    return await _page(call, expanded=False)


@serves(api.GetAllEx)
async def get_all_ex(call: Call, _request: api.GetAllEx) -> api.PageResponse:
    return await _page(call, expanded=True)


async def _page(call: Call, *, expanded: bool) -> api.PageResponse:
    await _keep_order(call)
    found, scroll = await scrolls.answer(
        call.server.control, call.body, lambda tx: _find(tx, call, call.body, expanded=expanded)
    )
    return api.PageResponse(tasks=found, scroll_id=scroll)


async def _keep_order(call: Call) -> None:
    """Have tasks be kept in the order asked for, if it is by a value that many tasks have."""
    path = value_orders.path_of(search.parse(call.body, TASK.filters))
    if path is None:
        return
    control, company = call.server.control, call.company
    if await control.read(lambda tx: value_orders.is_wanted(tx, company, path)):
        # On a full disk, say, the tasks are found all the same.
        with contextlib.suppress(ApiError):
            await control.write(lambda tx: value_orders.keep(tx, company, path))


def _find(
    tx: Tx, call: Call, query: Mapping[str, Any], *, expanded: bool
) -> tuple[list[Document], str | None]:
    query = _with_types_in_lower_case(tag_versions.query(query, call.version))
    only = search.projection(query)
    if only and call.version < task_versions.CONTAINERS:
        query = {**query, "only_fields": task_versions.fields_to_read(only, call.version)}
    found, scroll = documents.find_page(tx, TASK, call, query)
    if call.version < task_versions.CONTAINERS:
        found = [_as_known(task, only, call) for task in found]
    if expanded:
        documents.expand(tx, TASK, call, found, only)
    return found, scroll


def _with_types_in_lower_case(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """The types of tasks may be asked for in any case."""
    if not (types := query.get("type")):
        return query
    listed = types if isinstance(types, list) else [types]
    return {**query, "type": [t.lower() if isinstance(t, str) else t for t in listed]}


def _as_known(task: Document, only: list[str], call: Call) -> Document:
    """A task as the caller's version of the protocol shows it."""
    found = task_versions.downgrade(task, call.version)
    return documents.project_fields(found, only) if only else found


@reads(api.GetTypes)
def get_types(tx: Tx, call: Call, request: api.GetTypes) -> api.TypesResponse:
    return api.TypesResponse(types=store.types(tx, call, request.projects))


@writes(api.Ping)
def ping(tx: Tx, call: Call, request: api.Ping) -> None:
    documents.get(tx, TASK, request.task, call, only=["id"], for_write=True)
    store.touch(tx, request.task)


@writes(api.UpdateTags)
def update_tags(tx: Tx, call: Call, request: api.UpdateTags) -> api.UpdatedResponse:
    updated = 0
    for id in store.lock(tx, request.ids):
        task = store.for_edit(tx, call, id, "tags")
        tags = task_edit.changed_tags(task["tags"], request.add_tags, request.remove_tags)
        updated += store.write(tx, call, id, {"tags": tags})
    return api.UpdatedResponse(updated=updated)


@writes(api.MakePublic)
def make_public(tx: Tx, call: Call, request: api.MakePublic) -> api.UpdatedResponse:
    return _hand_over(tx, call, request.ids, public=True)


@writes(api.MakePrivate)
def make_private(tx: Tx, call: Call, request: api.MakePrivate) -> api.UpdatedResponse:
    return _hand_over(tx, call, request.ids, public=False)


def _hand_over(tx: Tx, call: Call, ids: list[str], *, public: bool) -> api.UpdatedResponse:
    changed = documents.set_public(tx, TASK, call, store.lock(tx, ids), public=public)
    for id in ids:
        tx.signal(f"task:{id}")
    return api.UpdatedResponse(updated=changed)


@writes(api.Move)
def move(tx: Tx, call: Call, request: api.Move) -> api.MoveResponse:
    if request.project:
        project: str | None = request.project
        store.check_references(tx, call, {"project": project})
    elif request.project_name:
        project = projects.ensure(tx, call, request.project_name)
    elif "project" in call.body:
        project = None
    else:
        raise ApiError(MISSING_FIELDS, "project or project_name is required")
    touched = [project]
    for id in store.lock(tx, request.ids):
        touched.append(store.for_edit(tx, call, id).get("project"))
        store.write(tx, call, id, {"project": project})
    projects.touch(tx, touched)
    return api.MoveResponse(project_id=project)
