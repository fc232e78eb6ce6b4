"""The queues service: how long they were, and how long tasks waited in them."""

from __future__ import annotations

from collections import Counter

from taskyard.api import queues as api
from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.call import Call, reads, writes
from taskyard.server.domain import statistics, waits
from taskyard.server.domain.statistics import SECOND, QueueSample, QueueSeries
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_samples, queue_waits, queues
from taskyard.server.store.queues.queue_waits import Counts


@writes(api.GetQueueMetrics)
def get_queue_metrics(
    tx: Tx, call: Call, request: api.GetQueueMetrics
) -> api.GetQueueMetricsResponse:
    if request.from_date >= request.to_date:
        raise ApiError(VALIDATION, "from_date must be before to_date")
    known = queues.all_ids(tx, call.company)
    asked = [id for id in request.queue_ids or known if id in known]
    for queue in set(queue_samples.wanting(tx)) | (set(known) if request.refresh else set()):
        if queue in asked:
            queue_samples.add(tx, queue)
    start, end = int(request.from_date * SECOND), int(request.to_date * SECOND)
    found = [QueueSample._make(row) for row in queue_samples.between(tx, asked, start, end)]
    waited = queue_waits.between(tx, asked, start, end)
    if not request.queue_ids:
        series = statistics.total_series(found, request.interval)
        return api.GetQueueMetricsResponse(
            queues=[_metrics("total", series, waited, request.interval)]
        )
    by_queue = {
        queue: statistics.queue_series(
            [sample for sample in found if sample.queue == queue], request.interval
        )
        for queue in asked
    }
    return api.GetQueueMetricsResponse(
        queues=[
            _metrics(queue, series, _of(waited, queue), request.interval)
            for queue, series in by_queue.items()
        ]
    )


def _of(waited: Counts, queue: str) -> Counts:
    return {slot: number for slot, number in waited.items() if slot.queue == queue}


def _metrics(queue: str, series: QueueSeries, waited: Counts, step: float) -> api.QueueMetrics:
    size = round(max(step, 1) * SECOND)
    counts: dict[int, Counter[int]] = {}
    for slot, number in waited.items():
        start = (slot.at - slot.at % size) // 1000
        counts.setdefault(start, Counter())[slot.bucket] += number
    p50, p95 = (
        [waits.percentile(counts.get(date, {}), share) for date in series.dates]
        for share in (0.5, 0.95)
    )
    return api.QueueMetrics(
        queue=queue,
        dates=series.dates,
        avg_waiting_times=series.waiting,
        queue_lengths=series.lengths,
        oldest_waiting_times=series.oldest,
        running=series.running,
        p50_waits=p50,
        p95_waits=p95,
    )


@reads(api.GetWaits)
def get_waits(tx: Tx, call: Call, request: api.GetWaits) -> api.GetWaitsResponse:
    if request.seconds <= 0:
        raise ApiError(VALIDATION, "seconds must be positive", field="seconds")
    known = queues.all_ids(tx, call.company)
    since = tx.now - int(request.seconds * SECOND)
    counts: dict[str, Counter[int]] = {queue: Counter() for queue in known}
    for slot, number in queue_waits.between(tx, known, since, tx.now).items():
        counts[slot.queue][slot.bucket] += number
    return api.GetWaitsResponse(
        queues=[
            api.QueueWaits(
                queue=queue,
                started=found.total(),
                p50=waits.percentile(found, 0.5),
                p95=waits.percentile(found, 0.95),
            )
            for queue, found in counts.items()
        ]
    )
