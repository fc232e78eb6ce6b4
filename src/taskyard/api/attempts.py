"""Attempts: runs of tasks under a lease, and what an agent says about them.

An agent takes attempts, renews their leases while they live, reports how they go and finishes
them. Whoever reports names the attempt by its number, and a number that is out of date is
refused (400/140): a machine that comes back from the dead cannot spoil the run that took over.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from taskyard.api.errors import Cause
from taskyard.api.states import AttemptState
from taskyard.api.wire import Document, Request, Response, action

LEASE = 45
"""Seconds a lease lasts without being renewed."""

RENEW_EVERY = 10
"""Seconds after which an agent renews: three renewals may fail before the lease is over."""

LONGEST_WAIT = 60
"""Seconds a call may wait for something to happen."""

Order = Literal["go", "abort", "gone"]
"""What an agent is to do with a run: go on, end it and say so, or end it in silence."""

WorkerOrder = Literal["pause", "drain", "stop"]
"""What a worker is told: take nothing until resumed, take nothing more and leave in the end, or
leave now and give back what runs."""


class Lease(Response):
    """One run given to an agent."""

    task: str
    attempt: int
    queue: str
    deadline: str
    lease_seconds: int
    document: Document
    """The whole task."""


class Held(Request):
    """An attempt an agent believes to hold."""

    task: str
    attempt: int


class TakeResponse(Response):
    attempts: list[Lease]
    missing: list[str]
    """Queues that were asked for and do not exist."""
    waiting: list[str] = msgspec.field(default_factory=list)
    """Ids of queues in which something waits, of the ``closed`` ones and those asked about."""
    over: list[Held] = msgspec.field(default_factory=list)
    """Of the attempts that the agent has, those that hold no lease any more: there is room again.
    Told to agents that speak of ``closed`` queues, at once."""
    order: WorkerOrder | None = None
    order_reason: str | None = None


@action("attempts.take", answers=TakeResponse)
class Take(Request):
    """Take the first waiting tasks of some queues, waiting for one if there is none."""

    worker: str
    queues: list[str]
    """Ids or names, in the order in which they are served."""
    policy: Literal["priority", "round_robin"] = "priority"
    last_queue: str | None = None
    """For ``round_robin``: the queue the last task came from."""
    wait: float = 0
    """Seconds, 60 at the most."""
    capacity: int = 1
    """The most tasks wanted."""
    known: list[Held] | None = None
    """The attempts the agent has. Others that it was given before, and that never arrived, are
    given to it again."""
    closed: list[str] | None = None
    """Ids of queues, of those served, for whose tasks the worker has no room now."""
    waiting: list[str] | None = None
    """Ids of queues in which something waits for room as far as the worker knows: it gets an answer
    as soon as nothing waits in one of them any more."""


@action("attempts.claim", answers=Lease)
class Claim(Request):
    """Take one task by its id, out of its queue if it waits in one: to run it without a queue."""

    worker: str
    task: str
    from_queue: bool = False
    """Only if it waits in a queue."""


class Renewal(Response):
    task: str
    attempt: int
    order: Order
    deadline: str | None = None
    reason: str | None = None
    patience: float | None = None
    """With ``abort``: the code is told by its SDK, and has this many seconds to end by itself."""


class RenewResponse(Response):
    results: list[Renewal]
    lease_seconds: int
    order: WorkerOrder | None = None
    order_reason: str | None = None


@action("attempts.renew", answers=RenewResponse)
class Renew(Request):
    """Keep leases, show that the worker lives, and take back orders."""

    worker: str
    attempts: list[Held] = msgspec.field(default_factory=list)
    wait: float = 0
    """Seconds to wait for an order other than ``go``, 60 at the most."""
    queues: list[str] | None = None
    machine_stats: Document | None = None


class Console(Request):
    """A piece of what a run printed."""

    offset: int
    """Where the piece begins, in bytes of output since the attempt began."""
    text: str
    size: int | None = None
    """Bytes of output the text stands for, when that is not its length in UTF-8."""
    timestamp: int | None = None
    """Milliseconds since the epoch."""


class ReportResponse(Response):
    console: int
    """Bytes of output that are kept; the next piece begins here."""


@action("attempts.report", answers=ReportResponse)
class Report(Request):
    """Say how a run goes: its phase, what was really used, what it printed."""

    task: str
    attempt: int
    worker: str
    phase: str | None = None
    phases: list[Document] | None = None
    commit: str | None = None
    packages: str | None = None
    conda_packages: str | None = None
    place: Document | None = None
    """``worker``: the name of its own as which the run is shown; ``gpus``: ids of those it has;
    ``share``: ten-thousandths of each of them."""
    console: Console | None = None


class FinishResponse(Response):
    status: str
    """The task's status now."""
    next: Literal["done", "requeued"]
    console: int | None = None
    """Bytes of output that are kept, where the request brought some."""
    taken: TakeResponse | None = None
    """What there was to take, where the request asked for more work."""


@action("attempts.finish", answers=FinishResponse)
class Finish(Request):
    """End a run. Saying the same twice is as good as once."""

    task: str
    attempt: int
    outcome: Literal["completed", "failed", "stopped", "returned"]
    worker: str | None = None
    exit_code: int | None = None
    cause: Cause | None = None
    message: str = ""
    hint: str = ""
    last: Report | None = None
    """What is still to be reported of this attempt. Its console has all output that is left; where
    it does not begin at the end of what is kept, the run does not end."""
    take: Take | None = None
    """What to take next, in the same commit: half the calls of a worker that has always work. It
    is answered at once, whatever it says of waiting."""


class Attempt(Response):
    """One run of a task, as people look back at it."""

    task: str
    attempt: int
    worker: str
    state: AttemptState
    taken: str
    queue: str | None = None
    started: str | None = None
    ended: str | None = None
    deadline: str | None = None
    cause: str | None = None
    message: str | None = None
    hint: str | None = None
    exit_code: int | None = None
    commit: str | None = None
    place: Document | None = None
    """See ``attempts.report``."""
    phases: list[Document] = msgspec.field(default_factory=list)
    requeued: bool = False


class GetAllResponse(Response):
    attempts: list[Attempt]


@action("attempts.get_all", answers=GetAllResponse)
class GetAll(Request):
    """All runs of a task, the first one first."""

    task: str
