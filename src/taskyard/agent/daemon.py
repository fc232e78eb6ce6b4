"""The agent: takes tasks under a lease, has them run, and keeps the server informed.

The main thread takes tasks by long poll; the heartbeat renews all leases and brings back orders;
each run has a follower; one thread clears away what is old. What a run is doing lives in its
folder, so an agent that starts again finds everything there and goes on.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from pathlib import Path

import msgspec

from taskyard.agent import assignment, housekeeping, refusals, taking
from taskyard.agent.containers.choice import put_inside
from taskyard.agent.executors.docker import executor_for
from taskyard.agent.fitness import Fitness
from taskyard.agent.follower import Follower
from taskyard.agent.heartbeat import Heartbeat, Notes
from taskyard.agent.machine import metrics
from taskyard.agent.options import Options
from taskyard.agent.queues import Served, metadata
from taskyard.agent.roster import Roster, held
from taskyard.agent.run import folder as folders
from taskyard.agent.run import standing
from taskyard.agent.run.spec import DELIVERED, Place
from taskyard.agent.run.standing import Standing
from taskyard.agent.sessions import Sessions
from taskyard.agent.sharing import Shares
from taskyard.agent.slot import Slot
from taskyard.api.attempts import (
    Finish,
    FinishResponse,
    Held,
    Lease,
    Renew,
    RenewResponse,
    Take,
    TakeResponse,
    WorkerOrder,
)
from taskyard.api.errors import INVALID_QUEUE_ID, ApiError, Cause, TaskyardError
from taskyard.api.workers import Register, Unregister
from taskyard.client.config import Profile
from taskyard.client.http import ServerUnreachable
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

WAIT = 25.0
"""Seconds of one long poll."""
AGAIN = 1.0
"""Seconds until another look at what may have changed unheard."""
LONGEST_PAUSE = 10.0
"""Seconds between two tries to take a task while that fails."""
STOP_GRACE = 10.0
"""Seconds for the end of a run to reach the server, beyond the task's own time of grace."""
GOODBYE = 5.0
"""Seconds for the last call, which may be left out."""


