"""What an agent clears away: folders of ended runs, and environments that nobody uses."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from taskyard.agent import slot
from taskyard.agent.environments import bytecode, store
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import DELIVERED
from taskyard.api.errors import TaskyardError

log = logging.getLogger("taskyard.agent")

KEPT_RUNS = 20
"""Folders of ended runs that are kept, for people to look at."""
MOST_ENVIRONMENTS = 50 << 30
"""Bytes of environments that are kept when they are not in use."""
LEAST_FREE = 2 << 30
"""Bytes to be free on the disk before unused environments are kept at all."""
HOUR = 3600.0
TOGETHER = 1.0
"""Seconds in which runs may end that are cleared away together: the next ones come first."""


class Housekeeping:
    """A thread that clears away what is old: runs as soon as they ended, environments hourly."""

    def __init__(self, runs: Path, cache: Path, more: Callable[[], None]) -> None:
        """``more`` is called hourly as well."""
        self._runs, self._cache, self._more = runs, cache, more
        self._due = 0.0
        self._untidy = threading.Event()
        self._gone = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._keep, name="housekeeping", daemon=True).start()

    def hurry(self, *, environments: bool = False) -> None:
        """Clear away ended runs now, and perhaps environments."""
        if environments:
            self._due = 0.0
        self._untidy.set()

    def stop(self) -> None:
        self._gone.set()
        self._untidy.set()

    def _keep(self) -> None:
        while not self._gone.is_set():
            try:
                collect_runs(self._runs, self._cache)
                folders.reserve(self._runs)
                if time.monotonic() >= self._due:
                    self._due = time.monotonic() + HOUR
                    if dropped := collect_environments(self._cache):
                        log.info("dropped %d environments that nobody used", len(dropped))
                    self._more()
            except Exception as error:
                known = isinstance(error, (TaskyardError, OSError))
                log.warning("clearing away: %s", error, exc_info=not known)
            self._untidy.wait(HOUR)
            self._gone.wait(TOGETHER)
            self._untidy.clear()


def collect_runs(runs: Path, cache: Path, *, keep: int = KEPT_RUNS) -> list[str]:
    """Drop the runs that the server knows the end of, but for the newest; returns their names.

    A task's checkpoints, in ``cache``, go with its last run on this machine.
    """
    ended = []
    for folder in folders.all_runs(runs):
        try:
            ended.append(((folder / DELIVERED).stat().st_mtime, folder))
        except FileNotFoundError:
            continue
    ended.sort()
    dropped = [folder for _, folder in ended[: max(0, len(ended) - keep)]]
    for folder in dropped:
        remove_run(folder)
    for task in {folders.parse_name(folder.name)[0] for folder in dropped}:
        elsewhere = slot.all_runs_of(cache, task)
        if not any(runs.glob(f"{task}.*")) and not elsewhere:
            store.remove(folders.checkpoints(cache, task))
    return [folder.name for folder in dropped]


def remove_run(folder: Path) -> None:
    """Drop one run, whatever state it is in; it may never have been there."""
    store.remove(folder)


def collect_environments(cache: Path) -> list[str]:
    """Drop environments that are too much for this machine; returns their keys."""
    dropped = store.collect(cache, max_bytes=MOST_ENVIRONMENTS, min_free=LEAST_FREE)
    bytecode.collect(cache)
    return dropped
