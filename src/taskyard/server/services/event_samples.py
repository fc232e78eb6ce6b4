"""The events service: plots and images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from taskyard.api import event_samples as api
from taskyard.api.errors import INVALID_SCROLL_ID, ApiError
from taskyard.api.events import IMAGE, PLOT
from taskyard.server.call import Call, serves
from taskyard.server.domain import leafing
from taskyard.server.domain.leafing import Window
from taskyard.server.services.event_scalars import names
from taskyard.server.services.events import MOST, known, look
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import catalog, event_scrolls, samples, walks
from taskyard.server.store.events.reported import Owner
from taskyard.server.store.events.samples import Sample

# The latest


@serves(api.GetTaskPlots)
async def get_task_plots(call: Call, request: api.GetTaskPlots) -> api.PlotsPage:
    await known(call, [request.task], request.model_events)

    def find(tx: Tx) -> api.PlotsPage:
        found = samples.find(tx, catalog.find(tx, [request.task], [PLOT], names(request.metrics)))
        latest = samples.latest(found, max(1, request.iters))
        return _page(tx, latest, request.scroll_id, request.no_scroll)

    return await look(call, find)


def _page(
    tx: Tx, latest: Sequence[Sample], scroll_id: str | None, no_scroll: bool
) -> api.PlotsPage:
    seen = walks.place(scroll_id).done
    page = latest[seen : seen + MOST]
    return api.PlotsPage(
        plots=samples.documents(tx, page),
        returned=len(page),
        total=len(latest),
        scroll_id=None if no_scroll else walks.token(walks.Place(done=seen + len(page))),
    )


@serves(api.GetMultiTaskPlots)
async def get_multi_task_plots(call: Call, request: api.GetMultiTaskPlots) -> api.PlotsPage:
    owners = await known(call, request.tasks, request.model_events)

    def find(tx: Tx) -> api.PlotsPage:
        latest: list[Sample] = []
        for task in dict.fromkeys(request.tasks):
            found = catalog.find(tx, [task], [PLOT], names(request.metrics))
            latest += samples.latest(samples.find(tx, found), max(1, request.iters))
        page = _page(tx, latest, request.scroll_id, request.no_scroll)
        page.plots = _side_by_side(page.plots, owners)
        return page

    return await look(call, find)


def _side_by_side(events: Iterable[dict[str, Any]], owners: dict[str, Owner]) -> dict[str, Any]:
    """Plots by metric, variant, task and iteration."""
    grouped: dict[str, Any] = {}
    for event in events:
        place = grouped
        for name in (event["metric"], event["variant"], event["task"]):
            place = place.setdefault(name, {})
        task = owners[event["task"]].name
        found = place.setdefault(str(event["iter"]), {"name": task, "plots": []})
        found["plots"].append(event)
    return grouped


@serves(api.LatestDebugImages)
async def latest_debug_images(call: Call, request: api.LatestDebugImages) -> api.Images:
    await known(call, [request.task])

    def find(tx: Tx) -> api.Images:
        found = samples.find(tx, catalog.find(tx, [request.task], [IMAGE]))
        page = _page(tx, samples.latest(found, max(1, request.iters)), request.scroll_id, False)
        return api.Images(
            task=request.task,
            images=page.plots,
            returned=page.returned,
            total=page.total,
            scroll_id=page.scroll_id,
        )

    return await look(call, find)


# By iteration


class Leafing(msgspec.Struct):
    """Where a client that leafs through iterations stands, for each thing it leafs through."""

    windows: dict[str, Window] = {}


@serves(api.DebugImages)
async def debug_images(call: Call, request: api.DebugImages) -> api.ByIteration:
    return await _leaf(call, request, IMAGE, request.model_events)


@serves(api.DebugImagesByMetric)
async def debug_images_by_metric(call: Call, request: api.DebugImagesByMetric) -> api.ByIteration:
    return await _leaf(call, request, IMAGE, False, by_metric=True)


@serves(api.Plots)
async def plots(call: Call, request: api.Plots) -> api.ByIteration:
    return await _leaf(call, request, PLOT, request.model_events)


async def _leaf(
    call: Call,
    request: api.DebugImages | api.DebugImagesByMetric | api.Plots,
    type_: str,
    of_model: bool,
    *,
    by_metric: bool = False,
) -> api.ByIteration:
    tasks = list(dict.fromkeys(one.task for one in request.metrics))
    await known(call, tasks, of_model)

    def find(tx: Tx) -> tuple[list[dict[str, Any]], Leafing]:
        position = Leafing()
        if request.scroll_id:
            position = event_scrolls.load(tx, request.scroll_id, Leafing)
        shown = []
        for head, wanted in _groups(request.metrics, by_metric=by_metric):
            found = samples.find(tx, catalog.find(tx, [head["task"]], [type_], wanted))
            key = " ".join(head.values())
            window = Window() if request.refresh else position.windows.get(key, Window())
            iterations, position.windows[key] = leafing.leaf(
                (s.iter for s in found),
                window,
                max(1, request.iters),
                earlier=request.navigate_earlier,
            )
            shown.append({**head, "iterations": _iterations(tx, found, iterations)})
        return shown, position

    shown, position = await look(call, find)
    keep = partial(event_scrolls.save, id=request.scroll_id, position=position)
    return api.ByIteration(metrics=shown, scroll_id=await call.server.telemetry.write(keep))


def _groups(
    metrics: Iterable[api.TaskMetricVariants], *, by_metric: bool
) -> list[tuple[dict[str, str], catalog.Names | None]]:
    """What is leafed through as one, and the names in it: a task, or a metric of one."""
    if by_metric:
        return [
            ({"task": one.task, "metric": one.metric or ""}, {one.metric or "": None})
            for one in metrics
        ]
    grouped: dict[str, catalog.Names | None] = {}
    for one in metrics:
        wanted = grouped.setdefault(one.task, {})
        if one.metric is None:
            grouped[one.task] = None
        elif wanted is not None:
            before = wanted.get(one.metric, frozenset())
            some = frozenset(one.variants or ())
            wanted[one.metric] = before | some if some and before is not None else None
    return [({"task": task}, wanted) for task, wanted in grouped.items()]


def _iterations(tx: Tx, found: Iterable[Sample], iterations: Sequence[int]) -> list[dict[str, Any]]:
    chosen = set(iterations)
    events: dict[int, list[dict[str, Any]]] = {iteration: [] for iteration in iterations}
    for event in samples.documents(tx, [s for s in found if s.iter in chosen]):
        events[event["iter"]].append(event)
    return [{"iter": iteration, "events": events[iteration]} for iteration in iterations]


# One by one


class Standing(msgspec.Struct):
    """Which sample a client looks at. Plots of one metric are looked at together, unless it named
    a variant, as it had to before 2.23."""

    task: str
    type: str
    one_metric: bool
    iter: int | None
    metric: str
    variant: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.metric, self.variant) if self.one_by_one else (self.metric,)

    @property
    def one_by_one(self) -> bool:
        return self.type != PLOT or bool(self.variant)

    def spot(self, sample: Sample) -> leafing.Spot:
        """Where a sample is, in steps of this kind."""
        series = sample.series
        names = (series.metric, series.variant) if self.one_by_one else (series.metric,)
        return sample.iter, names


def _around(found: Iterable[Sample], position: Standing) -> tuple[int | None, int | None]:
    """Between which iterations the position's names can be asked for."""
    iterations = [s.iter for s in found if position.spot(s)[1] == position.names]
    return (min(iterations), max(iterations)) if iterations else (None, None)


