"""How an agent works: what the command line's flags say."""

from __future__ import annotations

from pathlib import Path

import msgspec

from taskyard.agent.capacity import Need
from taskyard.agent.configuration import Configuration
from taskyard.agent.containers.choice import Defaults
from taskyard.agent.fitness import LEAST_FREE
from taskyard.agent.machine.gpus import Gpu
from taskyard.agent.schedule import Schedule


class Options(msgspec.Struct, kw_only=True):
    """See the flags of ``taskyard agent daemon``."""

    queues: list[str]
    create_queues: bool = False
    fair: bool = False
    at_once: int = 1
    """How many tasks run side by side; 0 for no limit."""
    services: bool = False
    """Each task is shown as a worker of its own."""
    cards: list[Gpu] | None = None
    """The GPUs for the tasks; None to leave them all that there are."""
    needs: dict[str, Need] = {}
    """What tasks get of these, by queue; empty: each gets all."""
    schedule: Schedule = Schedule()
    least_free: int = LEAST_FREE
    """Bytes of disk without which no task is taken."""
    cache: Path
    configuration: Configuration = Configuration()
    container: Defaults | None = None
    """Run tasks in containers."""
    tags: list[str] = []
    git: dict[str, tuple[str, str]] = {}

    @property
    def card_ids(self) -> list[str] | None:
        """Ids of the GPUs for the tasks; None for all there are."""
        return None if self.cards is None else [gpu.uuid for gpu in self.cards]
