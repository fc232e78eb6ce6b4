"""The agent: takes tasks under a lease, has them run, and keeps the server informed.

Three kinds of threads: the main one takes tasks by long poll; the heartbeat renews all leases
and brings back orders; each run has a follower. What a run is doing lives in its folder, so an
agent that starts again finds everything there and goes on.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from taskyard.agent import assignment
from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.follower import DELIVERED, Follower
from taskyard.agent.machine.metrics import Sampler
from taskyard.agent.run import folder as folders
from taskyard.agent.slot import Slot
from taskyard.api.attempts import Held, Lease, Renew, RenewResponse, Take, TakeResponse
from taskyard.api.errors import ApiError
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
KEPT_RUNS = 20
"""Folders of ended runs that are kept, for people to look at."""
STOP_GRACE = 10.0


class Options(msgspec.Struct, kw_only=True):
    """How an agent works; the command line's flags in plain words."""

    queues: list[str]
    create_queues: bool = False
    fair: bool = False
    at_once: int = 1
    """How many tasks run side by side; 0 for no limit."""
    cache: Path
    manager: str = "uv"
    tags: list[str] = []
    git: dict[str, tuple[str, str]] = {}


class Agent:
    """One agent on this machine."""

    def __init__(self, slot: Slot, profile: Profile, options: Options) -> None:
        self.slot, self.profile, self.options = slot, profile, options
        self.worker = slot.worker
        self._executor = ProcessExecutor()
        self._followers: dict[str, Follower] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._queues: list[str] = []
        self._last_queue: str | None = None

    def session(self, patience: float = 0.0) -> Session:
        return Session(
            self.profile.url,
            self.profile.access_key,
            self.profile.secret_key,
            worker=self.worker,
            patience=patience,
            timeout=WAIT + 10,
        )

    def run(self) -> None:
        """Work until :meth:`stop`. Raises ApiError or ServerUnreachable at the very start only."""
        session = self.session()
        self._queues = resolve(session, self.options.queues, create=self.options.create_queues)
        session.call(
            Register(worker=self.worker, queues=self._queues, tags=self.options.tags or None), dict
        )
        self._executor.start_spawner()
        self._adopt()
        beat = threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True)
        beat.start()
        try:
            self._take_forever(session)
        finally:
            self._return_runs()
            beat.join(STOP_GRACE)
            self._executor.close()
            self._say_goodbye(session)

    def stop(self) -> None:
        """Take no more, end what runs and give it back to its queue. Safe in a signal handler."""
        self._stopping.set()

    # Taking

    def _take_forever(self, session: Session) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            free = self._wait_for_room()
            if free == 0:
                continue
            try:
                answer = self._take(session, free)
                pause = 0.2
            except (ServerUnreachable, ApiError) as error:
                log.warning("taking tasks: %s", error)
                self._stopping.wait(pause)
                pause = min(pause * 2, 10.0)
                continue
            for leased in answer.attempts:
                self._begin(leased)

    def _take(self, session: Session, free: int) -> TakeResponse:
        policy: Literal["priority", "round_robin"] = (
            "round_robin" if self.options.fair else "priority"
        )
        answer = session.call(
            Take(
                worker=self.worker,
                queues=self._queues,
                policy=policy,
                last_queue=self._last_queue,
                wait=WAIT,
                capacity=free,
            ),
            TakeResponse,
            timeout=WAIT + 10,
        )
        if answer.attempts:
            self._last_queue = answer.attempts[-1].queue
        return answer

    def _wait_for_room(self) -> int:
        """How many more tasks fit; waits up to a second for room."""
        with self._changed:
            if self.options.at_once == 0:
                return 1
            if self._busy() >= self.options.at_once:
                self._changed.wait(1.0)
            return max(0, min(1, self.options.at_once - self._busy()))

    def _busy(self) -> int:
        self._followers = {k: f for k, f in self._followers.items() if not f.over}
        return len(self._followers)

    def _begin(self, leased: Lease) -> None:
        log.info("task %s: attempt %d begins", leased.task, leased.attempt)
        try:
            folder = folders.create(
                self.slot.runs,
                assignment.run_spec(
                    leased.document,
                    leased.attempt,
                    worker=self.worker,
                    profile=self.profile,
                    cache=self.options.cache,
                    manager=self.options.manager,
                ),
                assignment.secrets(self.profile, self.options.git),
            )
            self._executor.start(folder)
        except OSError as error:
            # No lease is kept that nobody works on: it lapses, and the server decides.
            log.error("cannot start task %s: %s", leased.task, error)
            return
        self._follow(folder)
        self._collect_old_runs()

    def _follow(self, folder: Path) -> None:
        follower = Follower(folder, self.session(), self._executor, self.worker, self._ended)
        follower.start()
        with self._changed:
            self._followers[folder.name] = follower
            self._changed.notify_all()

    def _ended(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _adopt(self) -> None:
        """Go on with the runs that an agent before this one left."""
        for folder in folders.all_runs(self.slot.runs):
            if not (folder / DELIVERED).exists():
                log.info("adopting the run %s", folder.name)
                self._executor.adopt(folder)
                self._follow(folder)

    # Keeping the leases

    def _heartbeat(self) -> None:
        session = self.session()
        sampler = Sampler()
        reported = 0.0
        while not self._stopping.is_set() or self._live():
            try:
                if live := self._live():
                    self._renew(session, live)
                else:
                    self._idle(HEARTBEAT)
                if time.monotonic() - reported >= REPORT:
                    self._report(session, live, sampler.sample())
                    reported = time.monotonic()
            except (ServerUnreachable, ApiError) as error:
                log.warning("heartbeat: %s", error)
                self._stopping.wait(1.0)

    def _idle(self, seconds: float) -> None:
        """Wait for something to look after."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping.is_set() or self._busy() > 0, seconds)

    def _live(self) -> list[Follower]:
        with self._changed:
            return [f for f in self._followers.values() if not f.over]

    def _renew(self, session: Session, live: list[Follower]) -> None:
        answer = session.call(
            Renew(
                worker=self.worker,
                attempts=[Held(task=f.task, attempt=f.attempt) for f in live],
                wait=HEARTBEAT,
            ),
            RenewResponse,
            timeout=HEARTBEAT + 10,
        )
        by_run = {(f.task, f.attempt): f for f in live}
        for result in answer.results:
            follower = by_run.get((result.task, result.attempt))
            if follower is not None and result.order != "go":
                log.info("task %s: %s (%s)", result.task, result.order, result.reason)
                follower.abort()

    def _report(self, session: Session, live: list[Follower], load: Mapping[str, Any]) -> None:
        now = int(time.time() * 1000)
        tasks = [f.task for f in live]
        session.call(
            StatusReport(
                worker=self.worker,
                timestamp=now,
                task=tasks[0] if tasks else None,
                queues=self._queues,
                machine_stats=dict(load),
                tags=self.options.tags or None,
            ),
            dict,
        )

    # Leaving

    def _return_runs(self) -> None:
        live = self._live()
        for follower in live:
            follower.returning.set()
            threading.Thread(target=follower.abort, daemon=True).start()
        end = time.monotonic() + max((f.spec.limits.grace for f in live), default=0) + STOP_GRACE
        for follower in live:
            if not follower.join(max(0.1, end - time.monotonic())):
                log.warning("task %s has not ended; its run goes on without us", follower.task)
                follower.detach(1.0)

    def _say_goodbye(self, session: Session) -> None:
        try:
            session.call(Unregister(worker=self.worker), dict)
        except (ServerUnreachable, ApiError) as error:
            log.info("could not unregister: %s", error)

    def _collect_old_runs(self) -> None:
        ended = [f for f in folders.all_runs(self.slot.runs) if (f / DELIVERED).exists()]
        ended.sort(key=lambda f: (f / DELIVERED).stat().st_mtime)
        for folder in ended[:-KEPT_RUNS]:
            shutil.rmtree(folder, ignore_errors=True)


def resolve(session: Session, names: list[str], *, create: bool = False) -> list[str]:
    """The ids of the queues with these names or ids, in their order; missing ones are made.

    Unless ``create``, raises ApiError(INVALID_QUEUE_ID) that names the first unknown one.
    """
    known = session.raw(
        "queues.get_all", {"only_fields": ["id", "name"], "search_hidden": True, "page_size": 500}
    )["queues"]
    by_word = {q["name"]: q["id"] for q in known} | {q["id"]: q["id"] for q in known}
    for name in names:
        if name not in by_word and create:
            by_word[name] = session.raw("queues.create", {"name": name})["id"]
        elif name not in by_word:
            raise unknown_queue(name, [q["name"] for q in known])
    return [by_word[n] for n in names]


def unknown_queue(name: str, known: list[str]) -> ApiError:
    import difflib

    from taskyard.api.errors import INVALID_QUEUE_ID

    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    error = ApiError(
        INVALID_QUEUE_ID,
        hint=f"{hint}Make it with `taskyard queue create {name}`, or use --create-queue.",
    )
    error.what = f'no queue named "{name}"'
    return error


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where agents of this user keep runs, mirrors and environments."""
    named = environ.get("TASKYARD_AGENT_DATA")
    return Path(named or "~/.cache/taskyard").expanduser().absolute()
