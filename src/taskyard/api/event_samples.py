"""Plots and images: the newest of each, or one by one through the iterations."""

from __future__ import annotations

from typing import Any

from taskyard.api.event_scalars import MetricVariants
from taskyard.api.wire import Document, Request, Response, action


class TaskMetricVariants(Request):
    """Which samples of a task; nothing named means all."""

    task: str
    metric: str | None = None
    variants: list[str] | None = None


class PlotsPage(Response):
    plots: Any
    returned: int
    total: int
    scroll_id: str | None = None


@action("events.get_task_plots", answers=PlotsPage)
class GetTaskPlots(Request):
    """Read the plots of the latest iterations of each variant, newest first."""

    task: str
    iters: int = 1
    metrics: list[MetricVariants] | None = None
    scroll_id: str | None = None
    no_scroll: bool = False
    model_events: bool = False


@action("events.get_multi_task_plots", answers=PlotsPage)
class GetMultiTaskPlots(Request):
    """Read plots of several tasks, by metric, variant, task and iteration."""

    tasks: list[str]
    iters: int = 1
    metrics: list[MetricVariants] | None = None
    scroll_id: str | None = None
    no_scroll: bool = False
    model_events: bool = False


class ByIteration(Response):
    """For each task ``{task, iterations: [{iter, events}]}``, newest iteration first."""

    metrics: list[Document]
    scroll_id: str


@action("events.plots", answers=ByIteration, since="2.20")
class Plots(Request):
    """Leaf through the iterations in which tasks reported plots."""

    metrics: list[TaskMetricVariants]
    iters: int = 1
    navigate_earlier: bool = True
    refresh: bool = False
    scroll_id: str | None = None
    model_events: bool = False


class Images(Response):
    task: str
    images: list[Document]
    returned: int
    total: int
    scroll_id: str | None = None


@action("events.debug_images", answers=Images)
class LatestDebugImages(Request):
    """Read the images of the latest iterations of each variant."""

    task: str
    iters: int = 1
    scroll_id: str | None = None


@action("events.debug_images", answers=ByIteration, since="2.7")
class DebugImagesByMetric(Request):
    """Leaf through the iterations in which metrics reported images."""

    metrics: list[TaskMetricVariants]
    iters: int = 1
    navigate_earlier: bool = True
    refresh: bool = False
    scroll_id: str | None = None


@action("events.debug_images", answers=ByIteration, since="2.14")
class DebugImages(Request):
    """Leaf through the iterations in which tasks reported images.

    Images whose file a later iteration has overwritten are left out.
    """

    metrics: list[TaskMetricVariants]
    iters: int = 1
    navigate_earlier: bool = True
    refresh: bool = False
    scroll_id: str | None = None
    model_events: bool = False


class ImageSample(Response):
    """One image, and between which iterations its variant can be asked for."""

    scroll_id: str
    event: Document | None
    min_iteration: int | None
    max_iteration: int | None


@action("events.get_debug_image_sample", answers=ImageSample, since="2.12")
class GetDebugImageSample(Request):
    """Read the image of a variant at an iteration, or the closest before it."""

    task: str
    metric: str
    variant: str
    iteration: int | None = None
    navigate_current_metric: bool = True
    refresh: bool = False
    scroll_id: str | None = None
    model_events: bool = False


@action("events.next_debug_image_sample", answers=ImageSample, since="2.12")
class NextDebugImageSample(Request):
    """Read the image before or after the one a scroll stands at."""

    task: str
    scroll_id: str
    navigate_earlier: bool = True
    next_iteration: bool = False
    model_events: bool = False


class PlotSample(Response):
    """The plots of one metric at one iteration, and which iterations there are."""

    scroll_id: str
    events: list[Document]
    min_iteration: int | None
    max_iteration: int | None
    event: Document | None = None
    """The plot of the variant that was asked for."""


@action("events.get_plot_sample", answers=PlotSample, since="2.20")
class GetPlotSample(Request):
    """Read the plots of a metric at an iteration, or the closest before it."""

    task: str
    metric: str
    variant: str = ""
    """Only this plot of the metric; without it, those of all variants."""
    iteration: int | None = None
    navigate_current_metric: bool = True
    refresh: bool = False
    scroll_id: str | None = None
    model_events: bool = False


@action("events.next_plot_sample", answers=PlotSample, since="2.20")
class NextPlotSample(Request):
    """Read the plots before or after those a scroll stands at."""

    task: str
    scroll_id: str
    navigate_earlier: bool = True
    next_iteration: bool = False
    model_events: bool = False
