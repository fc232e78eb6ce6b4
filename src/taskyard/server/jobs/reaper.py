"""Time that ran out: of leases, and of tasks that wait for their next attempt.

Each lease is judged on its own, so that one that fails holds up no other.
"""

from __future__ import annotations

import logging
from functools import partial

from taskyard.server.core import Server
from taskyard.server.store.queues import queue_entries
from taskyard.server.store.tasks import attempts, endings

log = logging.getLogger("taskyard.reaper")

INTERVAL = 2.0
"""Seconds. With the lease's length this bounds how late a dead worker is noticed."""


async def run(server: Server) -> None:
    """Judge every attempt whose lease is over; let go the tasks that have waited long enough."""
    if await server.control.read(queue_entries.is_any_due):
        await server.control.write(queue_entries.release_due)
    for task, number in await server.control.read(attempts.due):
        try:
            verdict = await server.control.write(
                partial(endings.lapse, task_id=task, number=number)
            )
        except Exception:
            log.exception("attempt %d of task %s cannot be judged", number, task)
            continue
        if verdict is not None:
            server.counters.leases_lost += 1
            log.warning("attempt %d of task %s: the lease ran out, %s", number, task, verdict)