class Agent:
    """One agent on this machine: :meth:`introduce`, then :meth:`work` until :meth:`stop`."""

    def __init__(self, slot: Slot, profile: Profile, options: Options) -> None:
        self.slot, self.profile, self.options = slot, profile, options
        self.worker = slot.worker
        self._executor = executor_for(options.container)
        collect = functools.partial(self._executor.collect, slot.runs, options.cache)
        self._roster = Roster()
        self._turn = taking.Turn(self._roster.tell)
        self._stopping = threading.Event()
        self._hurrying = threading.Event()
        self._house = housekeeping.Housekeeping(slot.runs, options.cache, collect)
        self._sessions = Sessions(profile, self.worker, WAIT + 10)
        self._taking = self._sessions.new()
        self._queues = Served(options.queues, create=options.create_queues)
        self._shares = Shares(options.cards)
        self._fitness = Fitness(options.schedule, slot.runs, options.least_free, self._shares)
        self._unfit = ""
        self._last_queue: str | None = None
        self._order: WorkerOrder | None = None

    def introduce(self) -> None:
        """Register with the server. Raises ApiError or ServerUnreachable."""
        self._find_queues()
        self._taking.call(
            Register(
                worker=self.worker,
                queues=self._queues.ids,
                tags=self.options.tags or None,
                resources=metrics.hardware(self.options.card_ids),
                exclusive=True,
            ),
            dict,
        )

    def _find_queues(self) -> None:
        self._queues.find(self._taking)
        self._shares.needs = self._queues.by_id(self.options.needs)

    def work(self) -> None:
        """Take tasks and have them run until :meth:`stop`, or until the server sends us away."""
        self._executor.start_spawner()
        self._adopt()
        cards = self.options.card_ids
        heart = Heartbeat(
            self._sessions.new(), self.worker, self._roster, self._obey, self._notes, cards
        )
        heart.start()
        self._house.start()
        log.info(
            "%s serves %s of %s", self.worker, ", ".join(self.options.queues), self._taking.url
        )
        try:
            self._take_until_told()
            self._return_runs()
        finally:
            self._house.stop()
            heart.stop(GOODBYE)
            self._executor.close()
            self._say_goodbye()

    def stop(self) -> None:
        """Take no more, end what runs and give it back to its queue.

        Asked a second time, leave at once: the next agent sees to what has not ended. For any
        thread, but not for a signal handler.
        """
        if self._stopping.is_set():
            self._hurrying.set()
        self._stopping.set()
        self._taking.cut()
        self._roster.tell()

    def _notes(self) -> Notes:
        tags = self.options.tags or None
        return {"queues": self._queues.present, "tags": tags, "unfit": self._look_at_fitness()}

    # Taking

    def _take_until_told(self) -> None:
        pause = 0.2
        while not (self._stopping.is_set() or self._drained()):
            if not self._turn.given and (
                self._order == "drain" or not self._is_fit() or not self._wait_for_room()
            ):
                continue
            if not self._turn.begin(AGAIN):
                continue
            try:
                answer = self._turn.collect() or self._take()
                self._learn(answer)
                pause = 0.2
                for leased in answer.attempts:
                    self._begin(leased, answer.waiting)
                self._let_end(answer.over)
            except (ServerUnreachable, ApiError) as error:
                if not self._stopping.is_set():
                    log.warning("cannot take tasks: %s", error)
                    self._stopping.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
            finally:
                self._turn.end()

    def _take(self) -> TakeResponse:
        """Wait in the server for tasks. Raises ApiError and ServerUnreachable."""
        try:
            lasts = max(0.0, min(WAIT, self._fitness.lasts()))
            return self._taking.call(self._question(self._roster.live(), lasts), TakeResponse)
        except ApiError as error:
            if error.kind == INVALID_QUEUE_ID[:2]:
                self._look_for_queues(self._queues.ids)
            raise

    def _question(self, live: list[Follower], wait: float) -> Take:
        """What to ask the server for, beside these runs."""
        offer = self._shares.offer(self._queues.ids, [f.spec.place for f in live])
        fair = self.options.fair and not offer.strict
        return Take(
            worker=self.worker,
            queues=offer.queues,
            policy="round_robin" if fair else "priority",
            last_queue=self._last_queue,
            wait=wait,
            # Where its GPUs decide, what a task gets depends on what those before it got.
            capacity=1 if self._shares.needs else taking.room(len(live), self.options.at_once),
            known=held(live),
            closed=offer.closed,
            waiting=offer.waiting,
        )

    def _learn(self, answer: TakeResponse) -> None:
        if answer.attempts:
            self._last_queue = answer.attempts[-1].queue
        else:
            self._shares.learn(answer.waiting)
        self._look_for_queues(answer.missing)
        self._obey(answer.order, answer.order_reason)

    def _finish(self, session: Session, finish: Finish) -> FinishResponse:
        """Tell of the end of a run, and take the next. For the threads of followers."""

        def ask() -> Take | None:
            ready = not (self._stopping.is_set() or self._order or self._shares.needs)
            if not ready or self._look_at_fitness():
                return None
            ended = (finish.task, finish.attempt)
            live = [f for f in self._roster.live() if (f.task, f.attempt) != ended]
            return self._question(live, 0.0)

        return self._turn.finish(session, finish, ask)

    def _look_for_queues(self, gone: list[str]) -> None:
        """Go on with a queue that was made anew under the name of one that is gone."""
        if self._queues.note(self._taking, gone):
            self._shares.needs = self._queues.by_id(self.options.needs)

    def _obey(self, order: WorkerOrder | None, reason: str | None) -> None:
        if order == self._order:
            return
        log.info("order: %s%s", order or "go on", f" ({reason})" if reason else "")
        self._order = order
        if order == "stop":
            self.stop()

    def _drained(self) -> bool:
        """Told to leave, and nothing runs any more; waits a while for that."""
        return self._order == "drain" and self._roster.wait_until(
            lambda: self._stopping.is_set() or not (self._turn.given or self._roster.live()), AGAIN
        )

    def _look_at_fitness(self) -> str:
        """Why no tasks are to be taken now; for any thread."""
        unfit = self._fitness.reason()
        if unfit != self._unfit:
            log.warning("taking %s", f"no tasks: {unfit}" if unfit else "tasks again")
            self._unfit = unfit
            self._house.hurry(environments=bool(unfit))
        return unfit

    def _is_fit(self) -> bool:
        """Whether tasks are to be taken now; waits a while when they are not."""
        unfit = bool(self._look_at_fitness())
        if unfit:
            self._stopping.wait(AGAIN)
        return not unfit

    def _wait_for_room(self) -> bool:
        """Whether another task fits, or was given already; waits a while for that."""
        most = self.options.at_once

        def fits() -> bool:
            return self._turn.given or not most or len(self._roster.live()) < most

        self._roster.wait_until(lambda: self._stopping.is_set() or fits(), AGAIN)
        return not self._stopping.is_set() and fits()

    def _let_end(self, over: list[Held]) -> None:
        """Wait until it is seen here as well that these runs hold nothing any more."""
        named = {(one.task, one.attempt) for one in over}
        if named:
            self._roster.wait_until(
                lambda: (
                    self._stopping.is_set()
                    or not any((f.task, f.attempt) in named for f in self._roster.live())
                ),
                AGAIN,
            )

    def _places(self) -> list[Place]:
        return [follower.spec.place for follower in self._roster.live()]

    def _place(self, leased: Lease, waiting: list[str]) -> Place | None:
        """Where a task is to run; None when there is no room for it."""
        base, queue = self.slot.base, leased.queue
        place = self._shares.give(base, leased.task, queue, self._places(), waiting)
        if place is not None and self.options.services:
            return msgspec.structs.replace(place, worker=f"{base}:service:{leased.task}")
        return place

    def _begin(self, leased: Lease, waiting: list[str]) -> None:
        if self._stopping.is_set():
            return  # unregistering gives back what was never begun
        unfit = self._look_at_fitness()
        place = None if unfit else self._place(leased, waiting)
        if place is None:
            reason = unfit or "its GPUs were given to another task meanwhile"
            refusals.hand_back(self._taking, self.worker, leased, reason)
            return
        log.info("task %s: attempt %d begins", leased.task, leased.attempt)
        folder = self.slot.runs / folders.name(leased.task, leased.attempt)
        if folder.parent != self.slot.runs:
            self._refuse(leased, ValueError(f"{leased.task!r} cannot be a task's id"))
            return
        try:
            # Attempts count on for ever, unless the server's data come from an older backup.
            if folder.exists():
                housekeeping.remove_run(folder)
            spec = assignment.run_spec(
                leased.document,
                leased.attempt,
                worker=self.worker,
                profile=self.profile,
                cache=self.options.cache,
                configuration=self.options.configuration,
                place=place,
            )
            if self.options.container:
                noted = metadata(self._taking, leased.queue)
                put_inside(spec, leased.document, noted, self.options.container)
            hidden = assignment.secrets(self.profile, self.options.git, self.options.configuration)
            folders.create(self.slot.runs, spec, hidden)
            self._executor.start(folder)
            self._follow(folder)
        except Exception as error:
            log.error("cannot start task %s: %s", leased.task, error, exc_info=not _is_known(error))
            housekeeping.remove_run(folder)
            self._refuse(leased, error)

    def _refuse(self, leased: Lease, error: Exception) -> None:
        refusals.refuse(self._taking, self.worker, leased, error, self.options.cache)

    def _follow(self, folder: Path, sent: int | None = 0) -> None:
        follower = Follower(
            folder,
            self._sessions,
            self._executor,
            self.worker,
            self._ended,
            finish=self._finish,
            sent=sent,
        )
        self._roster.add(follower)

    def _ended(self) -> None:
        self._house.hurry()
        self._roster.tell()

    def _adopt(self) -> None:
        """Go on with the runs that an agent before this one left, where they are still wanted."""
        left = [f for f in folders.all_runs(self.slot.runs) if not (f / DELIVERED).exists()]
        if not left:
            return
        named = {folders.parse_name(f.name): f for f in left}
        known = [Held(task=task, attempt=attempt) for task, attempt in named]
        answer = self._taking.call(Renew(worker=self.worker, attempts=known), RenewResponse)
        unwanted = {(r.task, r.attempt) for r in answer.results if r.order != "go"}
        for name, folder in named.items():
            try:
                if name in unwanted and standing.look(folder)[0] == Standing.NEW:
                    housekeeping.remove_run(folder)
                    continue
                log.info("adopting the run %s", folder.name)
                self._executor.adopt(folder)
                self._follow(folder, sent=None)
            except (OSError, msgspec.MsgspecError) as error:
                log.error("cannot adopt the run %s: %s", folder.name, error)

    # Leaving

    def _return_runs(self) -> None:
        live = self._roster.live()
        for follower in live:
            try:
                follower.end(Cause.INTERRUPTED, f"the agent {self.worker} was stopped")
            except OSError as error:
                log.error("cannot end task %s: %s", follower.task, error)
        end = time.monotonic() + max((f.spec.limits.grace for f in live), default=0) + STOP_GRACE
        self._roster.wait_until(
            lambda: self._hurrying.is_set() or not self._roster.live(), end - time.monotonic()
        )
        for follower in self._roster.live():
            log.warning("task %s has not ended; its run goes on without us", follower.task)
            follower.detach(AGAIN)

    def _say_goodbye(self) -> None:
        names = [f.spec.place.worker for f in self._roster.depart()]
        session = self._sessions.new()
        try:
            for name in [*filter(None, names), self.worker]:
                session.call(Unregister(worker=name), dict, timeout=GOODBYE)
        except (ServerUnreachable, ApiError) as error:
            log.info("could not unregister: %s", error)


def _is_known(error: Exception) -> bool:
    """Whether an error speaks for itself, without a traceback."""
    return isinstance(error, (TaskyardError, OSError))
