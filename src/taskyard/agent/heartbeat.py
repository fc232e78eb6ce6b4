"""The agent's sign of life: renews the leases, brings back orders, reports how the machine is.

Runs that are workers of their own are reported as such, and taken leave of when they are over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from taskyard.agent.follower import HEAD_START, Follower
from taskyard.agent.machine import gpus, metrics
from taskyard.agent.machine.metrics import Sampler, Stats, TreeSampler
from taskyard.agent.roster import Roster, held
from taskyard.agent.run import folder as folders
from taskyard.api.attempts import Renew, RenewResponse, WorkerOrder
from taskyard.api.errors import Cause, TaskyardError
from taskyard.api.workers import StatusReport, Unregister
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

BEAT = 5.0
"""Seconds between two renewals of the leases; the server answers early when it has an order."""
REPORT = 30.0
"""Seconds between two reports of the machine's load: the protocol's rhythm."""
ANSWER = 10.0
"""Seconds the server may take to answer: several tries must fit into a lease."""
AGAIN = 1.0
"""Seconds until what failed is tried again."""

Notes = dict[str, Any]
"""What a report says of the agent besides its load: fields of StatusReport."""


class Heartbeat:
    """A thread from :meth:`start` until :meth:`stop`."""

    def __init__(
        self,
        session: Session,
        worker: str,
        roster: Roster,
        obey: Callable[[WorkerOrder | None, str | None], None],
        notes: Callable[[], Notes],
        cards: Sequence[str] | None = None,
    ) -> None:
        """``obey`` is told the worker's order after each beat, ``notes`` asked before a report.

        ``cards``: the agent's own GPUs (ids); None for all.
        """
        self._session, self._worker, self._roster = session, worker, roster
        self._obey, self._notes, self._cards = obey, notes, cards
        self._gone = threading.Event()
        self._trees: dict[str, TreeSampler] = {}
        self._reported: dict[str, float] = {}
        self._told: Notes = {}
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Be silent from now on; leases run out unless somebody else renews them."""
        self._gone.set()
        self._session.cut()
        self._roster.tell()
        self._thread.join(timeout)

    def _beat(self) -> None:
        sampler = None
        trouble = ""
        busy = False
        while not self._gone.is_set():
            try:
                live = self._roster.live()
                if live or busy:
                    self._renew(live)
                elif self._told:
                    self._idle()
                busy = bool(live)
                self._take_leave()
                sampler = sampler or Sampler(self._cards)
                self._report(self._roster.live(), sampler)
                trouble = ""
            except Exception as error:
                # Whatever it is, the leases are renewed: a run must not die of a report.
                known = isinstance(error, (TaskyardError, OSError))
                if str(error) != trouble and not self._gone.is_set():
                    log.warning("heartbeat: %s", error, exc_info=not known)
                trouble = str(error)
                self._gone.wait(AGAIN)

    def _idle(self) -> None:
        """Wait for something to look after. Its lease is fresh, and so it comes to no harm when
        it is left alone at first."""
        self._roster.wait_until(lambda: self._gone.is_set() or bool(self._roster.live()), BEAT)
        self._gone.wait(HEAD_START)

    def _renew(self, live: list[Follower]) -> None:
        """Keep the leases; without any, say that this worker is idle now."""
        answer = self._session.call(
            Renew(worker=self._worker, attempts=held(live), wait=BEAT if live else 0),
            RenewResponse,
            timeout=BEAT + ANSWER,
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

    # Reports

    def _report(self, live: list[Follower], sampler: Sampler) -> None:
        """Report what is due: the machine, and each run that is a worker of its own."""
        notes = self._notes()
        if self._due(self._worker) or notes != self._told:
            load = sampler.sample()
            if len(live) == 1 and not live[0].spec.place.worker:
                load |= {f"task_{key}": value for key, value in self._tree(live[0]).items()}
            self._say(self._worker, live[0].task if live else None, load, notes)
            self._told = notes
        for follower in live:
            place = follower.spec.place
            if place.worker and self._due(place.worker):
                load = self._tree(follower)
                if place.gpus:
                    load |= metrics.gpu_stats(gpus.loads(), place.gpus)
                self._say(place.worker, follower.task, load, {})

    def _due(self, worker: str) -> bool:
        return time.monotonic() - self._reported.get(worker, -REPORT) >= REPORT

    def _tree(self, follower: Follower) -> Stats:
        pid, name = folders.read_state(follower.folder).pid, follower.folder.name
        if name not in self._trees:
            self._trees[name] = TreeSampler(pid)
        return self._trees[name].sample(pid)

    def _say(self, worker: str, task: str | None, load: Stats, notes: Notes) -> None:
        self._session.call(
            StatusReport(
                worker=worker,
                timestamp=int(time.time() * 1000),
                task=task,
                machine_stats=dict(load),
                **notes,
            ),
            dict,
            timeout=ANSWER,
        )
        self._reported[worker] = time.monotonic()

    def _take_leave(self) -> None:
        """Have the server forget the workers of runs that are over."""
        for follower in self._roster.depart():
            self._trees.pop(follower.folder.name, None)
            if worker := follower.spec.place.worker:
                self._reported.pop(worker, None)
                self._session.call(Unregister(worker=worker), dict, timeout=ANSWER)
