"""The life cycle of tasks: the actions that change a status, one task or many at a time."""

from __future__ import annotations

from taskyard.api.states import Status
from taskyard.api.tasks import FieldsResponse
from taskyard.api.wire import Document, Request, Response, action


class StatusChange(Request):
    """Base of what changes one task's status. Reason and message replace the old ones."""

    task: str
    status_reason: str = ""
    status_message: str = ""


class ForcedChange(StatusChange):
    force: bool = False
    """Make the change even where it is not a legal move."""


class ManyChange(Request):
    """Base of what changes several tasks; each succeeds or fails by itself."""

    ids: list[str]
    status_reason: str = ""
    status_message: str = ""


class ManyChangeOfRuns(ManyChange):
    include_pipeline_steps: bool = False
    """Do the same to the steps of those tasks that run a pipeline."""


class ManyResponse(Response):
    succeeded: list[Document]
    """Of each: ``id`` and what the action on one task answers."""
    failed: list[Document]
    """Of each: ``id`` and ``error`` with ``codes``, ``msg`` and ``data``."""


class EnqueueResponse(FieldsResponse):
    queued: int
    queue_watched: bool | None = None


@action("tasks.enqueue", answers=EnqueueResponse)
class Enqueue(ForcedChange):
    """Put a task at the back of a queue: the one given, or the default one."""

    queue: str | None = None
    queue_name: str | None = None
    """A queue by its name, made if there is none yet."""
    update_execution_queue: bool = True
    verify_watched_queue: bool = False


class EnqueueManyResponse(ManyResponse):
    queue_watched: bool | None = None


@action("tasks.enqueue_many", answers=EnqueueManyResponse, since="2.13")
class EnqueueMany(ManyChange):
    """Put several tasks at the back of a queue."""

    queue: str | None = None
    queue_name: str | None = None
    validate_tasks: bool = False
    """Refuse tasks whose parent, project or input models are gone."""
    verify_watched_queue: bool = False


class DequeueResponse(FieldsResponse):
    dequeued: int


@action("tasks.dequeue", answers=DequeueResponse)
class Dequeue(StatusChange):
    """Take a task out of its queue and give it back the status it had before."""

    new_status: Status | None = None
    remove_from_all_queues: bool = False


@action("tasks.dequeue_many", answers=ManyResponse, since="2.16")
class DequeueMany(ManyChange):
    """Take several tasks out of their queues."""

    new_status: Status | None = None
    remove_from_all_queues: bool = False


class StartedResponse(FieldsResponse):
    started: int


@action("tasks.started", answers=StartedResponse)
class Started(ForcedChange):
    """Say that a task runs."""


@action("tasks.stop", answers=FieldsResponse)
class Stop(ForcedChange):
    """Ask for a task to be stopped: by its worker, or at once where there is none."""

    include_pipeline_steps: bool = False
    """Stop the steps too, if the task runs a pipeline."""


@action("tasks.stop_many", answers=ManyResponse, since="2.13")
class StopMany(ManyChangeOfRuns):
    """Ask for several tasks to be stopped."""

    force: bool = False


@action("tasks.stopped", answers=FieldsResponse)
class Stopped(ForcedChange):
    """Say that a task was stopped."""


@action("tasks.failed", answers=FieldsResponse)
class Failed(ForcedChange):
    """Say that a task failed."""


class CompletedResponse(FieldsResponse):
    published: int | None = None


@action("tasks.completed", answers=CompletedResponse)
class Completed(ForcedChange):
    """Say that a task ended well; with ``publish``, publish it too."""

    publish: bool = False


@action("tasks.close", answers=FieldsResponse)
class Close(ForcedChange):
    """Close a stopped task."""


@action("tasks.publish", answers=FieldsResponse)
class Publish(ForcedChange):
    """Make a finished task unchangeable, and its last output model with it."""

    publish_model: bool = True


@action("tasks.publish_many", answers=ManyResponse, since="2.13")
class PublishMany(ManyChange):
    """Publish several tasks."""

    force: bool = False
    publish_model: bool = True


class TaskUrls(Response):
    """Addresses of files a task left on storage."""

    model_urls: list[str]
    event_urls: list[str]
    artifact_urls: list[str]


class ResetResponse(FieldsResponse):
    dequeued: Document
    deleted_models: int
    events: Document | None = None
    deleted_indices: list[str] | None = None
    urls: TaskUrls | None = None


@action("tasks.reset", answers=ResetResponse)
class Reset(ForcedChange):
    """Make a task a draft again, without the results of its last run."""

    clear_all: bool = False
    """Clear script, hyper-parameters, configuration and container as well."""
    delete_output_models: bool = True
    return_file_urls: bool = False
    delete_external_artifacts: bool = True


@action("tasks.reset_many", answers=ManyResponse, since="2.13")
class ResetMany(ManyChange):
    """Make several tasks drafts again."""

    force: bool = False
    clear_all: bool = False
    delete_output_models: bool = True
    return_file_urls: bool = False
    delete_external_artifacts: bool = True


class DeleteResponse(Response):
    deleted: bool
    updated_children: int
    updated_models: int
    deleted_models: int
    events: Document | None = None
    urls: TaskUrls | None = None


@action("tasks.delete", answers=DeleteResponse)
class Delete(ForcedChange):
    """Delete a task with its events, and its output models that nobody else uses."""

    move_to_trash: bool = False
    delete_output_models: bool = True
    return_file_urls: bool = False
    delete_external_artifacts: bool = True


@action("tasks.delete_many", answers=ManyResponse, since="2.13")
class DeleteMany(ManyChangeOfRuns):
    """Delete several tasks."""

    force: bool = False
    move_to_trash: bool = False
    delete_output_models: bool = True
    return_file_urls: bool = False
    delete_external_artifacts: bool = True


class ArchiveResponse(Response):
    archived: int


@action("tasks.archive", answers=ArchiveResponse, since="2.12")
class Archive(Request):
    """Put tasks out of sight. Queued ones are dequeued, running ones stopped."""

    tasks: list[str]
    status_reason: str = ""
    status_message: str = ""
    include_pipeline_steps: bool = False


@action("tasks.archive_many", answers=ManyResponse, since="2.13")
class ArchiveMany(ManyChangeOfRuns):
    """Put several tasks out of sight, and say how it went for each."""


@action("tasks.unarchive_many", answers=ManyResponse, since="2.13")
class UnarchiveMany(ManyChangeOfRuns):
    """Bring archived tasks back."""


class GetCountResponse(Response):
    counts: dict[str, int]
    """By status, those that were asked for."""


@action("tasks.get_count", answers=GetCountResponse)
class GetCount(Request):
    """How many tasks have a status: all of them, in sight or not."""

    status: list[Status]
