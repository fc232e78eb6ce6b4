"""A task's console: following it while it is written, and reading and searching it by line.

Lines are counted from 0, in the order in which they came. They are lines of text: a piece of
output may hold many.
"""

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


class LogLine(Response):
    """A line of the console."""

    line: int
    timestamp: int
    """Milliseconds since the epoch."""
    worker: str
    text: str


class LogAttempt(Response):
    """An attempt that has printed something, and the first line of its output."""

    attempt: int
    first: int


class LogLines(Response):
    lines: list[LogLine]
    total: int
    """Lines of the whole console."""
    attempts: list[LogAttempt]
    """In order. The output of one ends where the next begins; empty where agents do not tell."""


@action("events.read_log", answers=LogLines)
class ReadLog(Request):
    """Lines of the console by their numbers, of all attempts or of one."""

    task: str
    first: int = 0
    """Negative: so many lines before the end, of the attempt if one is given."""
    limit: int = 1000
    """The most lines in one answer; 5,000 at the most."""
    attempt: int | None = None


class LogHits(Response):
    hits: list[LogLine]
    """The first lines that match, in order."""
    total: int
    """How many lines match, as far as the search went."""
    searched: int
    """The line up to which it went: give it as ``first`` to go on when not ``complete``."""
    complete: bool
    """False when time ran out before the end of the console."""


@action("events.search_log", answers=LogHits)
class SearchLog(Request):
    """Find the lines of the console that have a text, or a match of a regular expression (RE2).

    For the hits beyond ``limit``, ask again from the line after the last hit.
    """

    task: str
    pattern: str
    regex: bool = False
    ignore_case: bool = False
    first: int = 0
    """The line to begin at."""
    limit: int = 100
    """The most hits in one answer, all the same counted; 10,000 at the most."""
    attempt: int | None = None
    """Only its output."""
    since: int | None = None
    """Milliseconds since the epoch: only lines from then on."""
    seconds: float = 2
    """When to answer with what was found so far; 10 at the most."""
