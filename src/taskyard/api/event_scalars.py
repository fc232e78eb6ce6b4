"""Curves: what tasks reported as numbers, sampled for a screen or raw."""

from __future__ import annotations

from typing import Literal

import msgspec

from taskyard.api.events import EventsPage
from taskyard.api.wire import Document, Request, Response, action

Axis = Literal["iter", "timestamp", "iso_time"]


class MetricVariants(Request):
    """A metric, and which of its variants; none named means all."""

    metric: str
    variants: list[str] | None = None


Curves = dict[str, Document]
"""Metric to variant to ``{name, x, y}``."""


@action("events.scalar_metrics_iter_histogram", answers=Curves)
class ScalarMetricsIterHistogram(Request):
    """Draw all curves of a task; more points than ``samples`` are averaged in equal steps."""

    task: str
    samples: int = 6000
    """Points of each curve; 0 for all there are."""
    key: Axis = "iter"
    metrics: list[MetricVariants] | None = None
    model_events: bool = False


@action("events.multi_task_scalar_metrics_iter_histogram", answers=Curves)
class MultiTaskScalarMetricsIterHistogram(Request):
    """Draw the curves of several tasks over each other: metric, variant, then task."""

    tasks: list[str]
    samples: int = 6000
    key: Axis = "iter"
    metrics: list[MetricVariants] | None = None
    model_events: bool = False


class ScalarWindow(Response):
    """A part of one curve, in steps that hold one point or more. Spikes stay: they are the
    ``low`` and ``high`` of their step."""

    metric: str
    variant: str
    x: list[int]
    """Where each step begins."""
    mean: list[float]
    low: list[float]
    high: list[float]
    exact: bool
    """Each step is a single point: there is no more to be seen."""


class ScalarWindows(Response):
    curves: list[ScalarWindow]


@action("events.scalar_window", answers=ScalarWindows)
class GetScalarWindow(Request):
    """Draw a part of a task's curves, as finely as a screen can show."""

    task: str
    metrics: list[MetricVariants] | None = None
    from_: int | None = msgspec.field(default=None, name="from")
    """The first iteration, or moment in milliseconds since the epoch, of the part; none for all."""
    to: int | None = None
    """The last one."""
    steps: int = 1000
    """The most steps of each curve, such as pixels of its width; 10,000 at the most."""
    key: Literal["iter", "timestamp"] = "iter"
    model_events: bool = False


class RawPoints(Response):
    """Points of one metric by variant, as arrays of the axis, under its name, and of ``y``."""

    variants: Document
    returned: int
    total: int | None
    scroll_id: str | None


@action("events.scalar_metrics_iter_raw", answers=RawPoints, since="2.16")
class ScalarMetricsIterRaw(Request):
    """Read every point of a metric, page by page, until a page is empty."""

    task: str
    metric: MetricVariants
    key: Axis = "iter"
    batch_size: int = 10000
    count_total: bool = False
    scroll_id: str | None = None
    model_events: bool = False


@action("events.get_scalar_metric_data", answers=EventsPage)
class GetScalarMetricData(Request):
    """Read the points of one metric as events."""

    task: str
    metric: str | None = None
    scroll_id: str | None = None
    no_scroll: bool = False
    model_events: bool = False


class SingleValues(Response):
    tasks: list[Document]


@action("events.get_task_single_value_metrics", answers=SingleValues, since="2.20")
class GetTaskSingleValueMetrics(Request):
    """Read the numbers that tasks reported without an iteration."""

    tasks: list[str]
    metrics: list[MetricVariants] | None = None
    model_events: bool = False


class LatestValues(Response):
    metrics: list[Document]


@action("events.get_task_latest_scalar_values", answers=LatestValues)
class GetTaskLatestScalarValues(Request):
    """Read the last value of each curve, and the mean of its last hundred."""

    task: str


class MetricsAndVariants(Response):
    """Metric to the names of its variants."""

    metrics: dict[str, list[str]]


@action("events.get_scalar_metrics_and_variants", answers=MetricsAndVariants)
class GetScalarMetricsAndVariants(Request):
    """Name the curves of a task."""

    task: str
    model_events: bool = False


@action("events.get_vector_metrics_and_variants", answers=MetricsAndVariants)
class GetVectorMetricsAndVariants(Request):
    """Name the vectors a task has reported."""

    task: str
    model_events: bool = False


class Vectors(Response):
    """The vectors of one variant, and the iteration of each."""

    metric: str
    variant: str
    vectors: list[list[float]]
    iterations: list[int]


@action("events.vector_metrics_iter_histogram", answers=Vectors)
class VectorMetricsIterHistogram(Request):
    """Read the vectors of one variant by iteration."""

    task: str
    metric: str
    variant: str
    model_events: bool = False
