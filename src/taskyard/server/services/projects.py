"""The projects service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from taskyard.api import projects as api
from taskyard.api.errors import (
    PROJECT_HAS_DATASETS,
    PROJECT_HAS_MODELS,
    PROJECT_HAS_PIPELINES,
    PROJECT_HAS_TASKS,
    ApiError,
)
from taskyard.api.wire import Request
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain import tag_versions
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, scrolls
from taskyard.server.store.documents.kinds import MODEL, PROJECT, TASK
from taskyard.server.store.events import samples
from taskyard.server.store.projects import project_content
from taskyard.server.store.projects import projects as store
from taskyard.server.store.tables import projects

Document = dict[str, Any]


@writes(api.Create)
def create(tx: Tx, call: Call, request: api.Create) -> api.CreateResponse:
    fields = _given(call, request, omit=("name",))
    return api.CreateResponse(id=store.create(tx, call, request.name, fields))


@writes(api.Update)
def update(tx: Tx, call: Call, request: api.Update) -> api.UpdateResponse:
    fields = store.edit(tx, call, request.project, _given(call, request, omit=("project",)))
    return api.UpdateResponse(
        updated=1, fields={name: value for name, value in fields.items() if name != "id"}
    )


def _given(call: Call, request: Request, omit: Sequence[str]) -> Document:
    """What a request sets: the fields that have a value."""
    values = msgspec.structs.asdict(request)
    found = {k: v for k, v in values.items() if v is not None and k not in omit}
    return tag_versions.split(found, call.version)


@writes(api.Move)
def move(tx: Tx, call: Call, request: api.Move) -> api.MoveResponse:
    return api.MoveResponse(moved=store.move(tx, call, request.project, request.new_location or ""))


@writes(api.Merge)
def merge(tx: Tx, call: Call, request: api.Merge) -> api.MergeResponse:
    entities, moved = store.merge(tx, call, request.project, request.destination_project or None)
    return api.MergeResponse(moved_entities=entities, moved_projects=moved)


@writes(api.MakePublic)
def make_public(tx: Tx, call: Call, request: api.MakePublic) -> api.UpdatedResponse:
    updated = documents.set_public(tx, PROJECT, call, sorted(request.ids), public=True)
    return api.UpdatedResponse(updated=updated)


@writes(api.MakePrivate)
def make_private(tx: Tx, call: Call, request: api.MakePrivate) -> api.UpdatedResponse:
    updated = documents.set_public(tx, PROJECT, call, sorted(request.ids), public=False)
    return api.UpdatedResponse(updated=updated)


# --- deletion ------------------------------------------------------------------------------


@reads(api.ValidateDelete)
def validate_delete(tx: Tx, call: Call, request: api.ValidateDelete) -> api.ValidateDeleteResponse:
    documents.get(tx, PROJECT, request.project, call, only=["id"])
    counts = project_content.counts(tx, store.family(tx, request.project))
    return api.ValidateDeleteResponse(**counts)


@serves(api.Delete)
async def delete(call: Call, request: api.Delete) -> api.DeleteResponse:
    events = await _event_urls(call, request.project) if request.delete_contents else []
    answer = await call.server.control.write(lambda tx: _delete(tx, call, request))
    if request.delete_contents:
        answer.urls["event_urls"] = events
        await call.server.events_forgotten()
    return answer


async def _event_urls(call: Call, project: str) -> list[str]:
    """Addresses in the events of a project's tasks: to be read before they go."""
    ids = await call.server.control.read(
        lambda tx: project_content.own_tasks(tx, call, store.family(tx, project))
    )
    found = await call.server.telemetry.read(lambda tx: samples.urls(tx, ids))
    return sorted({url for urls in found.values() for url in urls})


def _delete(tx: Tx, call: Call, request: api.Delete) -> api.DeleteResponse:
    family = store.family(tx, request.project, to_remove=True)
    known = documents.get(tx, PROJECT, request.project, call, only=["parent"], for_write=True)
    if not request.force:
        _refuse_content(request.project, project_content.counts(tx, family))
    deleted_tasks = deleted_models = 0
    urls: Document = {}
    if request.delete_contents:
        deleted_tasks, deleted_models, urls = project_content.delete_content(tx, call, family)
    # What is public stays, but without the project.
    released = project_content.release(tx, family)
    store.remove(tx, family)
    store.touch(tx, [known.get("parent")])
    return api.DeleteResponse(
        deleted=1,
        disassociated_tasks=released,
        urls=urls,
        deleted_models=deleted_models,
        deleted_tasks=deleted_tasks,
    )


_OBSTACLES = {
    "tasks": PROJECT_HAS_TASKS,
    "reports": PROJECT_HAS_TASKS,
    "models": PROJECT_HAS_MODELS,
    "datasets": PROJECT_HAS_DATASETS,
    "pipelines": PROJECT_HAS_PIPELINES,
}


