"""The events service: curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from taskyard.api import event_scalars as api
from taskyard.api.errors import VALIDATION, ApiError
from taskyard.api.events import SCALAR, VECTOR, EventsPage
from taskyard.server.call import Call, serves
from taskyard.server.services.events import MOST, iso_time, known, look
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import catalog, samples, scalar_windows, scalars, walks

MOST_TASKS = 100
"""Tasks drawn over each other."""

MOST_STEPS = 10_000
"""Steps of one window of a curve."""

MOST_RAW = 200_000
"""Points of one raw page."""


def names(wanted: Sequence[api.MetricVariants] | None) -> catalog.Names | None:
    """The metrics and variants asked for; None for all."""
    if not wanted:
        return None
    return {one.metric: frozenset(one.variants) if one.variants else None for one in wanted}


@serves(api.ScalarMetricsIterHistogram)
async def scalar_metrics_iter_histogram(
    call: Call, request: api.ScalarMetricsIterHistogram
) -> api.Curves:
    await known(call, [request.task], request.model_events)
    drawn: api.Curves = {}
    for curve in await look(call, partial(_curves, request=request, tasks=[request.task])):
        drawn.setdefault(curve.series.metric, {})[curve.series.variant] = _drawn(
            curve, request.key, curve.series.variant
        )
    return drawn


@serves(api.MultiTaskScalarMetricsIterHistogram)
async def multi_task_scalar_metrics_iter_histogram(
    call: Call, request: api.MultiTaskScalarMetricsIterHistogram
) -> api.Curves:
    if len(request.tasks) > MOST_TASKS:
        raise ApiError(VALIDATION, f"at most {MOST_TASKS} tasks can be compared")
    owners = await known(call, request.tasks, request.model_events)
    drawn: api.Curves = {}
    for curve in await look(call, partial(_curves, request=request, tasks=request.tasks)):
        series = curve.series
        variant = drawn.setdefault(series.metric, {}).setdefault(series.variant, {})
        variant[series.task] = _drawn(curve, request.key, owners[series.task].name)
    return drawn


def _curves(
    tx: Tx,
    request: api.ScalarMetricsIterHistogram | api.MultiTaskScalarMetricsIterHistogram,
    tasks: Sequence[str],
) -> list[scalars.Curve]:
    found = catalog.find(tx, tasks, [SCALAR], names(request.metrics))
    groups = scalars.chunks_of(tx, found)
    samples_wanted = max(0, request.samples)
    return list(scalars.curves(tx, groups, samples_wanted, by_time=request.key != "iter"))


def _drawn(curve: scalars.Curve, key: api.Axis, name: str) -> dict[str, Any]:
    x: list[Any] = [iso_time(moment) for moment in curve.x] if key == "iso_time" else curve.x
    return {"name": name, "x": x, "y": curve.y}


@serves(api.GetScalarWindow)
async def scalar_window(call: Call, request: api.GetScalarWindow) -> api.ScalarWindows:
    await known(call, [request.task], request.model_events)
    return await look(call, partial(_windows, request=request))


def _windows(tx: Tx, request: api.GetScalarWindow) -> api.ScalarWindows:
    found = catalog.find(tx, [request.task], [SCALAR], names(request.metrics))
    span = scalar_windows.Span(request.from_, request.to)
    steps = max(1, min(request.steps, MOST_STEPS))
    curves = []
    for group in scalars.chunks_of(tx, found):
        seen = scalar_windows.look(tx, group, span, steps, by_time=request.key == "timestamp")
        if seen.window.x:
            curves.append(
                api.ScalarWindow(
                    metric=seen.series.metric,
                    variant=seen.series.variant,
                    x=seen.window.x,
                    mean=seen.window.means,
                    low=seen.window.lows,
                    high=seen.window.highs,
                    exact=seen.exact,
                )
            )
    return api.ScalarWindows(curves=curves)


@serves(api.ScalarMetricsIterRaw)
async def scalar_metrics_iter_raw(call: Call, request: api.ScalarMetricsIterRaw) -> api.RawPoints:
    await known(call, [request.task], request.model_events)
    return await look(call, partial(_raw, request=request))


def _raw(tx: Tx, request: api.ScalarMetricsIterRaw) -> api.RawPoints:
    found = catalog.find(tx, [request.task], [SCALAR], names([request.metric]))
    groups = scalars.chunks_of(tx, found)
    limit = max(1, min(request.batch_size, MOST_RAW))
    points, place = walks.go_on(
        partial(scalars.window, tx, groups),
        lambda point: point.iter,
        walks.place(request.scroll_id),
        limit,
    )
    variants: dict[str, dict[str, list[Any]]] = {}
    for point in points:
        name = point.group.series.variant
        variant = variants.setdefault(name, {request.key: [], "y": []})
        variant[request.key].append(_place_on(request.key, point))
        variant["y"].append(None if math.isnan(point.value) else point.value)
    return api.RawPoints(
        variants=variants,
        returned=len(points),
        total=scalars.count(tx, groups) if request.count_total else None,
        scroll_id=walks.token(place),
    )


def _place_on(axis: api.Axis, point: scalars.Point) -> int | str:
    if axis == "iter":
        return point.iter
    return point.time if axis == "timestamp" else iso_time(point.time)


@serves(api.GetScalarMetricData)
async def get_scalar_metric_data(call: Call, request: api.GetScalarMetricData) -> EventsPage:
    if not request.task:
        raise ApiError(VALIDATION, "task is empty")
    await known(call, [request.task], request.model_events)
    wanted: catalog.Names | None = None if request.metric is None else {request.metric: None}
    page = partial(
        walks.page,
        task=request.task,
        types=[SCALAR],
        scroll_id=request.scroll_id,
        limit=MOST,
        names=wanted,
    )
    found = await look(call, page)
    if request.no_scroll:
        found.scroll_id = None
    return found


@serves(api.GetTaskSingleValueMetrics)
async def get_task_single_value_metrics(
    call: Call, request: api.GetTaskSingleValueMetrics
) -> api.SingleValues:
    owners = await known(call, request.tasks, request.model_events)

    def find(tx: Tx) -> dict[str, list[dict[str, Any]]]:
        found = catalog.find(tx, request.tasks, [SCALAR], names(request.metrics))
        values: dict[str, list[dict[str, Any]]] = {}
        for series, time, value in scalars.single_values(tx, scalars.chunks_of(tx, found)):
            values.setdefault(series.task, []).append(
                {
                    "metric": series.metric,
                    "variant": series.variant,
                    "timestamp": time,
                    "value": value,
                }
            )
        return values

    values = await look(call, find)
    return api.SingleValues(
        tasks=[
            {"task": task, "task_name": owners[task].name, "values": values[task]}
            for task in dict.fromkeys(request.tasks)
            if task in values
        ]
    )


@serves(api.GetTaskLatestScalarValues)
async def get_task_latest_scalar_values(
    call: Call, request: api.GetTaskLatestScalarValues
) -> api.LatestValues:
    await known(call, [request.task])
    return await look(call, partial(_latest, task=request.task))


def _latest(tx: Tx, task: str) -> api.LatestValues:
    metrics: dict[str, list[dict[str, Any]]] = {}
    for group in scalars.chunks_of(tx, catalog.find(tx, [task], [SCALAR])):
        points = scalars.tail(tx, group, 100)
        if len(points):
            metrics.setdefault(group.series.metric, []).append(
                {
                    "name": group.series.variant,
                    "last_value": points.values[-1],
                    "last_100_value": sum(points.values) / len(points),
                    "last_timestamp": points.times[-1],
                }
            )
    return api.LatestValues(
        metrics=[{"name": name, "variants": variants} for name, variants in metrics.items()]
    )


@serves(api.GetScalarMetricsAndVariants)
async def get_scalar_metrics_and_variants(
    call: Call, request: api.GetScalarMetricsAndVariants
) -> api.MetricsAndVariants:
    return await _names(call, request.task, request.model_events, SCALAR)


@serves(api.GetVectorMetricsAndVariants)
async def get_vector_metrics_and_variants(
    call: Call, request: api.GetVectorMetricsAndVariants
) -> api.MetricsAndVariants:
    return await _names(call, request.task, request.model_events, VECTOR)


async def _names(call: Call, task: str, of_model: bool, type_: str) -> api.MetricsAndVariants:
    await known(call, [task], of_model)
    found = await look(call, partial(catalog.find, tasks=[task], types=[type_]))
    return api.MetricsAndVariants(metrics=catalog.variants_by_metric(found))


@serves(api.VectorMetricsIterHistogram)
async def vector_metrics_iter_histogram(
    call: Call, request: api.VectorMetricsIterHistogram
) -> api.Vectors:
    await known(call, [request.task], request.model_events)

    def find(tx: Tx) -> Iterable[dict[str, Any]]:
        wanted: catalog.Names = {request.metric: frozenset([request.variant])}
        found = samples.find(tx, catalog.find(tx, [request.task], [VECTOR], wanted))
        return samples.documents(tx, found[::-1])

    events = list(await look(call, find))
    return api.Vectors(
        metric=request.metric,
        variant=request.variant,
        vectors=[event.get("values", []) for event in events],
        iterations=[event["iter"] for event in events],
    )
