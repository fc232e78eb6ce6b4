"""A PostgreSQL server for the tests: made in a temporary folder, gone with it."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if found:
        return Path(found[-1]).parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Cluster:
    """A server that can be stopped, and started again on its port."""

    url: str
    """Of its maintenance database."""
    data: Path
    options: str
    run: dict[str, Any]
    running: bool = False

    def start(self) -> None:
        log = self.data.with_name("log")
        self._control("-o", self.options, "-l", log, "-w", "start")
        self.running = True

    def stop(self) -> None:
        """End it at once, cutting its connections."""
        self._control("-m", "immediate", "-w", "stop")
        self.running = False

    def _control(self, *words: str | Path) -> None:
        programs = binaries()
        assert programs is not None
        subprocess.run([programs / "pg_ctl", "-D", self.data, *words], **self.run)


@contextlib.contextmanager
def stoppable(kept: Path | None = None, options: str = "-c fsync=off") -> Iterator[Cluster]:
    """Run a server of one's own, with its data in ``kept``, or in a folder that goes with it."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed: run scripts/setup-tests")
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="taskyard-pg-", dir="/tmp"))
    home = kept or folder
    home.mkdir(parents=True, exist_ok=True)
    try:
        if user:
            for place in {folder, home}:
                os.chown(place, pwd.getpwnam(user).pw_uid, -1)
        port = free_port()
        data = home / "data"
        run: dict[str, Any] = {"user": user, "check": True, "capture_output": True, "cwd": folder}
        if not data.exists():
            subprocess.run(
                [programs / "initdb", "-D", data, "-A", "trust", "-U", "test", "-N", "-E", "UTF8"],
                **run,
            )
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=200 {options}"
        found = Cluster(f"postgresql://test@127.0.0.1:{port}/postgres", data, options, run)
        found.start()
        try:
            yield found
        finally:
            if found.running:
                found.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """Run a server; gives the URL of its maintenance database."""
    with stoppable() as found:
        yield found.url


def fresh_database(maintenance: str) -> str:
    """Make an empty database; gives its URL."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return maintenance.rsplit("/", 1)[0] + f"/{name}"
