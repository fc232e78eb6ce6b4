"""The queues service: how long they were, and how long tasks waited in them."""

from __future__ import annotations

from taskyard.api import queues as api
from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.call import Call, writes
from taskyard.server.domain import statistics
from taskyard.server.domain.statistics import SECOND, QueueSample, QueueSeries
from taskyard.server.store import queue_samples, queues
from taskyard.server.store.engine import Tx


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
    if not request.queue_ids:
        series = statistics.total_series(found, request.interval)
        return api.GetQueueMetricsResponse(queues=[_metrics("total", series)])
    by_queue = {
        queue: statistics.queue_series(
            [sample for sample in found if sample.queue == queue], request.interval
        )
        for queue in asked
    }
    return api.GetQueueMetricsResponse(
        queues=[_metrics(queue, series) for queue, series in by_queue.items()]
    )


def _metrics(queue: str, series: QueueSeries) -> api.QueueMetrics:
    return api.QueueMetrics(
        queue=queue,
        dates=series.dates,
        avg_waiting_times=series.waiting,
        queue_lengths=series.lengths,
        oldest_waiting_times=series.oldest,
        running=series.running,
    )
