"""The statistics of the workers service: how machines were used over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from taskyard.api import workers as api
from taskyard.api.errors import NO_WORKER_STATS, VALIDATION, ApiError
from taskyard.server.call import Call, reads
from taskyard.server.domain import statistics
from taskyard.server.domain.statistics import SECOND, Aggregation, Grid, Measurement, Sighting
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tasks import runs
from taskyard.server.store.workers import worker_history

Document = dict[str, Any]

MOST_INTERVALS = 20_000
"""The most points of one curve; screens have fewer."""


@reads(api.GetMetricKeys)
def get_metric_keys(tx: Tx, call: Call, request: api.GetMetricKeys) -> api.GetMetricKeysResponse:
    found: dict[str, list[str]] = {}
    for category, metric in worker_history.metric_names(tx, call.company, request.worker_ids):
        found.setdefault(category, []).append(metric)
    if not found:
        raise ApiError(NO_WORKER_STATS, worker_ids=request.worker_ids or [])
    return api.GetMetricKeysResponse(
        categories=[api.MetricsCategory(name=k, metric_keys=v) for k, v in found.items()]
    )


def _grid(start: float, end: float, interval: float) -> Grid:
    if start >= end:
        raise ApiError(VALIDATION, "from_date must be before to_date")
    if interval <= 0:
        raise ApiError(VALIDATION, "interval must be positive", field="interval")
    over = statistics.grid(
        int(start * SECOND), int(end * SECOND), interval, shortest=statistics.SHORTEST
    )
    if (over.end - over.start) // over.step > MOST_INTERVALS:
        raise ApiError(VALIDATION, "too many intervals", hint="Ask for longer intervals.")
    return over


@reads(api.GetStats)
def get_stats(tx: Tx, call: Call, request: api.GetStats) -> api.GetStatsResponse:
    over = _grid(request.from_date, request.to_date, request.interval)
    wanted: dict[str, list[Aggregation]] = {}
    for item in request.items:
        aggregation = item.aggregation or item.category or "avg"
        listed = wanted.setdefault(item.key, [])
        if aggregation not in listed:
            listed.append(aggregation)
    span = (over.start, over.end)
    rows = worker_history.samples(tx, call.company, request.worker_ids, list(wanted), *span)
    by_worker: dict[str, dict[str, list[Measurement]]] = {}
    reported: dict[str, set[int]] = {}
    for row in rows:
        reported.setdefault(row.worker, set()).add(over.floor(row.measurement.at))
        of_worker = by_worker.setdefault(row.worker, {})
        of_worker.setdefault(row.metric, []).append(row.measurement)
    return api.GetStatsResponse(
        workers=[
            api.WorkerStats(
                worker=worker,
                metrics=[
                    _with_gaps(series, over, reported[worker]) if request.gaps else series
                    for metric in sorted(found)
                    for series in _metric(metric, found[metric], over, wanted[metric], request)
                ],
            )
            for worker, found in sorted(by_worker.items())
        ]
    )


def _metric(
    metric: str,
    samples: list[Measurement],
    over: Grid,
    aggregations: Iterable[Aggregation],
    request: api.GetStats,
) -> list[Document]:
    """The curves of one metric of one worker: one, or with ``split_by_variant`` one a unit."""
    units = sorted({s.variant for s in samples}, key=lambda unit: (len(unit), unit))
    dates = over.dates()
    if request.split_by_variant:
        return [
            {
                "metric": metric,
                "variant": unit,
                "dates": dates,
                "stats": [_curve(_of(samples, unit), over, a, ()) for a in aggregations],
            }
            for unit in units
        ]
    split = request.split_by_resource and metric.startswith("gpu_") and len(units) > 1
    stats = [_curve(samples, over, a, units if split else ()) for a in aggregations]
    return [{"metric": metric, "dates": dates, "stats": stats}]


def _curve(
    samples: list[Measurement], over: Grid, aggregation: Aggregation, units: Sequence[str]
) -> Document:
    found: Document = {
        "aggregation": aggregation,
        "dates": over.dates(),
        "values": statistics.metric_series(samples, over, aggregation),
    }
    if units:
        found["resource_series"] = [
            {
                "name": unit,
                "values": statistics.metric_series(_of(samples, unit), over, aggregation),
            }
            for unit in units
        ]
    return found


def _with_gaps(series: Document, over: Grid, reported: set[int]) -> Document:
    """The curves without values where nothing was reported. Zeros are not kept, and so a curve by
    itself does not tell."""
    is_there = [start in reported for start in over.starts()]
    for stat in series["stats"]:
        for curve in (stat, *stat.get("resource_series", ())):
            values = zip(curve["values"], is_there, strict=True)
            curve["values"] = [value if there else None for value, there in values]
    return series


def _of(samples: Iterable[Measurement], variant: str) -> list[Measurement]:
    return [sample for sample in samples if sample.variant == variant]


@reads(api.GetLoad)
def get_load(tx: Tx, call: Call, request: api.GetLoad) -> api.GetLoadResponse:
    found = worker_history.latest(tx, call.company, request.worker_ids, tx.now - LATELY * SECOND)
    loads = []
    for row, measured in found:
        load: dict[str, dict[str, float]] = {}
        for one in measured:
            load.setdefault(one.metric, {})[one.variant] = one.mean
        loads.append(api.WorkerLoad(worker=row.worker, at=row.at // 1000, load=load))
    return api.GetLoadResponse(loads=loads)


LATELY = 120
"""Seconds: agents report several times in that while."""


@reads(api.GetActivityReport)
def get_activity_report(
    tx: Tx, call: Call, request: api.GetActivityReport
) -> api.GetActivityReportResponse:
    over = _grid(request.from_date, request.to_date, request.interval)
    found = worker_history.sightings(tx, call.company, over.start, over.end)
    seen = (Sighting(row.at, row.worker, row.task) for row in found)
    total, active = statistics.activity(seen, over)
    dates = over.dates()
    return api.GetActivityReportResponse(
        total=api.ActivitySeries(dates=dates, counts=total),
        active=api.ActivitySeries(dates=dates, counts=active),
    )


MOST_RUNS = 10_000
"""Runs of one answer; screens show fewer."""


@reads(api.GetTimeline)
def get_timeline(tx: Tx, call: Call, request: api.GetTimeline) -> api.GetTimelineResponse:
    if request.from_date >= request.to_date:
        raise ApiError(VALIDATION, "from_date must be before to_date")
    start, end = int(request.from_date * SECOND), int(request.to_date * SECOND)
    found = runs.between(tx, call.company, start, end, request.worker_ids, MOST_RUNS + 1)
    return api.GetTimelineResponse(
        runs=[_run(row) for row in found[:MOST_RUNS]], complete=len(found) <= MOST_RUNS
    )


@reads(api.GetRuns)
def get_runs(tx: Tx, call: Call, request: api.GetRuns) -> api.GetRunsResponse:
    found = runs.live(tx, call.company, MOST_RUNS + 1)
    return api.GetRunsResponse(
        runs=[_run(row) for row in found[:MOST_RUNS]], complete=len(found) <= MOST_RUNS
    )


def _run(row: Row[Any]) -> api.WorkerRun:
    return api.WorkerRun(
        worker=row.worker,
        task=row.task,
        attempt=row.number,
        name=row.name or "",
        user=row.user_name,
        status=row.status or "",
        state=row.state,
        queue=row.queue,
        cause=row.cause,
        taken=row.taken // 1000,
        started=row.started and row.started // 1000,
        ended=row.ended and row.ended // 1000,
        place=row.doc.get("place"),
    )
