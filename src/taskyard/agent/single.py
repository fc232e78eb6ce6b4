"""One task, run here and now without a queue: its lease, its run, and what it prints."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from taskyard.agent import assignment, housekeeping
from taskyard.agent.configuration import Configuration
from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.follower import Follower
from taskyard.agent.machine.metrics import Sampler
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import CONSOLE, DELIVERED
from taskyard.agent.sessions import Sessions
from taskyard.agent.slot import Slot
from taskyard.api.attempts import Claim, Held, Lease, Renew, RenewResponse
from taskyard.api.errors import Cause, TaskyardError
from taskyard.api.workers import StatusReport, Unregister
from taskyard.client.config import Profile
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

HEARTBEAT = 5.0
"""Seconds between two renewals of the lease; the server answers early when it has an order."""
REPORT = 30.0
"""Seconds between two reports of the machine's load."""
ANSWER = 10.0
"""Seconds the server may take to answer."""
TICK = 0.05
"""Seconds between two looks at what the task prints."""
AGAIN = 1.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the task is run; the command line's flags in plain words."""

    cache: Path
    configuration: Configuration = Configuration()
    git: dict[str, tuple[str, str]] = {}
    report_load: bool = False
    """Tell the server of the machine's load while the task runs."""


class Single:
    """One task on this machine: :meth:`begin`, then :meth:`watch` to its end."""

    def __init__(self, slot: Slot, profile: Profile, options: Options) -> None:
        self._slot, self._profile, self._options = slot, profile, options
        self._executor = ProcessExecutor()
        self._sessions = Sessions(profile, slot.worker)
        self._session = self._sessions.new()
        self._follower: Follower | None = None
        self._gone = threading.Event()
        self._asked = False

    def stop(self) -> None:
        """Have the task end as aborted. For signal handlers, too."""
        self._asked = True

    def begin(self, task: str, *, from_queue: bool = False) -> None:
        """Take the task and start its run. Raises ApiError, ServerUnreachable, OSError."""
        self._end_what_was_left()
        claim = Claim(worker=self._slot.worker, task=task, from_queue=from_queue)
        lease = self._session.call(claim, Lease)
        options = self._options
        spec = assignment.run_spec(
            lease.document,
            lease.attempt,
            worker=self._slot.worker,
            profile=self._profile,
            cache=options.cache,
            configuration=options.configuration,
        )
        hidden = assignment.secrets(self._profile, options.git, options.configuration)
        folder = folders.create(self._slot.runs, spec, hidden)
        self._executor.start(folder)
        follower = Follower(folder, self._sessions, self._executor, self._slot.worker, lambda: None)
        follower.start()
        self._follower = follower
        threading.Thread(target=self._beat, args=(follower,), name="heartbeat", daemon=True).start()

    def watch(self, show: Callable[[bytes], object]) -> None:
        """Hand what the task prints to ``show`` until the server knows its end."""
        follower = self._follower
        assert follower is not None, "begin comes first"
        with (follower.folder / CONSOLE).open("rb") as console:
            while not follower.over:
                if data := console.read():
                    show(data)
                if self._asked and not follower.ending:
                    follower.end(Cause.ABORTED, "ended by hand where it ran")
                time.sleep(TICK)
            show(console.read())

    def close(self) -> None:
        """Let go of everything; nothing of the run stays on this machine."""
        self._gone.set()
        self._executor.close()
        try:
            self._session.call(Unregister(worker=self._slot.worker), dict, timeout=ANSWER)
        except TaskyardError as error:
            log.info("could not unregister: %s", error)
        self._session.close()
        if self._follower is None or self._follower.over:
            for folder in folders.all_runs(self._slot.runs):
                housekeeping.remove_run(folder)
        self._slot.release()

    def _end_what_was_left(self) -> None:
        """End a run of this task that somebody killed the program of."""
        for folder in folders.all_runs(self._slot.runs):
            if (folder / DELIVERED).exists():
                continue
            self._executor.stop(folder, 0.0)
            while not self._executor.poll(folder).over:
                time.sleep(TICK)
            housekeeping.remove_run(folder)

    def _beat(self, follower: Follower) -> None:
        session, sampler, reported = self._sessions.new(), Sampler(), -REPORT
        held = [Held(task=follower.task, attempt=follower.attempt)]
        while not (self._gone.is_set() or follower.over):
            try:
                renew = Renew(worker=self._slot.worker, attempts=held, wait=HEARTBEAT)
                answer = session.call(renew, RenewResponse, timeout=HEARTBEAT + ANSWER)
                for result in answer.results:
                    if result.order != "go" and not follower.ending:
                        if follower.due(result.patience):
                            follower.end(Cause.ABORTED, "aborted")
                        self._gone.wait(AGAIN)
                if self._options.report_load and time.monotonic() - reported >= REPORT:
                    self._report(session, follower, dict(sampler.sample()))
                    reported = time.monotonic()
            except (TaskyardError, OSError) as error:
                log.warning("heartbeat: %s", error)
                self._gone.wait(AGAIN)
        session.close()

    def _report(self, session: Session, follower: Follower, load: dict[str, object]) -> None:
        session.call(
            StatusReport(
                worker=self._slot.worker,
                timestamp=int(time.time() * 1000),
                task=follower.task,
                queues=[],
                machine_stats=load,
            ),
            dict,
            timeout=ANSWER,
        )
