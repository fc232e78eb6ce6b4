"""Following a task to its end: its console on standard output, its exit code as ours."""

from __future__ import annotations

import sys
import time
from typing import Any

from taskyard.api.states import FINAL, Status
from taskyard.cli.exits import INTERRUPTED, OUR_FAULT
from taskyard.cli.output import note
from taskyard.client.http import ServerUnreachable
from taskyard.client.session import Session

WAIT = 20.0
"""Seconds of one long poll for what comes next."""
AWAY = 600.0
"""Seconds for which a server that is away is waited for."""
AGAIN = 0.5

Piece = dict[str, Any]


def follow(session: Session, task: str) -> int:
    """Print the console until the task ends; returns the task's exit code.

    Ctrl-C detaches, and says how to come back.
    """
    after, partial = 0, False
    try:
        while True:
            answer = pieces_after(session, task, after, wait=WAIT)
            for piece in answer["lines"]:
                partial = bool(piece.get("partial"))
                sys.stdout.write(piece["text"] + ("" if partial else "\n"))
            if answer["over"] and not answer["lines"] and partial:
                sys.stdout.write("\n")
            sys.stdout.flush()
            after = answer["next"]
            if answer["over"] and not answer["lines"]:
                return ended(session, task)
    except KeyboardInterrupt:
        note(
            f"\ndetached; the task goes on\n  back: taskyard logs -f {task[:8]}"
            f"\n  end it: taskyard abort {task[:8]}"
        )
        return INTERRUPTED


def pieces_after(session: Session, task: str, after: int, *, wait: float = 0) -> dict[str, Any]:
    """The next pieces of the console after ``after`` of them, waiting for some if there are none.

    While it waits, a server that goes away is waited for, too. Raises ServerUnreachable.
    """
    body = {"task": task, "after": after, "wait": wait}
    end = time.monotonic() + (AWAY if wait else 0)
    told = False
    while True:
        try:
            return session.raw("events.follow_log", body, timeout=wait + 15)
        except ServerUnreachable as error:
            if time.monotonic() >= end:
                raise
            if not told:
                note(f"note: {error.what}; waiting for it to come back")
                told = True
            time.sleep(AGAIN)


def ended(session: Session, task: str) -> int:
    """Say how it ended; returns the task's own exit code."""
    session.patience = AWAY
    document = session.raw("tasks.get_by_id", {"task": task})["task"]
    status = Status(document["status"])
    attempts = session.raw("attempts.get_all", {"task": task})["attempts"]
    last = attempts[-1] if attempts else {}
    code = last.get("exit_code")
    if status in {Status.COMPLETED, Status.PUBLISHED}:
        return 0
    reason = document.get("status_reason") or ""
    what, *more = (document.get("status_message") or "").split("\n")
    hint = last.get("hint") or ""
    # An abort has its own name for a reason and for a message: once is enough.
    words = ": ".join(w for w in dict.fromkeys((reason, what)) if w and w != "aborted")
    if status == Status.FAILED:
        note(f"failed: {words}" if words else "failed")
    elif status in FINAL:
        note(f"aborted: {words}" if words else "aborted")
    else:
        note(f"the task is {status} now: it was changed while it was followed")
        return OUR_FAULT
    for line in more:
        note(f"  try: {line}" if line == hint else f"  {line}")
    if code is not None and code > 0:
        return int(code)
    # A task that never started has no code of its own; one that was stopped may have ended well.
    return OUR_FAULT if status == Status.FAILED and code != 0 else 1
