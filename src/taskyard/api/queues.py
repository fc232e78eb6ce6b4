"""Queues: where tasks wait, in which order, and who may take them."""

from __future__ import annotations

import msgspec

from taskyard.api.queries import Query
from taskyard.api.wire import Document, Request, Response, action


class MetadataItem(Request):
    """One remark kept with a queue."""

    key: str | None = None
    type: str | None = None
    value: str | None = None


class Updated(Response):
    updated: int
    """How many were changed: 0 or 1."""


class UpdatedFields(Response):
    updated: int
    fields: Document
    """The fields that changed, with their new values."""


class Position(Response):
    position: int
    """Where the task stands now, counted from 0."""


class GetByIdResponse(Response):
    queue: Document


@action("queues.get_by_id", answers=GetByIdResponse)
class GetById(Request):
    """One queue with its entries in order."""

    queue: str
    max_task_entries: int | None = None


class GetAllResponse(Response):
    queues: list[Document]
    scroll_id: str | None = None


@action("queues.get_all", answers=GetAllResponse)
class GetAll(Query):
    """Queues by filter, ordered and projected as the query says."""

    max_task_entries: int | None = None


@action("queues.get_all_ex", answers=GetAllResponse)
class GetAllEx(Query):
    """Like ``get_all``, with the names of waiting tasks and the workers that serve each queue.

    ``waiting`` is the number of entries, however many of them are shown, and ``oldest`` when the
    one of them was added that has waited longest.
    """

    max_task_entries: int | None = None


class GetDefaultResponse(Response):
    id: str
    name: str


@action("queues.get_default", answers=GetDefaultResponse)
class GetDefault(Request):
    """The queue that is used when none is named."""


class CreateResponse(Response):
    id: str


@action("queues.create", answers=CreateResponse)
class Create(Request):
    """Make a queue."""

    name: str
    display_name: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    metadata: list[MetadataItem] | None = None


@action("queues.update", answers=UpdatedFields)
class Update(Request):
    """Change a queue's name, tags or description."""

    queue: str
    name: str | None = None
    display_name: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None


class DeleteResponse(Response):
    deleted: int


@action("queues.delete", answers=DeleteResponse)
class Delete(Request):
    """Delete a queue; one that holds tasks only with ``force``, which takes them out first."""

    queue: str
    force: bool | None = None


class AddTaskResponse(Response):
    added: int


@action("queues.add_task", answers=AddTaskResponse)
class AddTask(Request):
    """Put a task at the end of a queue without touching its status."""

    queue: str
    task: str
    update_execution_queue: bool | None = None


class Entry(Response):
    task: str
    added: str


class GetNextTaskResponse(Response):
    entry: Entry | None = None
    task_info: Document | None = None


@action("queues.get_next_task", answers=GetNextTaskResponse)
class GetNextTask(Request):
    """Take the first entry out of a queue."""

    queue: str
    task: str | None = None
    """Take it only if this task is the first."""
    get_task_info: bool | None = None


class RemoveTaskResponse(Response):
    removed: int


@action("queues.remove_task", answers=RemoveTaskResponse)
class RemoveTask(Request):
    """Take one task out of a queue."""

    queue: str
    task: str
    update_task_status: bool | None = None


class ClearQueueResponse(Response):
    removed_tasks: list[str]


@action("queues.clear_queue", answers=ClearQueueResponse)
class ClearQueue(Request):
    """Take every task out of a queue; each gets the status it had before it was queued."""

    queue: str


class PeekTaskResponse(Response):
    task: str | None


@action("queues.peek_task", answers=PeekTaskResponse)
class PeekTask(Request):
    """The task that is first in a queue."""

    queue: str


class GetNumEntriesResponse(Response):
    num: int


@action("queues.get_num_entries", answers=GetNumEntriesResponse)
class GetNumEntries(Request):
    """How many tasks wait in a queue."""

    queue: str


@action("queues.move_task_forward", answers=Position)
class MoveTaskForward(Request):
    """Move a task ``count`` places towards the front, 1 when not said."""

    queue: str
    task: str
    count: int | None = None


@action("queues.move_task_backward", answers=Position)
class MoveTaskBackward(Request):
    """Move a task ``count`` places towards the end, 1 when not said."""

    queue: str
    task: str
    count: int | None = None


@action("queues.move_task_to_front", answers=Position)
class MoveTaskToFront(Request):
    """Make a task the first of its queue."""

    queue: str
    task: str


