"""Following a task's console: for the command line and the page."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from taskyard.api import event_console as api
from taskyard.api.errors import INVALID_TASK_ID, ApiError
from taskyard.api.states import FINAL, Status
from taskyard.server.call import Call, serves
from taskyard.server.store import logs
from taskyard.server.store.engine import Tx
from taskyard.server.store.tables import tasks

MOST = 5000
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
        lambda tx: logs.read_from(tx, request.task, request.after, limit)
    )
    return api.FollowLogResponse(lines=[_piece(line) for line in found], next=position, over=over)


def _piece(line: logs.Line) -> api.Piece:
    partial = bool(line.rest and line.rest.get("partial"))
    return api.Piece(timestamp=line.time, worker=line.worker, text=line.msg, partial=partial)


def _is_over(tx: Tx, company: str, task: str) -> bool:
    query = select(tasks.c.status, tasks.c.company).where(tasks.c.id == task)
    row = tx.execute(query).first()
    if row is None or row.company not in {company, ""}:
        raise ApiError(INVALID_TASK_ID, id=task)
    return Status(row.status) in FINAL or row.status == Status.CREATED
