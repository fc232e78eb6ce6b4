"""The console of a task by lines of text: reading them by number, and finding words in them.

Lines are counted from 0, in the order in which they came.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import re2
from sqlalchemy import select

from taskyard.server.domain import console
from taskyard.server.domain.console import Line
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import logs
from taskyard.server.store.events.logs import Chunk
from taskyard.server.store.telemetry_tables import outputs

AT_ONCE = 8
"""Chunks read together while a whole console is searched."""


class Text(NamedTuple):
    """A line of text. ``time`` is its event's, in milliseconds."""

    number: int
    time: int
    worker: str
    text: str


class Begun(NamedTuple):
    """An attempt, and the first line of its output."""

    attempt: int
    first: int


def begun(tx: Tx, task: str) -> list[Begun]:
    """The attempts that have printed something, in order."""
    found = (
        select(outputs.c.attempt, outputs.c.first_line)
        .where(outputs.c.task == task, outputs.c.first_line.is_not(None))
        .order_by(outputs.c.attempt)
    )
    return [Begun(row.attempt, row.first_line) for row in tx.execute(found)]


def extent(attempts: Sequence[Begun], attempt: int) -> tuple[int, int | None]:
    """The first line of an attempt's output, and the first after it (None: the console's end)."""
    later = [one.first for one in attempts if one.attempt > attempt]
    mine = [one.first for one in attempts if one.attempt == attempt]
    return (mine[0], min(later, default=None)) if mine else (0, 0)


@dataclass(frozen=True, slots=True)
class Console:
    """Where the lines of a console are: its chunks, and the line that each begins in."""

    chunks: Sequence[Chunk]
    firsts: Sequence[int]

    @property
    def breaks(self) -> int:
        return self.firsts[-1]

    def place(self, line: int) -> int:
        """The chunk in which ``line`` begins, or the one before it: the first of them, where
        several have no end of a line."""
        return max(0, bisect_right(self.firsts, line - 1) - 1)


def console_of(tx: Tx, task: str) -> Console:
    chunks = logs.as_they_came(tx, task)
    return Console(chunks, list(accumulate((chunk.breaks for chunk in chunks), initial=0)))


def read(
    tx: Tx, task: str, first: int, limit: int, *, start: int = 0, end: int | None = None
) -> tuple[list[Text], int]:
    """Lines from ``first`` on, ``limit`` at the most; and how many the console has.

    None before ``start`` or from ``end`` on. A negative ``first`` counts from the end.
    """
    known = console_of(tx, task)
    total = known.breaks + _has_open_line(tx, known)
    if first < 0:
        first = max(start, (total if end is None else end) + first)
    last = min(total if end is None else end, first + limit)
    found = [line for line in _lines(tx, known, first, last) if first <= line.number < last]
    return found, total


def _has_open_line(tx: Tx, known: Console) -> bool:
    """Whether the last line is not over, so that no chunk counts it."""
    if not known.chunks:
        return False
    data = logs.contents(tx, known.chunks[-1:])
    return console.unpack(data[known.chunks[-1].id])[-1].partial


def _lines(tx: Tx, known: Console, first: int, last: int) -> Iterator[Text]:
    """Lines from a little before ``first`` to ``last``, whole ones but for the very first."""
    at = known.place(first)
    number = known.firsts[at]
    open_line: Text | None = None
    while at < len(known.chunks) and number < last:
        chunk = known.chunks[at]
        data = logs.contents(tx, [chunk])
        for event in console.unpack(data[chunk.id]):
            parts = event.msg.split("\n")
            for place, part in enumerate(parts):
                line = Text(number, event.time, event.worker, part)
                if open_line is not None:
                    line = open_line._replace(text=open_line.text + part)
                open_line = None
                if place == len(parts) - 1 and event.partial:
                    open_line = line
                    break
                yield line
                number += 1
        at += 1
    if open_line is not None:
        yield open_line


@dataclass(slots=True)
class Wanted:
    """What is looked for, and where."""

    pattern: re2._Regexp
    first: int = 0
    end: int | None = None
    """Lines from here on are left out."""
    since: int | None = None
    """Lines before this moment (milliseconds) are left out."""
    limit: int = 100
    """The most hits that are given; all are counted."""


