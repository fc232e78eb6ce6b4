"""A server in a process of its own, which can be killed and started again on its port."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from taskyard.client.http import Connection, ServerUnreachable
from taskyard.client.session import Session
from tests.beds.postgres import free_port
from tests.beds.waiting import until

PATIENCE = 60.0
"""Seconds that a condition may take on a busy machine."""


@dataclass
class ServerProcess:
    """``taskyard up`` on a data folder of its own."""

    data: Path
    database_url: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    disk: str = ""
    """Size of a disk of its own for the data folder, such as ``16m``; it goes with the process."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def seen_data(self) -> Path:
        """The data folder as the process sees it."""
        if not self.disk or self.process is None:
            return self.data
        return Path(f"/proc/{self.process.pid}/root{self.data}")

    @property
    def log(self) -> Path:
        return self.data.with_name(self.data.name + ".log")

    def start(self) -> None:
        command = [sys.executable, "-m", "taskyard", "up", "--no-agent", "--port", str(self.port)]
        command += ["--data", str(self.data)]
        if self.database_url:
            command += ["--database-url", self.database_url]
        if self.disk:
            # In namespaces of its own, mounting is allowed to everybody.
            mount = f'mount -t tmpfs -o size={self.disk} tmpfs "$0" && exec "$@"'
            self.data.mkdir(exist_ok=True)
            command = ["unshare", "-rm", "sh", "-c", mount, str(self.data), *command]
        environment = {**os.environ, "TASKYARD_CONFIG": str(self.data.with_name("client.toml"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        until(self.answers, f"a start; {self.log.read_text()[-2000:]}")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        connection = Connection(self.url, timeout=5)
        with contextlib.suppress(ServerUnreachable), contextlib.closing(connection):
            return connection.request("GET", "/healthz").status == 200
        return False

    def kill(self) -> None:
        """End it as a power cut would: it gets no chance to do anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def connect(self, patience: float = 0.0) -> Session:
        """A session with the keys that the first start made."""
        keys = tomllib.loads((self.seen_data / "client.toml").read_text())["client"]
        return Session(self.url, keys["access_key"], keys["secret_key"], patience=patience)


@contextlib.contextmanager
def server_process(
    data: Path, database_url: str = "", *, disk: str = ""
) -> Iterator[ServerProcess]:
    found = ServerProcess(data, database_url, disk=disk)
    found.start()
    try:
        yield found
    finally:
        found.kill()
