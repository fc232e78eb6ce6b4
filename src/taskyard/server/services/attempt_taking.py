"""The attempts service: handing out work under leases, to workers that may wait for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Row

from taskyard.api import attempts as api
from taskyard.api.errors import INVALID_QUEUE_ID, ApiError
from taskyard.server.call import Call, serves, writes
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.queues import queues
from taskyard.server.store.tasks import attempts, endings, leasing
from taskyard.server.store.tasks.endings import Ending
from taskyard.server.store.tasks.leasing import Taken
from taskyard.server.store.workers import workers

SLICE = 15.0
"""The longest wait in one piece, seconds, where a wake-up can get lost: it costs no more than
this."""

BUSY_PAUSE = 0.02
"""Seconds until another look at a queue whose entries somebody else works on right now."""


@serves(api.Take)
async def take(call: Call, request: api.Take) -> api.TakeResponse:
    if request.wait <= 0:
        looking_once = partial(look, call=call, request=request, announce=True)
        return (await call.server.control.write(looking_once)).answer
    loop = asyncio.get_running_loop()
    signals = call.server.signals
    end = loop.time() + min(request.wait, api.LONGEST_WAIT)
    announce = True
    while True:
        moment = signals.moment
        looking = asyncio.ensure_future(
            call.server.control.write(partial(look, call=call, request=request, announce=announce))
        )
        try:
            looked = await asyncio.shield(looking)
        except asyncio.CancelledError:
            await _undo(call, looking)
            raise
        announce = False
        answer = looked.answer
        if answer.attempts or answer.over or answer.order in _LEAVING or _gone(request, answer):
            return answer
        # The agent is to ask again then, and to say anew what it knows of.
        end = min(end, loop.time() + looked.lost_in)
        if looked.busy and loop.time() < end:
            # An entry is in somebody's hands for a moment.
            await asyncio.sleep(BUSY_PAUSE)
        elif not await _woken(call, _topics(request, answer, looked.known), moment, end):
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


class Looked(NamedTuple):
    """What there is to take now."""

    answer: api.TakeResponse
    known: list[str]
    """Ids of the queues it may come from."""
    busy: bool
    """It is worth to look again soon."""
    lost_in: float
    """Seconds until an attempt that the worker has not heard of will be taken for lost on its
    way; infinite without one."""


async def _undo(call: Call, looking: asyncio.Future[Looked]) -> None:
    """Give back what was taken for an agent that has gone in the meantime."""
    answer = (await looking).answer
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


def look(tx: Tx, call: Call, request: api.Take, announce: bool) -> Looked:
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
    order = order_of(me)
    taken: list[Taken] = []
    room = max(1, request.capacity)
    unheard = _unheard(tx, call, request)
    if not order and announce:
        lost = [row for row, left in unheard if not left]
        taken = leasing.give_again(tx, lost, room)
    # What is still on its way has its room already.
    on_their_way = [left for _, left in unheard if left]
    room -= len(on_their_way)
    if not order and not taken and room > 0:
        taken = leasing.hand_out(
            tx,
            worker=request.worker,
            by=call.user,
            serving=serving,
            closed=no_room,
            capacity=room,
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
    return Looked(
        answer,
        known,
        busy=busy and bool(leasing.waiting_in(tx, open_ones)),
        lost_in=min(on_their_way, default=math.inf),
    )


def _unheard(tx: Tx, call: Call, request: api.Take) -> list[tuple[Row[Any], float]]:
    """What the worker was given and does not know of, and the seconds until that is lost."""
    if request.known is None:
        return []
    known = [(held.task, held.attempt) for held in request.known]
    rows = leasing.unheard(tx, call.company, request.worker, known)
    return [(row, leasing.seconds_until_lost(tx, row)) for row in rows]


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


def order_of(row: Row[Any] | None) -> Mapping[str, Any]:
    """What a worker was told to do and has not done: ``kind`` and ``reason``, or nothing."""
    return (row.doc.get("order") or {}) if row is not None else {}
