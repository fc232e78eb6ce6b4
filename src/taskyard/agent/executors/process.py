"""Attempts as plain processes of this machine, each under a supervisor of its own."""

from __future__ import annotations

import logging
import signal
import threading
import time
from pathlib import Path

from taskyard.agent.executors import Observation
from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import standing
from taskyard.agent.run.spawner import Spawner, SpawnerError
from taskyard.agent.run.spec import Stop
from taskyard.agent.run.standing import Standing
from taskyard.api.errors import Cause

log = logging.getLogger("taskyard.agent")

NEEDS_SUPERVISOR = {
    Standing.ORPHANED,
    Standing.UNREPORTED,
    Standing.LOST,
    Standing.REBOOTED,
}
"""A new supervisor goes on where there is something to watch, and writes the outcome otherwise."""

AGAIN = 5.0
"""Seconds until another supervisor is started for a run that still has none."""


class ProcessExecutor:
    """Starts, watches, stops and adopts runs. Safe to use from several threads."""

    def __init__(self, spawner: Spawner | None = None) -> None:
        self._spawner = spawner or Spawner()
        self._revived: dict[Path, float] = {}
        self._giving = threading.Lock()
        """Held while a supervisor is given a run, or told to end one: it may have another by the
        time a late word for the one before reaches it."""

    def start_spawner(self) -> None:
        """Get ready, so that the first run starts as fast as the others."""
        self._spawner.open()

    def close(self) -> None:
        """Let go. Runs go on, and another executor can adopt them."""
        self._spawner.close()

    def collect(self, runs: Path, cache: Path) -> None:
        """Drop what was left behind outside the run folders: a process leaves nothing there."""

    def start(self, folder: Path) -> None:
        """Begin the run. Raises SpawnerError."""
        with self._giving:
            self._spawner.start(folder)

    def poll(self, folder: Path) -> Observation:
        """Look at the run. One whose supervisor died gets a new one, now or at a later look."""
        how, facts = standing.look(folder)
        if how in NEEDS_SUPERVISOR:
            try:
                self._revive(folder)
            except SpawnerError as error:
                log.warning("%s", error)
        elif how == Standing.ENDED:
            self._revived.pop(folder, None)
        return Observation(standing=how, state=facts.state)

    def stop(
        self, folder: Path, grace: float, *, cause: Cause = Cause.ABORTED, message: str = ""
    ) -> None:
        """Ask for an end within ``grace`` seconds: signal 15 first, 9 when the time is over.

        A later call may shorten the time. ``cause`` and ``message`` go into the outcome.
        """
        folders.write_stop(folder, Stop(grace=grace, cause=cause, message=message))
        with self._giving:
            state = folders.read_state(folder)
            lives = processes.alive(state.supervisor, state.supervisor_start)
            if lives and state.outcome is None:
                processes.send([state.supervisor], signal.SIGTERM)
            # Else the supervisor is still to come, or to be replaced: it will find the wish.

    def adopt(self, folder: Path) -> Observation:
        """Go on with a run that an agent before this one began, or was about to begin.

        Raises SpawnerError.
        """
        how, facts = standing.look(folder)
        if how in NEEDS_SUPERVISOR or how == Standing.NEW:
            self._revive(folder)
        return Observation(standing=how, state=facts.state)

    def _revive(self, folder: Path) -> None:
        now = time.monotonic()
        if now - self._revived.get(folder, -AGAIN) >= AGAIN:
            self._revived[folder] = now
            self.start(folder)
