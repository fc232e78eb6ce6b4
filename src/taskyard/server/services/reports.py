"""Reports: tasks of the type ``report``, kept in hidden projects beside what they tell of."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from taskyard.api import event_samples, event_scalars
from taskyard.api import reports as api
from taskyard.api.errors import (
    INVALID_TASK_ID,
    INVALID_TASK_STATUS,
    MISSING_FIELDS,
    TASK_CANNOT_BE_DELETED,
    ApiError,
)
from taskyard.api.states import Status
from taskyard.api.wire import Document, Request, action_of
from taskyard.server.call import HANDLERS, Call, reads, serves, writes
from taskyard.server.domain import search, task_fields
from taskyard.server.domain.lifecycle import ARCHIVED, may_be_deleted
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, references, scrolls, tags
from taskyard.server.store.documents.kinds import PROJECT, TASK
from taskyard.server.store.projects import projects
from taskyard.server.store.tasks import task_life, task_status
from taskyard.server.store.tasks import tasks as store

REPORT = "report"
"""The type of a task that is a report."""

HOME = ".reports"
"""The last part of the name of a project that holds reports."""

HIDDEN_TAGS = ["hidden", "reports"]
"""The system tags of reports and of their projects: both stay out of lists of the others."""

_IS_REPORT = tables.tasks.c.type == REPORT


@writes(api.Create)
def create(tx: Tx, call: Call, request: api.Create) -> api.CreateResponse:
    project = _home(tx, call, request.project)
    fields: dict[str, Any] = {
        "name": task_fields.task_name(request.name),
        "type": REPORT,
        "project": project,
        "tags": task_fields.tag_list(request.tags or ()),
        "system_tags": HIDDEN_TAGS,
        "comment": request.comment or "",
        "report": request.report or "",
        "report_assets": request.report_assets or [],
    }
    return api.CreateResponse(id=store.create(tx, call, fields), project_id=project)


def _home(tx: Tx, call: Call, project: str | None) -> str:
    """The project for reports on ``project``, made if there is none yet."""
    if not project:
        return _home_named(tx, call, HOME)
    known = documents.get(tx, PROJECT, project, call, only=["name", "basename"])
    if known["basename"] == HOME:
        return project
    return _home_named(tx, call, f"{known['name']}/{HOME}")


def _home_named(tx: Tx, call: Call, name: str) -> str:
    id = projects.ensure(tx, call, name)
    known = documents.get(tx, PROJECT, id, call, only=["system_tags"])["system_tags"]
    if not set(HIDDEN_TAGS) <= set(known):
        documents.update(tx, PROJECT, id, {"system_tags": [*known, *HIDDEN_TAGS]})
    return id


def _held(tx: Tx, call: Call, id: str) -> Document:
    """A report that is about to change. Raises ApiError(INVALID_TASK_ID) for any other task."""
    found = store.for_edit(tx, call, id, "type", "system_tags")
    if found["type"] != REPORT:
        raise ApiError(INVALID_TASK_ID, "the task is not a report", id=id)
    return found


@writes(api.Update)
def update(tx: Tx, call: Call, request: api.Update) -> api.UpdatedResponse:
    status = _held(tx, call, request.task)["status"]
    fields: dict[str, Any] = {
        name: value
        for name in ("name", "comment", "report", "report_assets", "tags")
        if (value := getattr(request, name)) is not None
    }
    if "name" in fields:
        fields["name"] = task_fields.task_name(fields["name"])
    if "tags" in fields:
        fields["tags"] = task_fields.tag_list(fields["tags"])
    if status != Status.CREATED and set(fields) - {"name", "tags"}:
        raise ApiError(
            INVALID_TASK_STATUS,
            "only the name and the tags of a published report can change",
            task=request.task,
            current_status=status,
        )
    if not fields:
        return api.UpdatedResponse(updated=0, fields={})
    return api.UpdatedResponse(updated=store.write(tx, call, request.task, fields), fields=fields)


@writes(api.Move)
def move(tx: Tx, call: Call, request: api.Move) -> api.MoveResponse:
    if "project" not in call.body and not request.project_name:
        raise ApiError(MISSING_FIELDS, "project or project_name", field="project")
    before = _held(tx, call, request.task)
    wanted = request.project
    if not wanted and request.project_name:
        wanted = projects.ensure(tx, call, request.project_name)
    project = _home(tx, call, wanted)
    store.write(tx, call, request.task, {"project": project})
    projects.touch(tx, [before.get("project"), project])
    return api.MoveResponse(project_id=project)


@writes(api.Publish)
def publish(tx: Tx, call: Call, request: api.Publish) -> api.PublishResponse:
    _held(tx, call, request.task)
    standing = task_status.standing(tx, call.company, request.task)
    if standing.status == Status.PUBLISHED:
        raise ApiError(
            INVALID_TASK_STATUS,
            "the report is published already",
            task=request.task,
            current_status=str(standing.status),
        )
    if request.comment is not None:
        store.write(tx, call, request.task, {"comment": request.comment})
    fields = task_status.change(
        tx,
        standing,
        Status.PUBLISHED,
        by=call.user,
        message=request.message or "",
        # No run comes before the publishing of a report, as it does with other tasks.
        force=True,
    )
    return api.PublishResponse(published=1, updated=1, fields=fields)


@writes(api.Archive)
def archive(tx: Tx, call: Call, request: api.Archive) -> api.ArchiveResponse:
    known = _held(tx, call, request.task)["system_tags"]
    return api.ArchiveResponse(
        archived=_retag(tx, call, request.task, [*known, ARCHIVED], request.message)
    )


@writes(api.Unarchive)
def unarchive(tx: Tx, call: Call, request: api.Unarchive) -> api.UnarchiveResponse:
    kept = [tag for tag in _held(tx, call, request.task)["system_tags"] if tag != ARCHIVED]
    return api.UnarchiveResponse(unarchived=_retag(tx, call, request.task, kept, request.message))


def _retag(tx: Tx, call: Call, task: str, system_tags: list[str], message: str | None) -> int:
    changes: dict[str, Any] = {"system_tags": system_tags}
    if message is not None:
        changes["status_message"] = message
    return store.write(tx, call, task, changes)


@writes(api.Delete)
def delete(tx: Tx, call: Call, request: api.Delete) -> api.DeleteResponse:
    _held(tx, call, request.task)
    standing = task_status.standing(tx, call.company, request.task)
    if not request.force and not may_be_deleted(standing):
        raise ApiError(
            TASK_CANNOT_BE_DELETED,
            "archive the report first, or delete it with force",
            task=request.task,
        )
    task_life.delete(tx, call, request.task, force=True)
    return api.DeleteResponse(deleted=1)


@reads(api.GetTags)
def get_tags(tx: Tx, call: Call, request: api.GetTags) -> api.TagsResponse:
    visible = tables.tasks.c.company.in_([call.company, ""])
    return api.TagsResponse(tags=sorted(tags.distinct(tx, TASK, "tags", _IS_REPORT, visible)))


@serves(api.GetAllEx)
async def get_all_ex(call: Call, request: api.GetAllEx) -> api.PageResponse:
    found, scroll = await scrolls.answer(
        call.server.control, call.body, lambda tx: _find_reports(tx, call)
    )
    return api.PageResponse(tasks=found, scroll_id=scroll)


def _find_reports(tx: Tx, call: Call) -> tuple[list[Document], str | None]:
    query = {**call.body, "search_hidden": True}
    if query.get("project"):
        query["project"] = _with_homes(tx, query["project"])
    found, scroll = documents.find_page(tx, TASK, call, query, _IS_REPORT)
    references.expand(tx, TASK, call, found, search.projection(query))
    return found, scroll


def _with_homes(tx: Tx, wanted: Any) -> list[Any]:
    """A filter by project that also finds the reports kept beside each project it names."""
    named = wanted if isinstance(wanted, list) else [wanted]
    if any(not isinstance(id, str) or id.startswith(("__$", "-")) for id in named):
        return named
    table = tables.projects
    homes = select(table.c.id).where(table.c.parent.in_(named), table.c.basename == HOME)
    return [*named, *tx.execute(homes.order_by(table.c.id)).scalars()]


@serves(api.GetTaskData)
async def get_task_data(call: Call, request: api.GetTaskData) -> api.TaskDataResponse:
    def find(tx: Tx) -> list[Document]:
        found = documents.find(tx, TASK, call, call.body)
        references.expand(tx, TASK, call, found, search.projection(call.body))
        return found

    tasks = await call.server.control.read(find)
    answer = api.TaskDataResponse(tasks=tasks)
    ids = [task["id"] for task in tasks]
    if ids:
        await _add_events(call, request, ids, answer)
    return answer


async def _add_events(
    call: Call, request: api.GetTaskData, ids: list[str], answer: api.TaskDataResponse
) -> None:
    models = request.model_events
    if (plots := request.plots) is not None:
        asked = event_samples.GetMultiTaskPlots(
            tasks=ids,
            iters=plots.iters,
            metrics=plots.metrics,
            no_scroll=True,
            model_events=models,
        )
        answer.plots = (await _ask(call, asked))["plots"]
    if (images := request.debug_images) is not None:
        wanted = event_samples.DebugImages(
            metrics=_of_each(ids, images.metrics), iters=images.iters, model_events=models
        )
        answer.debug_images = (await _ask(call, wanted))["metrics"]
    if (curves := request.scalar_metrics_iter_histogram) is not None:
        answer.scalar_metrics_iter_histogram = await _ask(
            call,
            event_scalars.MultiTaskScalarMetricsIterHistogram(
                tasks=ids,
                samples=curves.samples,
                key=curves.key,
                metrics=curves.metrics,
                model_events=models,
            ),
        )
    if request.single_value_metrics is not None:
        single = event_scalars.GetTaskSingleValueMetrics(tasks=ids, model_events=models)
        answer.single_value_metrics = (await _ask(call, single))["tasks"]


def _of_each(
    ids: list[str], metrics: list[event_scalars.MetricVariants] | None
) -> list[event_samples.TaskMetricVariants]:
    if not metrics:
        return [event_samples.TaskMetricVariants(task=id) for id in ids]
    return [
        event_samples.TaskMetricVariants(task=id, metric=m.metric, variants=m.variants)
        for id in ids
        for m in metrics
    ]


async def _ask(call: Call, request: Request) -> Any:
    """What another action answers, as plain data."""
    handler = HANDLERS[action_of(request)]
    if handler.mode == "serve":
        answer = await handler.run(call, request)
    else:
        answer = await call.server.control.read(lambda tx: handler.run(tx, call, request))
    return msgspec.to_builtins(answer)
