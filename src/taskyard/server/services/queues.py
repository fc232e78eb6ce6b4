"""The queues service: queues themselves, and which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskyard.api import queues as api
from taskyard.api.errors import INVALID_QUEUE_ID, QUEUE_NOT_EMPTY, VALIDATION, ApiError
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain import search, tag_versions
from taskyard.server.services.queue_entries import clear
from taskyard.server.store import users
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.documents import documents, scrolls
from taskyard.server.store.documents.kinds import QUEUE
from taskyard.server.store.queues import queue_entries, queues
from taskyard.server.store.tasks import task_status
from taskyard.server.store.workers import workers

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
                length = lengths.get(queue["id"], queue_entries.Length())
                queue |= {"waiting": length.number, "oldest": to_wire(length.oldest)}
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
            {
                "name": row.id,
                "ip": row.ip,
                "key": row.key,
                "task": row.task,
                "last_activity_time": to_wire(row.last_activity),
            }
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
        clear(tx, call, request.queue)
    if not queues.drop(tx, request.queue):
        raise ApiError(INVALID_QUEUE_ID, id=request.queue)
    return api.DeleteResponse(deleted=1)


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
    who = {"by": call.user, "by_name": users.names(tx, [call.user]).get(call.user, "")}
    note = {"reason": request.reason or "", "since": to_wire(tx.now), **who}
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