def _refuse_content(project: str, counts: Mapping[str, int]) -> None:
    for name, error in _OBSTACLES.items():
        if number := counts[f"non_archived_{name}"]:
            raise ApiError(
                error,
                f"{number} {name}",
                hint="Archive them, or delete the project with force.",
                id=project,
            )


# --- queries -------------------------------------------------------------------------------


@reads(api.GetById)
def get_by_id(tx: Tx, call: Call, request: api.GetById) -> api.ProjectResponse:
    project = documents.get(tx, PROJECT, request.project, call)
    return api.ProjectResponse(project=tag_versions.join(project, call.version))


@serves(api.GetAll)
async def get_all(call: Call, request: api.GetAll) -> api.ProjectsResponse:
    def find(tx: Tx) -> api.ProjectsResponse:
        found, scroll = documents.find_page(tx, PROJECT, call, _query(call, request))
        found = [tag_versions.join(project, call.version) for project in found]
        return api.ProjectsResponse(projects=found, scroll_id=scroll)

    return await scrolls.answer(call.server.control, call.body, find)


@serves(api.GetAllEx)
async def get_all_ex(call: Call, request: api.GetAllEx) -> api.ProjectsResponse:
    query = _query(call, request)
    if request.non_public:
        query["allow_public"] = False

    def find(tx: Tx) -> api.ProjectsResponse:
        having = _having_content(tx, call, request)
        found, scroll = documents.find_page(tx, PROJECT, call, query, *having)
        found = [tag_versions.join(project, call.version) for project in found]
        documents.expand(tx, PROJECT, call, found, _strings(request.only_fields))
        _add_statistics(tx, call, request, found)
        return api.ProjectsResponse(projects=found, scroll_id=scroll)

    return await scrolls.answer(call.server.control, query, find)


def _query(call: Call, request: api.ProjectQuery) -> Document:
    """The query with ``parent`` made plain: projects above at any depth, or right above."""
    query = dict(tag_versions.query(call.body, call.version))
    parents = query.get("parent")
    if request.shallow_search:
        if not parents and not query.get("id"):
            query["parent"] = [None]
    elif parents:
        query["path"] = query.pop("parent")
    return query


def _strings(value: list[str] | str | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _having_content(tx: Tx, call: Call, request: api.GetAllEx) -> list[Any]:
    """Conditions on what projects have in them or below."""
    conditions = []
    if request.active_users:
        query = {"user": request.active_users, "search_hidden": True}
        own = project_content.with_content(tx, call, TASK, query)
        own += project_content.with_content(tx, call, MODEL, query)
        conditions.append(projects.c.id.in_(own))
    if request.children_type:
        query = {
            "search_hidden": True,
            "tags": request.children_tags,
            "filters": {"tags": request.children_tags_filter},
        }
        if request.children_type == "report":
            found = project_content.with_content(tx, call, TASK, {**query, "type": ["report"]})
        else:
            # Those that the SDK made have a hidden project of their own.
            query["system_tags"] = [request.children_type]
            found = project_content.with_content(tx, call, TASK, query)
            found += project_content.above(tx, call, query)
        conditions.append(projects.c.id.in_(found))
    return conditions


def _add_statistics(tx: Tx, call: Call, request: api.GetAllEx, found: Sequence[Document]) -> None:
    ids = [project["id"] for project in found]
    by_users = {"user": request.active_users, "search_hidden": request.search_hidden}
    if request.include_stats:
        below = store.all_below(tx, call, ids) if request.stats_with_children is not False else {}
        families = {id: [id, *(child["id"] for child in below.get(id, ()))] for id in ids}
        matching = {**by_users, **(request.include_stats_filter or {})}
        states = [request.stats_for_state] if _one_state(call) else ["active", "archived"]
        statistics = project_content.statistics(
            tx, call, families, [str(state) for state in states], matching
        )
        for project in found:
            project["stats"] = statistics[project["id"]]
            project["sub_projects"] = [
                {"id": child["id"], "name": child["name"]}
                for child in below.get(project["id"], ())
                if request.search_hidden or not child["hidden"]
            ]
    if request.check_own_contents:
        own = project_content.own_counts(tx, call, ids, by_users)
        for project in found:
            project["own_tasks"], project["own_models"] = own[project["id"]]
    if request.include_dataset_stats:
        for project in found:
            if stats := project_content.dataset_statistics(tx, call, project["id"]):
                project["dataset_stats"] = stats


def _one_state(call: Call) -> bool:
    # An explicit null means both states; nothing at all means the default.
    return "stats_for_state" not in call.body or call.body["stats_for_state"] is not None
