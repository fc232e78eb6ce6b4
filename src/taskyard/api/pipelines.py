"""Pipelines: controllers that are tasks themselves, and their runs."""

from __future__ import annotations

from taskyard.api.wire import Document, Request, Response, action


class Argument(Request):
    """A value for one of the pipeline's parameters."""

    name: str
    value: str | None = None


class StartResponse(Response):
    pipeline: str
    """The id of the new run."""
    enqueued: bool
    queue_watched: bool | None = None
    """Whether a worker serves the queue; only if that was asked."""


@action("pipelines.start_pipeline", answers=StartResponse, since="2.17")
class StartPipeline(Request):
    """Run a pipeline again: clone its controller, set arguments, put it into a queue."""

    task: str
    queue: str | None = None
    """The id of a queue; without it, the default queue."""
    args: list[Argument] | None = None
    verify_watched_queue: bool = False


class DeleteRunsResponse(Response):
    succeeded: list[Document]
    failed: list[Document]


@action("pipelines.delete_runs", answers=DeleteRunsResponse, since="2.26")
class DeleteRuns(Request):
    """Delete runs of a pipeline with the steps that each of them started."""

    project: str
    ids: list[str]
