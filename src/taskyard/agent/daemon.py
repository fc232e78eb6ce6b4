"""The agent: takes tasks under a lease, has them run, and keeps the server informed.

The main thread takes tasks by long poll; the heartbeat renews all leases and brings back orders;
each run has a follower; one thread clears away what is old. What a run is doing lives in its
folder, so an agent that starts again finds everything there and goes on.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from pathlib import Path
from typing import Literal

import msgspec

from taskyard.agent import assignment, housekeeping
from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.follower import HEAD_START, Follower
from taskyard.agent.machine.metrics import Sampler, Stats
from taskyard.agent.queues import resolve
from taskyard.agent.run import folder as folders
from taskyard.agent.run import standing
from taskyard.agent.run.spec import DELIVERED
from taskyard.agent.run.standing import Standing
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
from taskyard.api.errors import ApiError, Cause, TaskyardError
from taskyard.api.workers import Register, StatusReport, Unregister
from taskyard.client.config import Profile
from taskyard.client.http import ServerUnreachable
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

WAIT = 25.0
"""Seconds of one long poll."""
HEARTBEAT = 5.0
"""Seconds between two renewals of the leases; the server answers early when it has an order."""
REPORT = 30.0
"""Seconds between two reports of the machine's load: the protocol's rhythm."""
ANSWER = 10.0
"""Seconds the server may take to answer the heartbeat: several tries must fit into a lease."""
HOUR = 3600.0
AGAIN = 1.0
"""Seconds until the heartbeat tries again what failed."""
LONGEST_PAUSE = 10.0
"""Seconds between two tries to take a task while that fails."""
STOP_GRACE = 10.0
"""Seconds for the end of a run to reach the server, beyond the task's own time of grace."""
GOODBYE = 5.0
"""Seconds for the last call, which may be left out."""


class Options(msgspec.Struct, kw_only=True):
    """How an agent works; the command line's flags in plain words."""

    queues: list[str]
    create_queues: bool = False
    fair: bool = False
    at_once: int = 1
    """How many tasks run side by side; 0 for no limit."""
    cache: Path
    manager: str = "uv"
    offline: bool = False
    """Make environments from what this machine has already."""
    tags: list[str] = []
    git: dict[str, tuple[str, str]] = {}


