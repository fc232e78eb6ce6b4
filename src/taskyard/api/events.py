"""What tasks report while they run: adding it, the console, and reading it back as it came.

Curves are asked for with the actions of :mod:`taskyard.api.event_scalars`, plots and images with
those of :mod:`taskyard.api.event_samples`. Event times are milliseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from taskyard.api.wire import Document, Request, Response, action

LOG = "log"
SCALAR = "training_stats_scalar"
VECTOR = "training_stats_vector"
IMAGE = "training_debug_image"
PLOT = "plot"
TYPES = (LOG, SCALAR, VECTOR, IMAGE, PLOT)

Order = Literal["asc", "desc"]
EventType = Literal[
    "log", "training_stats_scalar", "training_stats_vector", "training_debug_image", "plot"
]


class AddResponse(Response):
    """How many events were kept, and how many refused for which reason."""

    added: int
    errors: int
    errors_info: dict[str, int]


class EventsPage(Response):
    """Events in order; ``scroll_id`` continues where this page ends."""

    events: list[Document]
    returned: int
    total: int
    scroll_id: str | None = None


@action("events.add", answers=AddResponse, any_text=True)
class Add(Request):
    """Report one event: a line of the console, a scalar, a vector, a plot or an image."""

    type: str | None = None
    task: str | None = None
    timestamp: float | None = None
    iter: Any = None
    metric: str | None = None
    variant: str | None = None
    key: str | None = None
    value: Any = None
    values: list[Any] | None = None
    msg: str | None = None
    level: str | None = None
    worker: str | None = None
    url: str | None = None
    plot_str: str | None = None
    skip_validation: bool | None = None
    allow_locked: bool | None = None
    """Take the event although the task or model is published."""
    model_event: bool | None = None
    """``task`` names a model."""


@action("events.add_batch", answers=AddResponse, batch=True, any_text=True, own_lines=True)
class AddBatch(Request):
    """Report many events at once: JSON lines, one event each."""

    lines: list[Any] | None = None


class Deleted(Response):
    deleted: bool


@action("events.delete_for_task", answers=Deleted)
class DeleteForTask(Request):
    """Delete everything a task has reported."""

    task: str
    allow_locked: bool = False


@action("events.delete_for_model", answers=Deleted, since="2.23")
class DeleteForModel(Request):
    """Delete everything that was reported for a model."""

    model: str
    allow_locked: bool = False


@action("events.get_task_log", answers=EventsPage)
class GetTaskLogScrolled(Request):
    """Read a task's console from either end, page by page."""

    task: str
    order: Order | None = None
    from_: Literal["head", "tail"] = msgspec.field(default="head", name="from")
    batch_size: int = 500
    scroll_id: str | None = None


class LogPage(Response):
    """Events of the console in order, and how many there are in all."""

    events: list[Document]
    returned: int
    total: int


@action("events.get_task_log", answers=LogPage, since="2.9")
class GetTaskLog(Request):
    """Read a task's console backwards from its end, or from any moment in either direction.

    A page ends only between two moments: events of its last millisecond are all in it, so that
    ``from_timestamp`` of the last event continues without gaps or repetitions.
    """

    task: str
    batch_size: int = 500
    navigate_earlier: bool = True
    from_timestamp: float | None = None
    order: Order | None = None


@action("events.download_task_log", answers=str, since="2.1")
class DownloadTaskLog(Request):
    """Download a task's whole console as text or JSON lines."""

    task: str
    line_type: Literal["json", "text"] = "text"
    line_format: str = "{asctime} {worker} {level} {msg}"


class ClearedLog(Response):
    deleted: int


@action("events.clear_task_log", answers=ClearedLog, since="2.19")
class ClearTaskLog(Request):
    """Delete a task's console, or what is older than ``threshold_sec`` seconds."""

    task: str
    allow_locked: bool = False
    threshold_sec: int | None = None


@action("events.get_task_events", answers=EventsPage)
class GetTaskEvents(Request):
    """Read back what a task reported, by iteration; lines of the console come last, by time."""

    task: str
    event_type: str | None = None
    order: Order = "asc"
    batch_size: int = 500
    scroll_id: str | None = None
    model_events: bool = False


@action("events.clear_scroll", since="2.18")
class ClearScroll(Request):
    """Give up a scroll before it expires."""

    scroll_id: str


class TaskMetrics(Response):
    metrics: list[Document]


@action("events.get_task_metrics", answers=TaskMetrics, since="2.1")
class GetTaskMetrics(Request):
    """Name the metrics each task has reported."""

    tasks: list[str]
    event_type: EventType | None = None
    model_events: bool = False


@action("events.get_multi_task_metrics", answers=TaskMetrics, since="2.1")
class GetMultiTaskMetrics(Request):
    """Name the metrics and variants that any of the tasks has reported."""

    tasks: list[str]
    event_type: EventType | None = None
    model_events: bool = False
