"""Reports: pages of text and charts, kept as tasks of the type ``report``."""

from __future__ import annotations

from typing import Any

from taskyard.api.event_scalars import Axis, MetricVariants
from taskyard.api.wire import Document, Request, Response, action


class CreateResponse(Response):
    id: str
    project_id: str
    """The project of reports that it was put into."""


@action("reports.create", answers=CreateResponse, since="2.23")
class Create(Request):
    """Start a report."""

    name: str
    tags: list[str] | None = None
    comment: str | None = None
    report: str | None = None
    """The text, in Markdown."""
    report_assets: list[str] | None = None
    """The URLs of what the text shows."""
    project: str | None = None


class UpdatedResponse(Response):
    updated: int
    """How many were changed: 0 or 1."""
    fields: Document
    """The fields that changed, with their new values."""


@action("reports.update", answers=UpdatedResponse, since="2.23")
class Update(Request):
    """Change a report. Of a published one only the name and the tags can change."""

    task: str
    name: str | None = None
    tags: list[str] | None = None
    comment: str | None = None
    report: str | None = None
    report_assets: list[str] | None = None


class MoveResponse(Response):
    project_id: str


@action("reports.move", answers=MoveResponse, since="2.23")
class Move(Request):
    """Put a report into another project, named by its id or, made if need be, by its name."""

    task: str
    project: str | None = None
    project_name: str | None = None


class PublishResponse(UpdatedResponse):
    published: int


@action("reports.publish", answers=PublishResponse, since="2.23")
class Publish(Request):
    """Publish a report: from then on its text stays as it is."""

    task: str
    message: str | None = None
    comment: str | None = None


class ArchiveResponse(Response):
    archived: int


@action("reports.archive", answers=ArchiveResponse, since="2.23")
class Archive(Request):
    """Put a report out of sight."""

    task: str
    message: str | None = None


class UnarchiveResponse(Response):
    unarchived: int


@action("reports.unarchive", answers=UnarchiveResponse, since="2.23")
class Unarchive(Request):
    """Bring an archived report back."""

    task: str
    message: str | None = None


class DeleteResponse(Response):
    deleted: int


@action("reports.delete", answers=DeleteResponse, since="2.23")
class Delete(Request):
    """Delete a report. One that is published and not archived goes only with ``force``."""

    task: str
    force: bool = False


class TagsResponse(Response):
    tags: list[str]


@action("reports.get_tags", answers=TagsResponse, since="2.23")
class GetTags(Request):
    """List the tags that reports carry."""


class PageResponse(Response):
    tasks: list[Document]
    scroll_id: str | None = None


class Query(Request):
    """What chooses reports or tasks: the language of ``tasks.get_all``."""

    id: list[str] | str | None = None
    name: str | None = None
    project: list[str] | str | None = None
    user: list[str] | str | None = None
    tags: list[str | None] | str | None = None
    system_tags: list[str | None] | str | None = None
    status: list[str] | str | None = None
    search_text: str | None = None
    order_by: list[str] | str | None = None
    only_fields: list[str] | str | None = None
    page: int | None = None
    page_size: int | None = None
    scroll_id: str | None = None
    refresh_scroll: bool = False
    size: int | None = None
    allow_public: bool = True


@action("reports.get_all_ex", answers=PageResponse, since="2.23")
class GetAllEx(Query, kw_only=True):
    """Reports by filter, ordered and projected as the query says, with the names of what they
    refer to. Those of a project are found by the project's id."""


class EventsQuery(Request):
    """Which events of the chosen tasks to show."""

    iters: int = 1
    metrics: list[MetricVariants] | None = None


class HistogramQuery(Request):
    """Which scalars of the chosen tasks to show, and in how many points."""

    samples: int = 6000
    key: Axis = "iter"
    metrics: list[MetricVariants] | None = None


class TaskDataResponse(Response):
    tasks: list[Document]
    plots: Any = None
    debug_images: Any = None
    scalar_metrics_iter_histogram: Any = None
    single_value_metrics: Any = None


@action("reports.get_task_data", answers=TaskDataResponse, since="2.23")
class GetTaskData(Query, kw_only=True):
    """Tasks with the events that a report shows of them: only those kinds that are asked for."""

    plots: EventsQuery | None = None
    debug_images: EventsQuery | None = None
    scalar_metrics_iter_histogram: HistogramQuery | None = None
    single_value_metrics: Document | None = None
    model_events: bool = False