Shown = tuple[list[dict[str, Any]], int | None, int | None, Standing]
"""Events, the first and last iteration there are of their names, and where that is."""


def _first(tx: Tx, position: Standing) -> Shown:
    """The samples of the position's names at its iteration, or the closest before."""
    found = samples.find(
        tx, catalog.find(tx, [position.task], [position.type], {position.metric: None})
    )
    wanted = [s for s in found if position.spot(s)[1] == position.names]
    chosen = leafing.at_iteration(wanted, position.iter)
    if chosen:
        position.iter = chosen[0].iter
    return (samples.documents(tx, chosen), *_around(found, position), position)


def _next(
    tx: Tx,
    request: api.NextDebugImageSample | api.NextPlotSample,
    type_: str,
) -> Shown:
    position = event_scrolls.load(tx, request.scroll_id, Standing)
    if position.task != request.task or position.type != type_:
        raise ApiError(
            INVALID_SCROLL_ID,
            "the scroll is of another task",
            scroll_id=request.scroll_id,
            hint="Start again without a scroll id.",
        )
    wanted: catalog.Names | None = {position.metric: None} if position.one_metric else None
    found = samples.find(tx, catalog.find(tx, [position.task], [type_], wanted))
    spot = None
    if position.iter is not None:
        spot = leafing.step(
            map(position.spot, found),
            (position.iter, position.names),
            earlier=request.navigate_earlier,
            next_iteration=request.next_iteration,
        )
    if spot is None:
        return ([], *_around(found, position), position)
    here = [sample for sample in found if position.spot(sample) == spot]
    position.iter, (position.metric, *variant) = spot
    position.variant = variant[0] if variant else ""
    return (samples.documents(tx, here), *_around(found, position), position)


