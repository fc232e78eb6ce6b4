"""Attempts in containers, each under a supervisor of its own on the host.

Starting, looking, stopping and adopting are the same as for plain processes: the supervisor finds
in the run's spec that it is to ask the engine. What is added here is the care for an engine.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from pathlib import Path

from taskyard.agent.containers import image
from taskyard.agent.containers.choice import Defaults
from taskyard.agent.containers.engine import RUN_LABEL, Engine
from taskyard.agent.executors import Executor
from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spawner import Spawner
from taskyard.api.errors import RunError

log = logging.getLogger("taskyard.agent")

LEAST_FREE = 4 << 30
"""Bytes to be free where the engine keeps its images; below that, unused ones of ours go."""
UNUSED = 3600.0
"""Seconds after which an image counts as unused."""


def executor_for(container: Defaults | None) -> Executor:
    """What runs attempts: in containers, or as processes of this machine."""
    return DockerExecutor(Engine(container.engine)) if container else ProcessExecutor()


class DockerExecutor(ProcessExecutor):
    """Runs attempts in containers of one engine."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(Spawner([sys.executable, "-m", "taskyard.agent.containers.spawner"]))
        self._engine = engine

    def check(self) -> str:
        """The version of the engine. Raises EngineAway (agent) when it does not answer."""
        return self._engine.ask("version", "--format", "{{.Server.Version}}")

    def collect(self, runs: Path, cache: Path) -> None:
        """Drop containers below ``runs`` that nobody watches any more, and images for room.

        Raises RunError when the engine does not do it.
        """
        for name, run in self._engine.labelled(RUN_LABEL).items():
            folder = Path(run)
            if folder.parent == runs.resolve() and _is_over(folder):
                log.info("removing the container %s, which was left behind", name)
                self._engine.remove(name)
        _collect_images(self._engine, cache)


def _is_over(folder: Path) -> bool:
    if not folder.exists():
        return True
    outcome = folders.read_state(folder).outcome
    # Its own supervisor is about to do it, unless that one died.
    return outcome is not None and time.time() - folder.stat().st_mtime > 60


def _collect_images(engine: Engine, cache: Path) -> None:
    """Drop the images that we pulled, the longest unused first, while the disk is too full."""
    root = engine.root()
    for file in image.pulled(cache):
        if not os.path.isdir(root) or shutil.disk_usage(root).free >= LEAST_FREE:
            return
        if time.time() - file.stat().st_mtime < UNUSED:
            return
        name = file.read_text().strip()
        try:
            engine.ask("image", "rm", name)
            log.info("removed the image %s, which was not in use", name)
        except RunError as error:
            log.info("the image %s stays: %s", name, error.what)
        file.unlink(missing_ok=True)
