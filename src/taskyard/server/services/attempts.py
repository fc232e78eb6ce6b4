"""The attempts service: what agents that work under leases say and are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Row

from taskyard.api import attempts as api
from taskyard.api.errors import INVALID_QUEUE_ID, ApiError
from taskyard.api.states import LIVE_ATTEMPT, AttemptState
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain import abort_callback, leases, statistics
from taskyard.server.store import (
    attempts,
    documents,
    endings,
    leasing,
    logs,
    queues,
    task_status,
    worker_history,
    workers,
)
from taskyard.server.store.endings import Ending
from taskyard.server.store.engine import Tx
from taskyard.server.store.kinds import TASK
from taskyard.server.store.leasing import Taken
from taskyard.server.store.times import to_wire

SLICE = 15.0
"""The longest wait in one piece, seconds, where a wake-up can get lost: it costs no more than
this."""

BUSY_PAUSE = 0.02
"""Seconds until another look at a queue whose entries somebody else works on right now."""


# Taking


@serves(api.Take)
async def take(call: Call, request: api.Take) -> api.TakeResponse:
    if request.wait <= 0:
        looking_once = partial(_take, call=call, request=request, announce=True)
        return (await call.server.control.write(looking_once))[0]
    loop = asyncio.get_running_loop()
    signals = call.server.signals
    end = loop.time() + min(request.wait, api.LONGEST_WAIT)
    announce = True
    while True:
        moment = signals.moment
        looking = asyncio.ensure_future(
            call.server.control.write(partial(_take, call=call, request=request, announce=announce))
        )
        try:
            answer, known, busy = await asyncio.shield(looking)
        except asyncio.CancelledError:
            await _undo(call, looking)
            raise
        announce = False
        if answer.attempts or answer.over or answer.order in _LEAVING or _gone(request, answer):
            return answer
        if busy and loop.time() < end:
            # An entry is in somebody's hands for a moment.
            await asyncio.sleep(BUSY_PAUSE)
        elif not await _woken(call, _topics(request, answer, known), moment, end):
            return answer


def _topics(request: api.Take, answer: api.TakeResponse, known: Sequence[str]) -> set[str]:
    """What may bring a task to a worker that just looked in vain."""
    topics = {f"worker:{request.worker}"}
    if answer.order is None:
        # The wake-up for a new entry goes to one: not to a worker that may take nothing.
        topics |= {"queues", *(f"queue:{id}" for id in known)}
    return topics | {f"entries:{id}" for id in request.waiting or ()}


async def _woken(call: Call, topics: set[str], moment: int, end: float) -> bool:
    """Wait until one of ``topics`` is announced, if it was not after ``moment``; False at the
    ``end``."""
    signals = call.server.signals
    left = end - asyncio.get_running_loop().time()
    if left <= 0:
        return False
    if signals.announced(topics, moment):
        return True
    if call.server.control.dialect == "sqlite" or left <= SLICE:
        return await signals.wait(topics, left)
    # Other servers' announcements come over a connection, which can break in silence.
    await signals.wait(topics, SLICE)
    return True


_LEAVING = {"drain", "stop"}


def _gone(request: api.Take, answer: api.TakeResponse) -> bool:
    """Whether something that the worker keeps room for waits no more."""
    return not set(request.waiting or ()) <= set(answer.waiting)


Looked = tuple[api.TakeResponse, list[str], bool]
"""What there is to take now; the ids of the queues it may come from; whether it is worth to look
again soon."""


async def _undo(call: Call, looking: asyncio.Future[Looked]) -> None:
    """Give back what was taken for an agent that has gone in the meantime."""
    answer, _, _ = await looking
    ending = Ending("returned", message="its agent had gone before it arrived")
    for lease in answer.attempts:
        back = partial(
            endings.finish,
            company=call.company,
            task_id=lease.task,
            number=lease.attempt,
            ending=ending,
            by=call.user,
        )
        await call.server.control.write(back)


def _take(tx: Tx, call: Call, request: api.Take, announce: bool) -> Looked:
    found = queues.resolve(tx, call.company, request.queues)
    serving = list({queue.id: queue for queue in found if queue is not None}.values())
    missing = [word for word, q in zip(request.queues, found, strict=True) if q is None]
    if not serving:
        raise ApiError(
            INVALID_QUEUE_ID,
            "none of these queues exists",
            ids=missing,
            hint="Make one with queues.create.",
        )
    no_room = set(request.closed or ())
    asked_about = [q for q in serving if q.id in no_room or q.id in (request.waiting or ())]
    open_ones = [queue for queue in serving if queue.id not in no_room]
    known = [queue.id for queue in open_ones]
    me = (
        workers.met(tx, call.company, call.user, request.worker, ip=call.ip)
        if announce
        else workers.registered(tx, call.company, call.user, request.worker)
    )
    order = _order_of(me)
    taken: list[Taken] = []
    if not order and announce and request.known is not None:
        taken = leasing.give_again(
            tx,
            company=call.company,
            worker=request.worker,
            known=[(held.task, held.attempt) for held in request.known],
            capacity=max(1, request.capacity),
        )
    if not order and not taken:
        taken = leasing.hand_out(
            tx,
            worker=request.worker,
            by=call.user,
            serving=serving,
            closed=no_room,
            capacity=max(1, request.capacity),
            fair=request.policy == "round_robin",
            last=request.last_queue,
        )
    if me is not None and (taken or announce):
        doing = {"task": taken[0].task, "queue": taken[0].queue} if taken else {}
        workers.note(tx, me, doing, queues=[queue.id for queue in serving] if announce else None)
    answer = api.TakeResponse(
        attempts=[_lease(tx, call, one) for one in taken],
        missing=missing,
        waiting=leasing.waiting_in(tx, asked_about),
        over=_over(tx, request),
        order=order.get("kind"),
        order_reason=order.get("reason"),
    )
    busy = tx.dialect == "postgresql" and not taken and not order
    return answer, known, busy and bool(leasing.waiting_in(tx, open_ones))


def _over(tx: Tx, request: api.Take) -> list[api.Held]:
    if request.closed is None:
        return []
    held = request.known or []
    live = attempts.living(tx, [one.task for one in held])
    return [one for one in held if (one.task, one.attempt) not in live]


def _lease(tx: Tx, call: Call, taken: Taken) -> api.Lease:
    return api.Lease(
        task=taken.task,
        attempt=taken.attempt,
        queue=taken.queue,
        deadline=to_wire(taken.deadline) or "",
        lease_seconds=api.LEASE,
        document=documents.get(tx, TASK, taken.task, call),
    )


@writes(api.Claim)
def claim(tx: Tx, call: Call, request: api.Claim) -> api.Lease:
    workers.seen(tx, call.company, call.user, request.worker, ip=call.ip)
    taken = leasing.claim(
        tx,
        call.company,
        request.task,
        worker=request.worker,
        by=call.user,
        from_queue=request.from_queue,
    )
    return _lease(tx, call, taken)


def _order_of(row: Row[Any] | None) -> Mapping[str, Any]:
    return (row.doc.get("order") or {}) if row is not None else {}


# Renewing


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
    order = _order_of(_note_worker(tx, call, request, pairs))
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


# Reporting


_PHASE_STATE = {"launch": AttemptState.RUNNING}


@serves(api.Report)
async def report(call: Call, request: api.Report) -> api.ReportResponse:
    server = call.server
    await server.control.write(lambda tx: _report(tx, call, request))
    said = request.console or api.Console(offset=_NOWHERE, text="")
    kept = await server.telemetry.write(
        lambda tx: logs.append_output(
            tx,
            request.task,
            request.attempt,
            said.offset,
            said.text,
            size=said.size,
            worker=request.worker,
            time=said.timestamp or tx.now // 1000,
        )
    )
    return api.ReportResponse(console=kept)


_NOWHERE = -1
"""An offset at which no output begins: nothing is added, and the answer tells what is kept."""


def _report(tx: Tx, call: Call, request: api.Report) -> None:
    task_status.check_visible(tx, call.company, request.task)
    row = attempts.current(tx, request.task, request.attempt)
    if row.state not in LIVE_ATTEMPT:
        # What was printed is kept even when it comes late; nothing else is changed by it.
        return
    changes: dict[str, Any] = {}
    phases = request.phases
    phase = request.phase or (str(phases[-1].get("name", "")) if phases else "")
    state = _PHASE_STATE.get(phase, AttemptState.PREPARING)
    if state == AttemptState.RUNNING and row.state != AttemptState.RUNNING:
        changes |= {"state": state, "started": tx.now}
    elif row.state == AttemptState.LEASED:
        changes["state"] = AttemptState.PREPARING
    notes: dict[str, Any] = {}
    if phases is not None:
        notes["phases"] = phases
    if request.commit:
        notes["commit"] = request.commit
    if request.place:
        notes["place"] = request.place
    if any(row.doc.get(name) != value for name, value in notes.items()):
        changes["doc"] = {**row.doc, **notes}
    if changes:
        attempts.write(tx, row, **changes)
        tx.signal(f"task:{request.task}")
    task_status.heard(tx, request.task)
    _write_back(tx, call, request)


def _write_back(tx: Tx, call: Call, request: api.Report) -> None:
    """Note on the task what it really ran with."""
    installed = {"pip": request.packages, "conda": request.conda_packages}
    installed = {name: packages for name, packages in installed.items() if packages is not None}
    if not request.commit and not installed:
        return
    script = documents.get(tx, TASK, request.task, call, only=["script"])["script"]
    changes: dict[str, Any] = {}
    if request.commit and script.get("version_num") != request.commit:
        changes["script.version_num"] = request.commit
    known = script.get("requirements") or {}
    news = {name: packages for name, packages in installed.items() if known.get(name) != packages}
    if news:
        asked = {f"org_{name}": known.get(f"org_{name}") or known.get(name) or "" for name in news}
        # Another manager could not install what conda did: the next run asks for conda again.
        manager = {"manager": "conda"} if "conda" in news else {}
        changes["script.requirements"] = {**known, **news, **asked, **manager}
    if changes:
        documents.update(tx, TASK, request.task, {**changes, "last_change": tx.now})


# Ending


@writes(api.Finish)
def finish(tx: Tx, call: Call, request: api.Finish) -> api.FinishResponse:
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
        answer.taken, _, _ = _take(tx, call, request.take, announce=True)
    return answer


# Looking back


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