@dataclass(slots=True)
class Found:
    hits: list[Text] = field(default_factory=list)
    total: int = 0
    """How many lines match, as far as the search went."""
    searched: int = 0
    """The line up to which everything was looked at."""
    complete: bool = True
    """Whether that was the end, rather than the end of the time."""


def search(tx: Tx, task: str, wanted: Wanted, seconds: float) -> Found:
    """Look for a pattern in each line of a console, for ``seconds`` at the most."""
    deadline = time.monotonic() + seconds
    known = console_of(tx, task)
    last = known.breaks + 1 if wanted.end is None else wanted.end
    found = Found(searched=wanted.first)
    at, open_line = known.place(wanted.first), b""
    while at < len(known.chunks) and known.firsts[at] < last:
        some = known.chunks[at : at + AT_ONCE]
        data = logs.contents(tx, some)
        for chunk in some:
            text = open_line + console.packed_lines(data[chunk.id])
            over = text.rfind(b"\n") + 1
            open_line = text[over:]
            if at == len(known.chunks) - 1:
                over = len(text)
            _search(wanted, found, known.firsts[at], chunk, data[chunk.id], text[:over])
            at += 1
        found.searched = max(wanted.first, known.firsts[at])
        if time.monotonic() > deadline and at < len(known.chunks):
            found.complete = False
            break
    return found


def _search(
    wanted: Wanted, found: Found, first: int, chunk: Chunk, data: bytes, text: bytes
) -> None:
    """Look through lines of which the first has the number ``first``; ``chunk`` ends them."""
    if wanted.since is not None and chunk.last_time < wanted.since:
        return
    all_new = wanted.since is None or chunk.first_time >= wanted.since
    events: list[Line] = []
    for place, line in _matching(wanted.pattern, text):
        number = first + place
        if number < wanted.first or (wanted.end is not None and number >= wanted.end):
            continue
        if not events and (not all_new or len(found.hits) < wanted.limit):
            events = _event_of_each_line(data)
        if not all_new and events[place].time < (wanted.since or 0):
            continue
        found.total += 1
        if len(found.hits) < wanted.limit:
            said = line.decode("utf-8", "replace")
            found.hits.append(Text(number, events[place].time, events[place].worker, said))


def _event_of_each_line(data: bytes) -> list[Line]:
    """The event in which each line begins, or goes on where that was in an earlier chunk."""
    events: list[Line] = []
    begun = False
    for event in console.unpack(data):
        events += [event] * (event.msg.count("\n") + (not begun))
        begun = event.partial
    return events


def _matching(pattern: re2._Regexp, text: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that match, each once, with their places among the lines."""
    place = begin = 0
    for match in pattern.finditer(text):
        at = match.start()
        if at < begin or (at == len(text) and text.endswith(b"\n")):
            continue
        place += text.count(b"\n", begin, at)
        begin = text.rfind(b"\n", 0, at) + 1
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        yield place, text[begin:end]
        place, begin = place + 1, end + 1


def read_from(tx: Tx, task: str, after: int, limit: int) -> tuple[list[Line], int]:
    """Events in the order they came, from number ``after`` on, and the number to go on with.

    A negative ``after`` begins that many lines of text before the end.
    """
    chunks = logs.as_they_came(tx, task)
    if after < 0:
        return _last_lines(tx, chunks, -after), sum(chunk.lines for chunk in chunks)
    found: list[Line] = []
    position = 0
    for chunk in chunks:
        begin, position = position, position + chunk.lines
        if position <= after:
            continue
        lines = console.unpack(logs.contents(tx, [chunk])[chunk.id])[max(0, after - begin) :]
        found += lines[: limit - len(found)]
        if len(found) >= limit:
            break
    return found, after + len(found)


def _last_lines(tx: Tx, chunks: Sequence[Chunk], wanted: int) -> list[Line]:
    """The last ``wanted`` lines of text, in the events that hold them."""
    kept: list[Line] = []
    for chunk in reversed(chunks):
        for event in reversed(console.unpack(logs.contents(tx, [chunk])[chunk.id])):
            lines = event.msg.split("\n")
            if len(lines) >= wanted:
                last = "\n".join(lines[-wanted:])
                kept.append(Line(event.time, event.worker, last, event.rest))
                return kept[::-1]
            wanted -= len(lines)
            kept.append(event)
    return kept[::-1]
