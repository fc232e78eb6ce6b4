"""Telling the server at once that a task is not begun here, rather than let its lease run out."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import Any

from taskyard.api.attempts import Finish, FinishResponse, Lease
from taskyard.api.errors import ApiError, Cause, RunError
from taskyard.client.http import ServerUnreachable
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")


def hand_back(session: Session, worker: str, leased: Lease, reason: str) -> None:
    """Give a task back to the front of its queue: it is for another agent, or for later."""
    log.info("task %s goes back to its queue: %s", leased.task, reason)
    message = f"{worker} gave it back: {reason}"
    _finish(session, worker, leased, outcome="returned", cause=Cause.INTERRUPTED, message=message)


def refuse(session: Session, worker: str, leased: Lease, error: Exception, disk: Path) -> None:
    """Have a task fail that cannot be started. ``disk``: what to free when that is full."""
    words = str(error) or type(error).__name__
    cause, hint = Cause.AGENT, "Look at that agent's log."
    if isinstance(error, RunError):
        cause, hint = error.cause, error.hint
    else:
        words = f"the agent {worker} could not start it: {words}"
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            cause, hint = Cause.DISK_FULL, f"Free space below {disk} on that machine."
    _finish(session, worker, leased, outcome="failed", cause=cause, message=words, hint=hint)


def _finish(session: Session, worker: str, leased: Lease, **words: Any) -> None:
    try:
        session.call(
            Finish(worker=worker, task=leased.task, attempt=leased.attempt, **words),
            FinishResponse,
        )
    except (ServerUnreachable, ApiError) as refused:
        # The lease lapses, and the server decides.
        log.warning("cannot report that task %s was not started: %s", leased.task, refused)