class Agent:
    """One agent on this machine: :meth:`introduce`, then :meth:`work` until :meth:`stop`."""

    def __init__(self, slot: Slot, profile: Profile, options: Options) -> None:
        self.slot, self.profile, self.options = slot, profile, options
        self.worker = slot.worker
        self._executor = ProcessExecutor()
        self._followers: dict[str, Follower] = {}
        self._changed = threading.Condition()
        """Guards ``_followers``; told of their coming and going, and of the wish to stop."""
        self._stopping = threading.Event()
        self._hurrying = threading.Event()
        self._gone = threading.Event()
        self._untidy = threading.Event()
        self._taking, self._beating = self._session(), self._session()
        self._queues: list[str] = []
        self._last_queue: str | None = None
        self._missing: list[str] = []
        self._order: WorkerOrder | None = None

    def _session(self, timeout: float = WAIT + 10) -> Session:
        return Session(
            self.profile.url,
            self.profile.access_key,
            self.profile.secret_key,
            worker=self.worker,
            timeout=timeout,
        )

    def introduce(self) -> None:
        """Register with the server. Raises ApiError or ServerUnreachable."""
        options = self.options
        self._queues = resolve(self._taking, options.queues, create=options.create_queues)
        self._taking.call(
            Register(worker=self.worker, queues=self._queues, tags=options.tags or None), dict
        )

    def work(self) -> None:
        """Take tasks and have them run until :meth:`stop`, or until the server sends us away."""
        self._executor.start_spawner()
        self._adopt()
        beat = threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True)
        beat.start()
        threading.Thread(target=self._keep_house, name="housekeeping", daemon=True).start()
        log.info(
            "%s serves %s of %s", self.worker, ", ".join(self.options.queues), self._taking.url
        )
        try:
            self._take_until_told()
            self._return_runs()
        finally:
            self._gone.set()
            self._untidy.set()
            self._beating.cut()
            self._tell_changed()
            beat.join(GOODBYE)
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
        self._tell_changed()

    def _tell_changed(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # Taking

    def _take_until_told(self) -> None:
        pause = 0.2
        while not (self._stopping.is_set() or self._drained()):
            if self._order == "drain" or not self._wait_for_room():
                continue
            try:
                answer = self._take()
            except (ServerUnreachable, ApiError) as error:
                if not self._stopping.is_set():
                    log.warning("cannot take tasks: %s", error)
                    self._stopping.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = 0.2
            for leased in answer.attempts:
                self._begin(leased)

    def _take(self) -> TakeResponse:
        policy: Literal["priority", "round_robin"] = (
            "round_robin" if self.options.fair else "priority"
        )
        answer = self._taking.call(
            Take(
                worker=self.worker,
                queues=self._queues,
                policy=policy,
                last_queue=self._last_queue,
                wait=WAIT,
                known=_held(self._live()),
            ),
            TakeResponse,
        )
        if answer.attempts:
            self._last_queue = answer.attempts[-1].queue
        if answer.missing != self._missing:
            self._missing = answer.missing
            if self._missing:
                log.warning("these queues are gone: %s", ", ".join(self._missing))
        self._obey(answer.order, answer.order_reason)
        return answer

    def _obey(self, order: WorkerOrder | None, reason: str | None) -> None:
        if order != self._order:
            log.info("order: %s%s", order or "go on", f" ({reason})" if reason else "")
            self._order = order

    def _drained(self) -> bool:
        """Told to leave, and nothing runs any more; waits a while for that."""
        if self._order != "drain":
            return False
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopping.is_set() or not self._busy(), timeout=AGAIN
            )

    def _wait_for_room(self) -> bool:
        """Whether another task fits; waits a while for room."""
        most = self.options.at_once
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping.is_set() or not most or self._busy() < most, timeout=AGAIN
            )
            return not self._stopping.is_set() and (not most or self._busy() < most)

    def _busy(self) -> int:
        self._followers = {k: f for k, f in self._followers.items() if not f.over}
        return len(self._followers)

    def _begin(self, leased: Lease) -> None:
        if self._stopping.is_set():
            return  # unregistering gives back what was never begun
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
                manager=self.options.manager,
                offline=self.options.offline,
            )
            folders.create(self.slot.runs, spec, assignment.secrets(self.profile, self.options.git))
            self._executor.start(folder)
            self._follow(folder)
        except Exception as error:
            log.error("cannot start task %s: %s", leased.task, error, exc_info=not _is_known(error))
            housekeeping.remove_run(folder)
            self._refuse(leased, error)
            return
        try:
            # The run is under way and need not wait for the disk.
            folders.settle(folder)
        except OSError as error:
            log.warning("a loss of power may take the folder of %s: %s", leased.task, error)

    def _refuse(self, leased: Lease, error: Exception) -> None:
        """Say that a task cannot be started here, rather than let its lease run out."""
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        words = str(error) or type(error).__name__
        try:
            self._taking.call(
                Finish(
                    worker=self.worker,
                    task=leased.task,
                    attempt=leased.attempt,
                    outcome="failed",
                    cause=Cause.DISK_FULL if full else Cause.AGENT,
                    message=f"the agent {self.worker} could not start it: {words}",
                    hint=f"Free space below {self.options.cache} on that machine."
                    if full
                    else "Look at that agent's log.",
                ),
                FinishResponse,
            )
        except (ServerUnreachable, ApiError) as refused:
            # The lease lapses, and the server decides.
            log.warning("cannot report that task %s was not started: %s", leased.task, refused)

    def _follow(self, folder: Path) -> None:
        follower = Follower(folder, self._session(), self._executor, self.worker, self._ended)
        with self._changed:
            follower.start()
            self._followers[folder.name] = follower
            self._changed.notify_all()

    def _ended(self) -> None:
        self._untidy.set()
        self._tell_changed()

    def _adopt(self) -> None:
        """Go on with the runs that an agent before this one left, where they are still wanted."""
        left = [f for f in folders.all_runs(self.slot.runs) if not (f / DELIVERED).exists()]
        if not left:
            return
        named = {folders.parse_name(f.name): f for f in left}
        held = [Held(task=task, attempt=attempt) for task, attempt in named]
        answer = self._taking.call(Renew(worker=self.worker, attempts=held), RenewResponse)
        unwanted = {(r.task, r.attempt) for r in answer.results if r.order != "go"}
        for name, folder in named.items():
            try:
                if name in unwanted and standing.look(folder)[0] == Standing.NEW:
                    housekeeping.remove_run(folder)
                    continue
                log.info("adopting the run %s", folder.name)
                self._executor.adopt(folder)
                self._follow(folder)
            except (OSError, msgspec.MsgspecError) as error:
                log.error("cannot adopt the run %s: %s", folder.name, error)

    # Keeping the leases

    def _heartbeat(self) -> None:
        sampler = None
        reported = -REPORT
        trouble = ""
        busy = False
        while not self._gone.is_set():
            try:
                live = self._live()
                if live or busy:
                    self._renew(live)
                else:
                    self._idle(HEARTBEAT)
                busy = bool(live)
                if time.monotonic() - reported >= REPORT:
                    sampler = sampler or Sampler()
                    self._report(live, sampler.sample())
                    reported = time.monotonic()
                trouble = ""
            except Exception as error:
                # Whatever it is, the leases are renewed: a run must not die of a report.
                if str(error) != trouble and not self._gone.is_set():
                    log.warning("heartbeat: %s", error, exc_info=not _is_known(error))
                trouble = str(error)
                self._gone.wait(AGAIN)

    def _idle(self, seconds: float) -> None:
        """Wait for something to look after. Its lease is fresh, and so it comes to no harm when
        it is left alone at first."""
        with self._changed:
            self._changed.wait_for(lambda: self._gone.is_set() or self._busy() > 0, seconds)
        self._gone.wait(HEAD_START)

    def _live(self) -> list[Follower]:
        with self._changed:
            return [f for f in self._followers.values() if not f.over]

    def _renew(self, live: list[Follower]) -> None:
        """Keep the leases; without any, say that this worker is idle now."""
        answer = self._beating.call(
            Renew(
                worker=self.worker,
                attempts=_held(live),
                wait=HEARTBEAT if live else 0,
            ),
            RenewResponse,
            timeout=HEARTBEAT + ANSWER,
        )
        self._obey(answer.order, answer.order_reason)
        orders = {(r.task, r.attempt): r for r in answer.results if r.order != "go"}
        for follower in live:
            result = orders.get((follower.task, follower.attempt))
            if result is not None and not follower.ending and follower.due(result.patience):
                log.info("task %s: %s (%s)", follower.task, result.order, result.reason)
                follower.end(Cause.ABORTED, "aborted" if result.order == "abort" else "void")
        if orders or answer.order:
            # The server repeats its orders at once, until they are carried out.
            self._gone.wait(AGAIN)

    def _report(self, live: list[Follower], load: Stats) -> None:
        self._beating.call(
            StatusReport(
                worker=self.worker,
                timestamp=int(time.time() * 1000),
                task=live[0].task if live else None,
                queues=self._queues,
                machine_stats=dict(load),
                tags=self.options.tags or None,
            ),
            dict,
            timeout=ANSWER,
        )

    # Clearing away

    def _keep_house(self) -> None:
        due = time.monotonic()
        while not self._gone.is_set():
            try:
                housekeeping.collect_runs(self.slot.runs)
                if time.monotonic() >= due:
                    due = time.monotonic() + HOUR
                    if dropped := housekeeping.collect_environments(self.options.cache):
                        log.info("dropped %d environments that nobody used", len(dropped))
            except Exception as error:
                log.warning("clearing away: %s", error, exc_info=not _is_known(error))
            self._untidy.wait(HOUR)
            self._untidy.clear()

    # Leaving

    def _return_runs(self) -> None:
        live = self._live()
        for follower in live:
            try:
                follower.end(Cause.INTERRUPTED, f"the agent {self.worker} was stopped")
            except OSError as error:
                log.error("cannot end task %s: %s", follower.task, error)
        end = time.monotonic() + max((f.spec.limits.grace for f in live), default=0) + STOP_GRACE
        with self._changed:
            self._changed.wait_for(
                lambda: self._hurrying.is_set() or not self._busy(), end - time.monotonic()
            )
        for follower in self._live():
            log.warning("task %s has not ended; its run goes on without us", follower.task)
            follower.detach(AGAIN)

    def _say_goodbye(self) -> None:
        try:
            self._session(timeout=GOODBYE).call(Unregister(worker=self.worker), dict)
        except (ServerUnreachable, ApiError) as error:
            log.info("could not unregister: %s", error)


def _held(followers: list[Follower]) -> list[Held]:
    return [Held(task=f.task, attempt=f.attempt) for f in followers]


def _is_known(error: Exception) -> bool:
    """Whether an error speaks for itself, without a traceback."""
    return isinstance(error, (TaskyardError, OSError))
