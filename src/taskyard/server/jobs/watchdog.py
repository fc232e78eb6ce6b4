"""Running tasks that nobody speaks for: no lease, and no report for a long time."""

from __future__ import annotations

import logging
from functools import partial

from taskyard.api.states import Status
from taskyard.server.core import Server
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.tasks import attempts, task_status

log = logging.getLogger("taskyard.watchdog")

INTERVAL = 60.0
"""Seconds: the silence waited for is hours, so this is soon enough."""

REASON = "Forced stop (non-responsive)"
"""The reason as clients of the protocol know it."""


async def run(server: Server) -> None:
    """Stop the running tasks that have been silent for longer than the settings allow."""
    silence = server.settings.task_silence * 1_000_000
    found = await server.control.read(lambda tx: task_status.silent(tx, tx.now - silence))
    for task in found:
        if await server.control.write(partial(stop, task=task, silence=silence)):
            log.warning("task %s was silent for too long and is stopped", task)


def stop(tx: Tx, task: str, silence: int) -> bool:
    """Stop a task unless it spoke meanwhile or is under a lease. ``silence`` in microseconds."""
    standing = task_status.find_standing(tx, task)
    if standing is None or standing.status != Status.IN_PROGRESS:
        return False
    if standing.last_update is not None and standing.last_update >= tx.now - silence:
        return False
    held = attempts.live(tx, task)
    if held is not None and not held.plain:
        return False
    message = f"No sign of life for {silence // 1_000_000} seconds"
    task_status.change(tx, standing, Status.STOPPED, by=None, reason=REASON, message=message)
    return True
