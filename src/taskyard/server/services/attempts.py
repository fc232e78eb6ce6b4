"""The attempts service: keeping leases, ending runs and looking back on them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from taskyard.api import attempts as api
from taskyard.api.errors import VALIDATION, ApiError
from taskyard.api.states import LIVE_ATTEMPT, AttemptState
from taskyard.server.call import Call, reads, serves
from taskyard.server.domain import abort_callback, leases, statistics
from taskyard.server.services import attempt_reports
from taskyard.server.services.attempt_taking import look, order_of
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.tasks import attempts, endings, task_status
from taskyard.server.store.tasks.endings import Ending
from taskyard.server.store.workers import worker_history, workers


@serves(api.Renew)
async def renew(call: Call, request: api.Renew) -> api.RenewResponse:
    loop = asyncio.get_running_loop()
    end = loop.time() + min(max(request.wait, 0), api.LONGEST_WAIT)
    topics = {f"worker:{request.worker}"}
    while True:
        left = end - loop.time()
        listening = asyncio.create_task(
            call.server.signals.wait(topics, max(0.0, min(left, api.RENEW_EVERY)))
        )
        try:
            answer = await call.server.control.write(lambda tx: _renew(tx, call, request))
        except BaseException:
            listening.cancel()
            raise
        news = answer.order or any(result.order != "go" for result in answer.results)
        if news or left <= 0:
            listening.cancel()
            return answer
        await listening


def _renew(tx: Tx, call: Call, request: api.Renew) -> api.RenewResponse:
    pairs = [(held.task, held.attempt) for held in request.attempts]
    rows = {(row.task, row.number): row for row in attempts.held(tx, pairs)}
    told = task_status.words(tx, sorted({task for task, _ in pairs}))
    results = [_renewed(tx, call, pair, rows.get(pair), told.get(pair[0])) for pair in pairs]
    order = order_of(_note_worker(tx, call, request, pairs))
    return api.RenewResponse(
        results=results,
        lease_seconds=api.LEASE,
        order=order.get("kind"),
        order_reason=order.get("reason"),
    )


def _note_worker(
    tx: Tx, call: Call, request: api.Renew, pairs: Sequence[tuple[str, int]]
) -> Row[Any]:
    columns: dict[str, Any] = {"task": pairs[0][0] if pairs else None}
    if request.machine_stats is not None:
        columns["last_report"] = tx.now
        measured = statistics.flatten(request.machine_stats)
        worker_history.add(tx, call.company, request.worker, tx.now, measured, columns["task"])
    return workers.seen(
        tx,
        call.company,
        call.user,
        request.worker,
        ip=call.ip,
        columns=columns,
        queues=request.queues,
    )


def _renewed(
    tx: Tx,
    call: Call,
    pair: tuple[str, int],
    row: Row[Any] | None,
    words: tuple[str, str] | None,
) -> api.Renewal:
    task, number = pair
    if row is None or row.company != call.company or words is None:
        return api.Renewal(task=task, attempt=number, order="gone", reason="the task is gone")
    if row.state not in LIVE_ATTEMPT:
        adopted = endings.adopt(tx, task, number)
        if adopted is None:
            reason = f"the attempt is over: {row.state}"
            return api.Renewal(task=task, attempt=number, order="gone", reason=reason)
        return api.Renewal(
            task=task, attempt=number, order="go", deadline=to_wire(adopted.deadline)
        )
    deadline = attempts.renew(tx, row)
    order = leases.order_for(*words)
    runtime = {} if order == "go" else documents.get(tx, TASK, task, call, only=["runtime"])
    return api.Renewal(
        task=task,
        attempt=number,
        order=order,
        deadline=to_wire(deadline),
        patience=abort_callback.patience(runtime.get("runtime") or {}),
        reason=None if order == "go" else f"the task is {words[0]}: {words[1]}".rstrip(": "),
    )


@serves(api.Finish)
async def finish(call: Call, request: api.Finish) -> api.FinishResponse:
    last, kept = request.last, None
    if last is not None:
        last.task, last.attempt = request.task, request.attempt
        if last.console is not None:
            # Before the end, as nobody looks for more after that.
            kept = await _keep_last(call, last, last.console)
    answer = await call.server.control.write(lambda tx: _finish(tx, call, request))
    answer.console = kept
    return answer


async def _keep_last(call: Call, last: api.Report, said: api.Console) -> int:
    """Keep the last of a run's output. Raises ApiError: VALIDATION where some before it is not."""
    await call.server.control.read(lambda tx: _check_current(tx, call, last))
    kept = await attempt_reports.keep(call, last, said)
    size = len(said.text.encode()) if said.size is None else said.size
    if kept < said.offset + size:
        raise ApiError(VALIDATION, "the output before the last piece is missing", kept=kept)
    return kept


def _check_current(tx: Tx, call: Call, last: api.Report) -> None:
    task_status.check_visible(tx, call.company, last.task)
    attempts.current(tx, last.task, last.attempt)


def _finish(tx: Tx, call: Call, request: api.Finish) -> api.FinishResponse:
    if request.last is not None:
        attempt_reports.note(tx, call, request.last)
    ending = Ending(
        request.outcome,
        str(request.cause) if request.cause else None,
        request.message,
        request.hint,
        request.exit_code,
    )
    status, then = endings.finish(
        tx, call.company, request.task, request.attempt, ending, call.user
    )
    answer = api.FinishResponse(status=status, next=then)
    if request.take is not None:
        answer.taken = look(tx, call, request.take, announce=True).answer
    return answer


@reads(api.GetAll)
def get_all(tx: Tx, call: Call, request: api.GetAll) -> api.GetAllResponse:
    task_status.check_visible(tx, call.company, request.task)
    rows = attempts.of_task(tx, request.task)
    return api.GetAllResponse(attempts=[_shown(row) for row in rows])


def _shown(row: Row[Any]) -> api.Attempt:
    notes = row.doc
    return api.Attempt(
        task=row.task,
        attempt=row.number,
        worker=row.worker,
        state=AttemptState(row.state),
        queue=row.queue,
        taken=to_wire(row.taken) or "",
        started=to_wire(row.started),
        ended=to_wire(row.ended),
        deadline=to_wire(row.deadline),
        cause=row.cause,
        message=notes.get("message"),
        hint=notes.get("hint"),
        exit_code=row.exit_code,
        commit=notes.get("commit"),
        place=notes.get("place"),
        phases=notes.get("phases") or [],
        requeued=bool(notes.get("requeued")),
    )
