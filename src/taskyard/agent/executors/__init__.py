"""Where an attempt runs: one module for each kind of place, all of them alike to the agent."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from taskyard.agent.run.spec import Outcome, RunState
from taskyard.agent.run.standing import Standing
from taskyard.api.errors import Cause


class Observation(msgspec.Struct, frozen=True):
    """What can be seen of a run from outside."""

    standing: Standing
    state: RunState

    @property
    def over(self) -> bool:
        """The run has its outcome, and nothing of it is left running."""
        return self.standing == Standing.ENDED

    @property
    def outcome(self) -> Outcome:
        """How it ended. Only for a run that is over; raises LookupError otherwise."""
        if self.state.outcome is None:
            raise LookupError(f"the run is {self.standing}: it has no outcome yet")
        return self.state.outcome


class Executor(Protocol):
    """Runs attempts. All methods return at once; a run is known by its folder."""

    def start_spawner(self) -> None:
        """Get ready, so that the first run starts as fast as the others."""

    def start(self, folder: Path) -> None:
        """Begin the run. Raises SpawnerError when nothing could be started."""

    def poll(self, folder: Path) -> Observation:
        """Look at the run, and see to it that one which lost its supervisor gets to an outcome."""

    def stop(
        self, folder: Path, grace: float, *, cause: Cause = Cause.ABORTED, message: str = ""
    ) -> None:
        """Ask for an end within ``grace`` seconds. A later call may shorten the time."""

    def adopt(self, folder: Path) -> Observation:
        """Go on with a run that an agent before this one began, or was about to."""

    def collect(self, runs: Path, cache: Path) -> None:
        """Drop what was left behind outside the folders of ``runs``."""

    def close(self) -> None:
        """Let go. Runs go on, and another executor can adopt them."""
