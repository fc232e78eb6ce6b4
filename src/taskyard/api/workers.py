"""Workers: the agents that run tasks, as the server sees them."""

from __future__ import annotations

from typing import Any, Literal

from taskyard.api.attempts import WorkerOrder
from taskyard.api.wire import Document, Empty, Request, Response, action

MachineStats = dict[str, Any]
"""Numbers by name (``cpu_usage``...), lists for what a machine has several of. Unknown names and
values that are no numbers are left out rather than refused."""


@action("workers.register", answers=Empty)
class Register(Request):
    """Say that a worker is there and which queues it serves."""

    worker: str
    timeout: int = 600
    """Seconds without a sign of life after which the worker is forgotten."""
    queues: list[str] | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    resources: Document | None = None
    exclusive: bool = False
    """Refuse when a worker of that id has just been heard of from another machine."""


@action("workers.unregister", answers=Empty)
class Unregister(Request):
    """Say that a worker leaves."""

    worker: str


@action("workers.status_report", answers=Empty)
class StatusReport(Request):
    """Say what a worker does and how its machine is."""

    worker: str
    timestamp: float
    """Milliseconds since the epoch."""
    task: str | None = None
    queue: str | None = None
    queues: list[str] | None = None
    machine_stats: MachineStats | None = None
    unfit: str | None = None
    """Why the worker takes no tasks of itself, for people; empty when it does."""
    tags: list[str] | None = None
    system_tags: list[str] | None = None


class Seen(Request):
    """Which workers are meant."""

    last_seen: int | None = None
    """Seconds since the last sign of life, at most; 0 or null for any."""
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    """Names; one that begins with ``-`` leaves out the workers that have it."""
    worker_pattern: str | None = None
    """A name with ``*`` and ``?`` for any letters and any one letter."""


class GetAllResponse(Response):
    workers: list[Document]


@action("workers.get_all", answers=GetAllResponse)
class GetAll(Seen):
    """The workers that gave a sign of life lately, one hour when not said."""


class GetCountResponse(Response):
    count: int


@action("workers.get_count", answers=GetCountResponse)
class GetCount(Seen):
    """How many workers there are."""


class RuntimeProperty(Request):
    key: str
    value: str
    expiry: int | None = None
    """Seconds after which it is forgotten; none for never."""


class GetRuntimePropertiesResponse(Response):
    runtime_properties: list[Document]


@action("workers.get_runtime_properties", answers=GetRuntimePropertiesResponse, since="2.13")
class GetRuntimeProperties(Request):
    """What was noted about a worker with ``set_runtime_properties``."""

    worker: str


class SetRuntimePropertiesResponse(Response):
    added: list[str]
    removed: list[str]
    errors: list[str]


@action("workers.set_runtime_properties", answers=SetRuntimePropertiesResponse, since="2.13")
class SetRuntimeProperties(Request):
    """Note something about a worker under a key; an empty value takes the note away."""

    worker: str
    runtime_properties: list[RuntimeProperty]


class MetricsCategory(Response):
    name: str
    metric_keys: list[str]


class GetMetricKeysResponse(Response):
    categories: list[MetricsCategory]


@action("workers.get_metric_keys", answers=GetMetricKeysResponse)
class GetMetricKeys(Request):
    """What the machines of workers are measured by."""

    worker_ids: list[str] | None = None


Aggregation = Literal["avg", "min", "max"]


class StatItem(Request):
    key: str
    aggregation: Aggregation | None = None
    category: Aggregation | None = None
    """The older name of ``aggregation``."""


class WorkerStats(Response):
    worker: str
    metrics: list[Document]


class GetStatsResponse(Response):
    workers: list[WorkerStats]


@action("workers.get_stats", answers=GetStatsResponse)
class GetStats(Request):
    """Measurements of machines over time, averaged or taken at their extremes per interval."""

    items: list[StatItem]
    from_date: float
    to_date: float
    interval: float
    worker_ids: list[str] | None = None
    split_by_variant: bool = False
    split_by_resource: bool = False
    gaps: bool = False
    """Null instead of 0 for intervals in which the worker did not report."""


class WorkerLoad(Response):
    """A worker's last report of its machine."""

    worker: str
    at: int
    """Milliseconds since the epoch."""
    load: dict[str, dict[str, float]]
    """By metric and unit (``total``, or ``0``, ``1``... where there are several). What was zero is
    left out."""


class GetLoadResponse(Response):
    loads: list[WorkerLoad]


@action("workers.get_load", answers=GetLoadResponse)
class GetLoad(Request):
    """How the machines of workers are now: of those that reported within two minutes."""

    worker_ids: list[str] | None = None


class ActivitySeries(Response):
    dates: list[int]
    """Starts of the intervals, milliseconds since the epoch."""
    counts: list[int]


class GetActivityReportResponse(Response):
    total: ActivitySeries
    active: ActivitySeries


@action("workers.get_activity_report", answers=GetActivityReportResponse)
class GetActivityReport(Request):
    """How many workers there were over time, and how many of them ran a task."""

    from_date: float
    to_date: float
    interval: float


class WorkerRun(Response):
    """An attempt at a task, by a worker. Times in milliseconds since the epoch.

    ``place``: see ``attempts.report``. Without one, or without ``gpus`` in it, the attempt may use
    all that its worker has.
    """

    worker: str
    task: str
    attempt: int
    name: str
    """The task's; empty when it is deleted."""
    user: str | None
    """The name of who made the task."""
    status: str
    state: str
    queue: str | None
    cause: str | None
    taken: int
    started: int | None
    ended: int | None
    place: Document | None


class GetRunsResponse(Response):
    runs: list[WorkerRun]
    complete: bool
    """Whether that is all of them: 10,000 are given at the most."""


@action("workers.get_runs", answers=GetRunsResponse)
class GetRuns(Request):
    """What workers run now, and where on their machines."""


class GetTimelineResponse(Response):
    runs: list[WorkerRun]
    """Live ones, then the others from the last that ended."""
    complete: bool
    """Whether that is all of them: 10,000 are given at the most."""


@action("workers.get_timeline", answers=GetTimelineResponse)
class GetTimeline(Request):
    """Which worker ran what in a span of time (seconds since the epoch)."""

    from_date: float
    to_date: float
    worker_ids: list[str] | None = None


class OrderResponse(Response):
    updated: int
    order: WorkerOrder | None = None


class GivenOrder(Response):
    """What a worker was told."""

    kind: str
    """``pause``, ``drain``, ``stop`` or ``resume``."""
    reason: str
    by: str
    """Who gave the order: a user's id."""
    by_name: str
    at: str


class GetOrdersResponse(Response):
    orders: list[GivenOrder]
    """The newest first; one hundred at the most."""


@action("workers.get_orders", answers=GetOrdersResponse)
class GetOrders(Request):
    """What a worker was told, by whom and why; also of one that has left."""

    worker: str


@action("workers.pause", answers=OrderResponse)
class Pause(Request):
    """Have a worker take no task until it is resumed; what it runs goes on."""

    worker: str
    reason: str = ""


@action("workers.drain", answers=OrderResponse)
class Drain(Request):
    """Have a worker finish what it runs and leave."""

    worker: str
    reason: str = ""


@action("workers.stop", answers=OrderResponse)
class Stop(Request):
    """Have a worker end what it runs, give it back to its queue, and leave."""

    worker: str
    reason: str = ""


@action("workers.resume", answers=OrderResponse)
class Resume(Request):
    """Let a paused or draining worker take tasks again."""

    worker: str
    reason: str = ""
