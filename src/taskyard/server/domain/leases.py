"""The rules of leases: who may go on, and what becomes of a run nobody speaks for.

A lease is the promise that somebody looks after a task. It is given with the task, renewed by
the agent, and when it lapses the server decides in the agent's place.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from taskyard.api.attempts import LEASE, Order
from taskyard.api.errors import Cause
from taskyard.api.states import AttemptState, Status
from taskyard.server.domain.lifecycle import STOPPING
from taskyard.server.domain.retry import Policy

SECOND = 1_000_000
LEASE_SPAN = LEASE * SECOND
PLAIN_SPAN = 600 * SECOND
"""How long an agent that knows no leases may hold a popped task without starting it. Such agents
install what they need before the task starts, but they say *started* when they pop it."""

_ENDED_BY_SOMEBODY = frozenset({Status.STOPPED, Status.FAILED, Status.PUBLISHED, Status.CLOSED})


def order_for(status: str, message: str) -> Order:
    """What the holder of a live attempt is to do, by the task's status."""
    if status in _ENDED_BY_SOMEBODY:
        return "abort"
    if status == Status.IN_PROGRESS and STOPPING in message:
        return "abort"
    return "go"


class Lapse(NamedTuple):
    """What becomes of an attempt whose lease ran out, and of its task."""

    attempt: AttemptState
    task: Literal["requeue", "requeue unspent", "fail", "stop", "leave"]


def lapsed(
    state: AttemptState, plain: bool, status: str, message: str, policy: Policy, retries: int
) -> Lapse:
    """Judge an attempt past its deadline.

    One that its agent never spoke of goes back without spending a retry: the task was handed out,
    but the answer may never have arrived.
    """
    if status == Status.QUEUED and plain:
        return Lapse(AttemptState.RETURNED, "requeue unspent")
    if status != Status.IN_PROGRESS:
        return Lapse(AttemptState.LOST, "leave")
    if STOPPING in message:
        return Lapse(AttemptState.LOST, "stop")
    if state == AttemptState.LEASED:
        return Lapse(AttemptState.RETURNED, "requeue unspent")
    if policy.allows(Cause.WORKER_LOST, retries):
        return Lapse(AttemptState.LOST, "requeue")
    return Lapse(AttemptState.LOST, "fail")


def may_adopt(state: AttemptState, status: str, waiting: bool, reason: str) -> bool:
    """Whether an agent that was given up may go on with its run, the task's newest.

    Only while nothing has happened since: the task still waits for its next attempt, or failed
    for nothing but the loss.
    """
    if state not in {AttemptState.LOST, AttemptState.RETURNED}:
        return False
    if status == Status.QUEUED:
        return waiting
    return status == Status.FAILED and reason == Cause.WORKER_LOST