async def _keep(call: Call, scroll_id: str | None, position: Standing) -> str:
    return await call.server.telemetry.write(
        partial(event_scrolls.save, id=scroll_id, position=position)
    )


@serves(api.GetDebugImageSample)
async def get_debug_image_sample(call: Call, request: api.GetDebugImageSample) -> api.ImageSample:
    await known(call, [request.task], request.model_events)
    position = Standing(
        task=request.task,
        type=IMAGE,
        one_metric=request.navigate_current_metric,
        iter=request.iteration,
        metric=request.metric,
        variant=request.variant,
    )
    shown = await look(call, partial(_first, position=position))
    return await _image(call, request.scroll_id, shown)


@serves(api.NextDebugImageSample)
async def next_debug_image_sample(call: Call, request: api.NextDebugImageSample) -> api.ImageSample:
    await known(call, [request.task], request.model_events)
    shown = await look(call, partial(_next, request=request, type_=IMAGE))
    return await _image(call, request.scroll_id, shown)


async def _image(call: Call, scroll_id: str | None, shown: Shown) -> api.ImageSample:
    events, first, last, position = shown
    return api.ImageSample(
        scroll_id=await _keep(call, scroll_id, position),
        event=events[-1] if events else None,
        min_iteration=first,
        max_iteration=last,
    )


@serves(api.GetPlotSample)
async def get_plot_sample(call: Call, request: api.GetPlotSample) -> api.PlotSample:
    await known(call, [request.task], request.model_events)
    position = Standing(
        task=request.task,
        type=PLOT,
        one_metric=request.navigate_current_metric,
        iter=request.iteration,
        metric=request.metric,
        variant=request.variant,
    )
    shown = await look(call, partial(_first, position=position))
    return await _plots(call, request.scroll_id, shown)


@serves(api.NextPlotSample)
async def next_plot_sample(call: Call, request: api.NextPlotSample) -> api.PlotSample:
    await known(call, [request.task], request.model_events)
    shown = await look(call, partial(_next, request=request, type_=PLOT))
    return await _plots(call, request.scroll_id, shown)


async def _plots(call: Call, scroll_id: str | None, shown: Shown) -> api.PlotSample:
    events, first, last, position = shown
    return api.PlotSample(
        scroll_id=await _keep(call, scroll_id, position),
        events=events,
        event=events[-1] if events and position.variant else None,
        min_iteration=first,
        max_iteration=last,
    )
