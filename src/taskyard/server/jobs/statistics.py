"""Samples of queues, the history of workers, the journal, and the end of what is too old."""

from __future__ import annotations

from taskyard.server.core import Server
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_samples, queue_waits
from taskyard.server.store.tasks import journal
from taskyard.server.store.workers import worker_history, worker_orders, workers

INTERVAL = 5.0
"""Seconds: how soon a sample left out in a burst of changes is made good."""

SAMPLE_EVERY = 300_000_000
"""Microseconds after which a queue that did not change is sampled again."""


async def run(server: Server) -> None:
    """Sample the queues that want it, and forget what the settings keep no longer."""
    retention = server.settings.worker_retention * 1_000_000
    if counted := queue_waits.take(server.control.engine):
        await server.control.write(lambda tx: queue_waits.add(tx, counted))
    if await server.control.read(lambda tx: queue_samples.wanting(tx, every=SAMPLE_EVERY)):
        await server.control.write(lambda tx: sample_and_forget(tx, retention))
    while await server.control.write(worker_history.gather):
        pass


def sample_and_forget(tx: Tx, retention: int) -> None:
    """One round of the job. ``retention`` in microseconds."""
    for queue in queue_samples.wanting(tx, every=SAMPLE_EVERY):
        queue_samples.add(tx, queue)
    queue_samples.forget(tx, tx.now - retention)
    queue_waits.forget(tx, tx.now - retention)
    worker_orders.forget(tx, tx.now - retention)
    journal.forget(tx, tx.now - retention)
    worker_history.forget(tx, retention)
    workers.forget_expired(tx, tx.now - retention)
