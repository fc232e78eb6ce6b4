"""A task's console for the command line and the page: following, reading and searching it."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from taskyard.api import event_console as api
from taskyard.api.errors import INVALID_TASK_ID, ApiError
from taskyard.api.states import FINAL, Status
from taskyard.server.call import Call, serves
from taskyard.server.domain.console import Line
from taskyard.server.services.events import known, look
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents.matching import line_pattern
from taskyard.server.store.events import log_lines
from taskyard.server.store.events.log_lines import Text, Wanted
from taskyard.server.store.tables import tasks

MOST = 5000
MOST_HITS = 10_000
LONGEST_SEARCH = 10.0
"""Seconds."""
SLICE = 15.0
"""The longest wait in one piece, seconds: a wake-up that got lost costs no more than this."""


@serves(api.FollowLog)
async def follow_log(call: Call, request: api.FollowLog) -> api.FollowLogResponse:
    loop = asyncio.get_running_loop()
    end = loop.time() + min(max(request.wait, 0.0), api.LONGEST_WAIT)
    topics = {f"log:{request.task}", f"task:{request.task}"}
    limit = min(max(request.limit, 1), MOST)
    while True:
        left = end - loop.time()
        # Listening begins before looking: what comes in between is not missed.
        listening = asyncio.create_task(
            call.server.signals.wait(topics, max(0.0, min(left, SLICE)))
        )
        try:
            answer = await _look(call, request, limit)
        except BaseException:
            listening.cancel()
            raise
        if answer.lines or answer.over or left <= 0:
            listening.cancel()
            return answer
        await listening


async def _look(call: Call, request: api.FollowLog, limit: int) -> api.FollowLogResponse:
    # Whether it is over is asked first: what was printed before the end is then all there.
    over = await call.server.control.read(lambda tx: _is_over(tx, call.company, request.task))
    found, position = await call.server.telemetry.read(
        lambda tx: log_lines.read_from(tx, request.task, request.after, limit)
    )
    return api.FollowLogResponse(lines=[_piece(line) for line in found], next=position, over=over)


def _piece(line: Line) -> api.Piece:
    return api.Piece(timestamp=line.time, worker=line.worker, text=line.msg, partial=line.partial)


def _is_over(tx: Tx, company: str, task: str) -> bool:
    query = select(tasks.c.status, tasks.c.company).where(tasks.c.id == task)
    row = tx.execute(query).first()
    if row is None or row.company not in {company, ""}:
        raise ApiError(INVALID_TASK_ID, id=task)
    return Status(row.status) in FINAL or row.status == Status.CREATED


@serves(api.ReadLog)
async def read_log(call: Call, request: api.ReadLog) -> api.LogLines:
    await known(call, [request.task])
    return await look(call, lambda tx: _read(tx, request))


def _read(tx: Tx, request: api.ReadLog) -> api.LogLines:
    attempts = log_lines.begun(tx, request.task)
    start, end = _extent(attempts, request.attempt)
    first = max(start, request.first) if request.first >= 0 else request.first
    limit = min(max(request.limit, 0), MOST)
    found, total = log_lines.read(tx, request.task, first, limit, start=start, end=end)
    return api.LogLines(
        lines=[_line(line) for line in found],
        total=total,
        attempts=[api.LogAttempt(attempt=one.attempt, first=one.first) for one in attempts],
    )


@serves(api.SearchLog)
async def search_log(call: Call, request: api.SearchLog) -> api.LogHits:
    await known(call, [request.task])
    return await look(call, lambda tx: _search(tx, request))


def _search(tx: Tx, request: api.SearchLog) -> api.LogHits:
    start, end = _extent(log_lines.begun(tx, request.task), request.attempt)
    wanted = Wanted(
        line_pattern(request.pattern, literal=not request.regex, ignore_case=request.ignore_case),
        first=max(start, request.first),
        end=end,
        since=request.since,
        limit=min(max(request.limit, 0), MOST_HITS),
    )
    found = log_lines.search(tx, request.task, wanted, min(max(request.seconds, 0), LONGEST_SEARCH))
    return api.LogHits(
        hits=[_line(hit) for hit in found.hits],
        total=found.total,
        searched=found.searched,
        complete=found.complete,
    )


def _extent(attempts: list[log_lines.Begun], attempt: int | None) -> tuple[int, int | None]:
    return (0, None) if attempt is None else log_lines.extent(attempts, attempt)


def _line(line: Text) -> api.LogLine:
    return api.LogLine(line=line.number, timestamp=line.time, worker=line.worker, text=line.text)
