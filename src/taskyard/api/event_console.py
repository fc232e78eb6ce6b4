"""Following a task's console while it is written."""

from __future__ import annotations

from taskyard.api.wire import Request, Response, action

LONGEST_WAIT = 60.0
"""Seconds one call may wait for lines."""


class Piece(Response):
    """A piece of console output: whole lines, unless ``partial``."""

    timestamp: int
    """Milliseconds since the epoch."""
    worker: str
    text: str
    partial: bool = False
    """The next piece goes on within the line that this one ends with."""


class FollowLogResponse(Response):
    lines: list[Piece]
    next: int
    """Give this as ``after`` to go on."""
    over: bool
    """The task has ended: nothing more is to come once ``lines`` is empty."""


@action("events.follow_log", answers=FollowLogResponse)
class FollowLog(Request):
    """The console from one place on, waiting for more when there is none yet."""

    task: str
    after: int = 0
    """Pieces to leave out; negative: begin so many lines before the end."""
    limit: int = 1000
    """The most pieces in one answer."""
    wait: float = 0
    """Seconds to wait for a piece, 60 at the most."""
