"""The limits of a run while it goes on: which of them it is over, and when to look again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from taskyard.agent.machine import memory, processes
from taskyard.agent.run import spec as contract
from taskyard.agent.run.spec import Limits, Process, Stop
from taskyard.api.errors import Cause

QUIET_LOOKS = 10
"""Looks at the console within a limit of silence: how exactly it is kept."""
QUIET_PAUSE = 5.0
"""The most seconds between two of them."""
MEMORY_PAUSE = 0.25
"""Seconds between two looks at the memory in use, where the kernel does not hold the limit."""


class Bounds:
    """Watches the limits of one run. ``tree`` gives the pids of all its processes."""

    def __init__(
        self, folder: Path, process: Process, limits: Limits, tree: Callable[[], list[int]]
    ) -> None:
        self._console = folder / contract.CONSOLE
        self._limits = limits
        self._tree = tree
        self._end = process.pid_start + limits.time_limit if limits.time_limit else None
        self._by_kernel = bool(process.memory_group)
        self._size = -1
        self._heard = processes.uptime()

    def exceeded(self) -> Stop | None:
        """The wish that the run end, when it is over one of its limits."""
        limits, now = self._limits, processes.uptime()
        if self._end is not None and now >= self._end:
            return self._stop(
                Cause.TIME_OUT, f"it ran longer than its limit of {limits.time_limit:g} s"
            )
        if limits.quiet_limit and now - self._last_heard(now) >= limits.quiet_limit:
            return self._stop(
                Cause.TIME_OUT, f"it wrote nothing for {limits.quiet_limit:g} s, its limit"
            )
        if limits.memory and not self._by_kernel:
            used = memory.used(self._tree(), enough=limits.memory)
            if used > limits.memory:
                # No grace: it would use it to take the memory of others.
                return Stop(
                    grace=0.0,
                    cause=Cause.OUT_OF_MEMORY,
                    message=f"it used {memory.in_mib(used)} of memory, more than its limit of "
                    f"{memory.in_mib(limits.memory)}",
                )
        return None

    def pause(self) -> float | None:
        """Seconds until :meth:`exceeded` should be asked again; None: there is nothing to ask."""
        limits = self._limits
        pauses = []
        if self._end is not None:
            pauses.append(max(0.0, self._end - processes.uptime()))
        if limits.quiet_limit:
            pauses.append(min(limits.quiet_limit / QUIET_LOOKS, QUIET_PAUSE))
        if limits.memory and not self._by_kernel:
            pauses.append(MEMORY_PAUSE)
        return min(pauses, default=None)

    def _stop(self, cause: Cause, message: str) -> Stop:
        return Stop(grace=self._limits.grace, cause=cause, message=message)

    def _last_heard(self, now: float) -> float:
        """When the console was last seen to grow. Not its time of change: somebody may set the
        clock."""
        size = os.stat(self._console).st_size
        if size != self._size:
            self._size, self._heard = size, now
        return self._heard
