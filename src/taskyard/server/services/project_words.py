"""The projects service: what occurs in projects, for filters and pickers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from taskyard.api import projects as api
from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.call import Call, reads
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, tags, vocabulary
from taskyard.server.store.documents.kinds import MODEL, PROJECT, TASK, USER, Kind
from taskyard.server.store.documents.matching import compiled

MOST = 500
"""The most values or names in one answer."""


@reads(api.GetProjectTags)
def get_project_tags(tx: Tx, call: Call, request: api.GetProjectTags) -> api.TagsResponse:
    query = dict(request.filter or {})
    if request.projects:
        query["id"] = documents.with_descendants(tx, request.projects)
    return _tags(tx, call, PROJECT, query, request)


@reads(api.GetTaskTags)
def get_task_tags(tx: Tx, call: Call, request: api.GetTaskTags) -> api.TagsResponse:
    return _tags(tx, call, TASK, _within(request.projects, request.filter), request)


@reads(api.GetModelTags)
def get_model_tags(tx: Tx, call: Call, request: api.GetModelTags) -> api.TagsResponse:
    return _tags(tx, call, MODEL, _within(request.projects, request.filter), request)


def _tags(
    tx: Tx, call: Call, kind: Kind, query: dict[str, Any], request: api.TagsRequest
) -> api.TagsResponse:
    condition = documents.matching(tx, kind, call, {"search_hidden": True, **query})
    found = api.TagsResponse(tags=sorted(tags.distinct(tx, kind, "tags", condition)))
    if request.include_system:
        found.system_tags = sorted(tags.distinct(tx, kind, "system_tags", condition))
    return found


def _within(
    projects: Sequence[str] | None,
    query: dict[str, Any] | None = None,
    *,
    include_subprojects: bool = True,
) -> dict[str, Any]:
    """A query for what is in these projects, or in all when there are none."""
    found = {"search_hidden": True, **(query or {})}
    if projects:
        found |= {"project": list(projects), "include_subprojects": include_subprojects}
    return found


@reads(api.GetUniqueMetricVariants)
def get_unique_metric_variants(
    tx: Tx, call: Call, request: api.GetUniqueMetricVariants
) -> api.MetricsResponse:
    kind = MODEL if request.model_metrics else TASK
    query = _within(
        [request.project] if request.project else None,
        {"id": request.ids} if request.ids else None,
        include_subprojects=request.include_subprojects,
    )
    condition = documents.matching(tx, kind, call, query)
    return api.MetricsResponse(metrics=vocabulary.metrics(tx, kind, condition))


@reads(api.GetHyperParameters)
def get_hyper_parameters(
    tx: Tx, call: Call, request: api.GetHyperParameters
) -> api.ParametersResponse:
    query = _within([request.project], include_subprojects=request.include_subprojects)
    pairs = vocabulary.pairs(tx, TASK, "hyperparams", documents.matching(tx, TASK, call, query))
    shown, remaining = _page(pairs, request.page, request.page_size)
    return api.ParametersResponse(
        parameters=[{"section": section, "name": name} for section, name in shown],
        remaining=remaining,
        total=len(pairs),
    )


@reads(api.GetModelMetadataKeys)
def get_model_metadata_keys(
    tx: Tx, call: Call, request: api.GetModelMetadataKeys
) -> api.KeysResponse:
    query = _within([request.project], include_subprojects=request.include_subprojects)
    keys = vocabulary.keys(tx, MODEL, "metadata", documents.matching(tx, MODEL, call, query))
    shown, remaining = _page(keys, request.page, request.page_size)
    return api.KeysResponse(keys=shown, remaining=remaining, total=len(keys))


@reads(api.GetHyperparamValues)
def get_hyperparam_values(
    tx: Tx, call: Call, request: api.GetHyperparamValues
) -> api.ValuesResponse:
    return _values(tx, call, TASK, ("hyperparams", request.section, request.name), request)


@reads(api.GetModelMetadataValues)
def get_model_metadata_values(
    tx: Tx, call: Call, request: api.GetModelMetadataValues
) -> api.ValuesResponse:
    return _values(tx, call, MODEL, ("metadata", request.key), request)


def _values(
    tx: Tx, call: Call, kind: Kind, path: tuple[str, ...], request: api.ValuesRequest
) -> api.ValuesResponse:
    query = _within(
        request.projects,
        {"allow_public": request.allow_public},
        include_subprojects=request.include_subprojects,
    )
    if request.pattern:
        compiled(request.pattern)
    condition = documents.matching(tx, kind, call, query)
    values = vocabulary.values(tx, kind, (*path, "value"), condition, request.pattern)
    shown, _ = _page(values, request.page, request.page_size)
    return api.ValuesResponse(total=len(values), values=shown)


def _page(items: Sequence[Any], page: int, size: int) -> tuple[list[Any], int]:
    if page < 0 or size < 1:
        raise ApiError(VALIDATION, "page counts from 0, page_size from 1", field="page")
    return vocabulary.page(items, page, min(size, MOST))


@reads(api.GetTaskParents)
def get_task_parents(tx: Tx, call: Call, request: api.GetTaskParents) -> api.ParentsResponse:
    query = _within(request.projects, include_subprojects=request.include_subprojects)
    # An explicit null means tasks of any state; nothing at all means the default.
    if call.body.get("tasks_state", request.tasks_state) is not None:
        sign = "__$not" if request.tasks_state == "active" else "__$all"
        query["system_tags"] = [sign, "archived"]
    table = TASK.table
    parents = select(table.c.parent).where(documents.matching(tx, TASK, call, query))
    named = {"search_hidden": True, "name": request.task_name or None}
    rows = tx.execute(
        select(table.c.id, table.c.name, table.c.project)
        .where(table.c.id.in_(parents), documents.matching(tx, TASK, call, named))
        .order_by(table.c.name, table.c.id)
    )
    found = [{k: v for k, v in row._asdict().items() if v is not None} for row in rows]
    documents.expand(tx, TASK, call, found, ["project.name"])
    return api.ParentsResponse(parents=found)


@reads(api.GetUserNames)
def get_user_names(tx: Tx, call: Call, request: api.GetUserNames) -> api.UsersResponse:
    kind = MODEL if request.entity == "model" else TASK
    query = _within(request.projects, include_subprojects=request.include_subprojects)
    users = select(kind.table.c.user).where(documents.matching(tx, kind, call, query))
    table = USER.table
    rows = tx.execute(
        select(table.c.id, table.c.name)
        .where(table.c.id.in_(users))
        .order_by(table.c.name, table.c.id)
    )
    return api.UsersResponse(users=[{"id": row.id, "name": row.name} for row in rows])
