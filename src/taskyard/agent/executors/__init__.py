"""Where an attempt runs: one module for each kind of place, all of them alike to the agent."""

from __future__ import annotations

import msgspec

from taskyard.agent.run.spec import Outcome, RunState
from taskyard.agent.run.standing import Standing


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
