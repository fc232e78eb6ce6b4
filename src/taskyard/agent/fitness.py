"""Whether an agent may take tasks now: its hours, its disk, its GPUs."""

from __future__ import annotations

import shutil
import time
from datetime import datetime
from pathlib import Path

from taskyard.agent.schedule import Schedule
from taskyard.agent.sharing import Shares

LEAST_FREE = 1 << 30
"""Bytes that must be free where runs lie, unless the agent was told otherwise."""
LOOK = 5.0
"""Seconds between two looks at the GPUs."""


class Fitness:
    """Looks at what an agent needs in order to take tasks."""

    def __init__(self, schedule: Schedule, folder: Path, least_free: int, shares: Shares) -> None:
        self._schedule, self._folder, self._least_free = schedule, folder, least_free
        self._shares = shares
        self._looked = -LOOK

    def reason(self) -> str:
        """Why no task is to be taken now, for people; empty when all is well."""
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            self._shares.check()
        return (
            closed(self._schedule, datetime.now().astimezone())
            or full(self._folder, shutil.disk_usage(self._folder).free, self._least_free)
            or self._shares.trouble
        )

    def lasts(self) -> float:
        """Seconds until the agent's hours begin or end."""
        now = datetime.now().astimezone()
        change = self._schedule.next_change(now)
        return float("inf") if change is None else (change - now).total_seconds()


def closed(schedule: Schedule, now: datetime) -> str:
    """What to say outside the agent's hours."""
    if schedule.open_at(now):
        return ""
    change = schedule.next_change(now)
    again = f"; it goes on {change:%A at %H:%M}" if change else ""
    return f"outside its hours ({schedule.words}){again}"


def full(folder: Path, free: int, least: int) -> str:
    """What to say when there is too little room on the disk; both numbers are bytes."""
    # Not how much there is: that changes all the time, and this is told whenever it changes.
    return f"less than {least / 1e9:.2f} GB of disk are free for {folder}" if free < least else ""
