"""The services agent that runs beside ``taskyard up``."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from taskyard.agent import slot

PATIENCE = 45.0
"""Seconds the agent is given to end its tasks and leave."""


class Companion:
    """Keeps one services agent alive. An agent that an earlier start left behind is taken over."""

    def __init__(self, data: Path, client_config: Path) -> None:
        self._data = data / "agent"
        self._config = client_config
        self._leaving = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="companion", daemon=True)

    @property
    def log(self) -> Path:
        return self._data / "agent.log"

    def start(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keeper.start()

    def leave(self) -> None:
        """Have the agent end its tasks and wait for it. The server must still answer."""
        self._leaving.set()
        if (pid := self._pid()) is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while self._pid() is not None and time.monotonic() < end:
            if self._process is not None:
                self._process.poll()
            time.sleep(0.05)

    def _pid(self) -> int | None:
        for _worker, pid in slot.running(self._data):
            return pid
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        return None

    def _keep(self) -> None:
        pause = 1.0
        while not self._leaving.is_set():
            if self._pid() is None:
                self._spawn()
                pause = min(pause * 2, 30.0)
            self._leaving.wait(pause)

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "taskyard", "agent", "daemon"]
        command += ["--queue", "services", "--services-mode", "--create-queue"]
        environment = {
            **os.environ,
            "TASKYARD_CONFIG": str(self._config),
            "TASKYARD_AGENT_DATA": str(self._data),
            # A person's own services agent on this machine has the plain name.
            "CLEARML_WORKER_ID": f"{socket.gethostname()}:up",
        }
        for name in ("TASKYARD_SERVER", "TASKYARD_ACCESS_KEY", "TASKYARD_SECRET_KEY"):
            environment.pop(name, None)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for the server, which ends the agent in its turn.
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
