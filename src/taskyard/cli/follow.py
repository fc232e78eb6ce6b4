"""Following a task to its end: its console on standard output, its exit code as ours."""

from __future__ import annotations

import sys
from typing import Any

from taskyard.api.states import FINAL, Status
from taskyard.cli.main import OUR_FAULT
from taskyard.cli.output import note
from taskyard.client.session import Session

WAIT = 20.0
"""Seconds of one long poll for the next lines."""
AWAY = 600.0
"""Seconds for which a server that is away is waited for."""


def follow(session: Session, task: str, *, after: int = 0) -> int:
    """Print the console from line ``after`` on until the task ends; returns its exit code.

    The first Ctrl-C detaches, and says how to come back.
    """
    session.patience = AWAY
    try:
        while True:
            answer = lines_after(session, task, after, wait=WAIT)
            for line in answer["lines"]:
                sys.stdout.write(line["text"] + ("" if line.get("partial") else "\n"))
            sys.stdout.flush()
            after = answer["next"]
            if answer["over"] and not answer["lines"]:
                return ended(session, task)
    except KeyboardInterrupt:
        note(
            f"\ndetached; the task goes on\n  back: taskyard logs -f {task[:8]}"
            f"\n  end it: taskyard abort {task[:8]}"
        )
        return 130


def lines_after(session: Session, task: str, after: int, *, wait: float = 0) -> dict[str, Any]:
    """The next console lines after line number ``after``, waiting for some if there are none."""
    body = {"task": task, "after": after, "wait": wait}
    return session.raw("events.follow_log", body, timeout=wait + 15)


def ended(session: Session, task: str) -> int:
    """Say how it ended; returns the task's own exit code."""
    document = session.raw("tasks.get_by_id", {"task": task})["task"]
    status = document["status"]
    attempts = session.raw("attempts.get_all", {"task": task})["attempts"]
    code = attempts[-1].get("exit_code") if attempts else None
    if status in {Status.COMPLETED, Status.PUBLISHED}:
        return 0
    reason = document.get("status_reason") or ""
    message = document.get("status_message") or ""
    words = ": ".join(w for w in (reason, message) if w)
    if status == Status.FAILED:
        note(f"failed: {words}" if words else "failed")
        if code is None or code < 0:
            return OUR_FAULT
        return code or 1
    if Status(status) in FINAL:
        note(f"aborted{f': {words}' if words else ''}")
        return code if code and code > 0 else 1
    note(f"the task is {status} now: it was changed while it was followed")
    return OUR_FAULT