@action("queues.move_task_to_back", answers=Position)
class MoveTaskToBack(Request):
    """Make a task the last of its queue."""

    queue: str
    task: str


class Stand(Response):
    """Where tasks stand that are neighbours in a queue: what brings them back, as a move."""

    tasks: list[str]
    before: list[str]
    ahead: int | None


class MoveTasksResponse(Response):
    moved: list[str]
    """Those that waited there, in their order."""
    position: int
    """Where the first of them stands now, counted from 0."""
    stood: list[Stand]
    """Where they stood: the moves that undo this one, to be made from the last to the first."""
    order: int
    """The number of the order, which grows with every move."""
    meanwhile: str | None
    """Who moved tasks of the queue after the order that was ``seen``; None when nobody did."""


@action("queues.move_tasks", answers=MoveTasksResponse)
class MoveTasks(Request):
    """Bring waiting tasks together, in the order given; those that left the queue are passed over.

    Saying the same twice is as good as once, whoever else moves tasks meanwhile.
    """

    queue: str
    tasks: list[str]
    before: list[str] = msgspec.field(default_factory=list)
    """They come right ahead of the first of these that still waits there."""
    ahead: int | None = None
    """Where none of those does, so many of the others are ahead of them; all when not said."""
    seen: int | None = None
    """The number of the order that this was decided by, for ``meanwhile`` to be told."""


class GetStandsResponse(Response):
    stood: list[Stand]


@action("queues.get_stands", answers=GetStandsResponse)
class GetStands(Request):
    """Where tasks stand in a queue, for ``move_tasks`` to bring them back there."""

    queue: str
    tasks: list[str]


MOST_ENTRIES = 1000
"""Entries that one answer has at the most."""


class WaitingTask(Response):
    """A task that waits, and why."""

    task: str
    name: str
    user: str | None
    """The name of who made it."""
    added: str
    priority: int
    code: str
    why: str
    hint: str


class GetEntriesResponse(Response):
    order: int
    """The number of the order, which grows with every move."""
    total: int
    """How many wait in all."""
    entries: list[WaitingTask]


@action("queues.get_entries", answers=GetEntriesResponse)
class GetEntries(Request):
    """A part of what waits in a queue, in order."""

    queue: str
    first: int = 0
    """Its place, counted from 0."""
    limit: int = 100
    """How many: 1,000 at the most."""


class QueueMetrics(Response):
    queue: str
    dates: list[int]
    """Starts of the intervals, milliseconds since the epoch."""
    avg_waiting_times: list[float]
    """Seconds."""
    queue_lengths: list[int]
    oldest_waiting_times: list[float]
    """Seconds that the first to come has waited."""
    running: list[int]
    """Attempts at tasks that were taken from the queue."""
    p50_waits: list[float | None]
    """Seconds that half of the tasks handed out then had waited at the most; null without any."""
    p95_waits: list[float | None]
    """Of 95 in 100."""


class GetQueueMetricsResponse(Response):
    queues: list[QueueMetrics]


@action("queues.get_queue_metrics", answers=GetQueueMetricsResponse)
class GetQueueMetrics(Request):
    """Length and waiting time of queues over time; of all together when none is named."""

    from_date: float
    to_date: float
    interval: int
    queue_ids: list[str] | None = None
    refresh: bool | None = None


class QueueWaits(Response):
    """How long the tasks had waited that were handed out: seconds; null without any."""

    queue: str
    started: int
    p50: float | None
    p95: float | None


class GetWaitsResponse(Response):
    queues: list[QueueWaits]


@action("queues.get_waits", answers=GetWaitsResponse)
class GetWaits(Request):
    """How long tasks waited lately, in each queue."""

    seconds: float = 86_400
    """The span until now."""


@action("queues.add_or_update_metadata", answers=Updated, since="2.13")
class AddOrUpdateMetadata(Request):
    """Write remarks on a queue, over those of the same key or over all."""

    queue: str
    metadata: list[MetadataItem]
    replace_metadata: bool | None = None


@action("queues.delete_metadata", answers=Updated, since="2.13")
class DeleteMetadata(Request):
    """Delete remarks of a queue by key."""

    queue: str
    keys: list[str]


@action("queues.pause", answers=UpdatedFields)
class Pause(Request):
    """Keep the tasks of a queue waiting until it is resumed; those that run go on."""

    queue: str
    reason: str | None = None


@action("queues.resume", answers=UpdatedFields)
class Resume(Request):
    """Let workers take tasks from a paused queue again."""

    queue: str
