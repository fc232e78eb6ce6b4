"""What a benchmark stands on: a server and an agent of ours, in temporary folders on loopback."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from tests.beds import postgres

from taskyard.client import config
from taskyard.client.http import Connection, ServerUnreachable
from taskyard.client.session import Session

TASKYARD = [sys.executable, "-m", "taskyard"]
PATIENCE = 180.0
"""Seconds for a program to come up, or for a task to start: the slowest peer builds first."""
SETTLE = 0.15
"""Seconds of quiet between two samples, so that one does not pay for another's end."""

FOREIGN = ("TASKYARD_", "CLEARML_", "TRAINS_")
"""Variables with these beginnings would lead the programs to somebody else's server."""


class Failed(Exception):
    """A benchmark cannot go on: something it stands on did not do its part."""


class Stage:
    """A running server, and how to reach it."""

    def __init__(self, folder: Path, profile: config.Profile, pid: int) -> None:
        self.folder = folder
        self.profile = profile
        self.pid = pid
        self.api = self.session()

    def session(self) -> Session:
        return Session(self.profile.url, self.profile.access_key, self.profile.secret_key)

    def environment(self) -> dict[str, str]:
        """For programs that are clients of this server."""
        return {**plain_environment(), "TASKYARD_CONFIG": str(self.folder / "client.toml")}

    def create_task(self, name: str, script: Mapping[str, Any]) -> str:
        """Make a task; gives its id."""
        found = self.api.raw(
            "tasks.create", {"name": name, "type": "training", "script": dict(script)}
        )
        return str(found["id"])

    def enqueue(self, task: str, queue: str) -> int:
        """Enqueue durably; gives the time just before the call, in ns since the epoch."""
        before = time.time_ns()
        self.api.raw("tasks.enqueue", {"task": task, "queue_name": queue})
        return before

    def status(self, task: str) -> str:
        asked = {"id": [task], "only_fields": ["status"]}
        return str(self.api.raw("tasks.get_all_ex", asked)["tasks"][0]["status"])

    def wait_for_end(self, task: str) -> None:
        """Raises Failed unless the task completes."""

        def over() -> bool:
            return self.status(task) in {"completed", "failed", "stopped"}

        wait_for(f"the end of task {task}", over)
        if self.status(task) != "completed":
            raise Failed(f"task {task} ended as {self.status(task)}")

    def wait_for_worker(self, queue: str) -> None:
        """Wait until somebody serves ``queue``."""

        def served() -> bool:
            found = self.api.raw("workers.get_all", {})["workers"]
            return any(queue == q.get("name") for w in found for q in w.get("queues") or [])

        wait_for(f"a worker for the queue {queue}", served)


@contextlib.contextmanager
def server(folder: Path, database_url: str = "", *, within: Sequence[str] = ()) -> Iterator[Stage]:
    """Run a server of ours with its data in ``folder``: on SQLite, if not on a database.

    ``within``: a command before its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "client.toml"
    # Data sets are old: what seems to run in them must stay as it is.
    silence = {"TASKYARD_SERVER_TASK_SILENCE": str(2**31)}
    environment = {**plain_environment(), **silence, "TASKYARD_CONFIG": str(kept)}
    command = [
        *within,
        *TASKYARD,
        "up",
        "--data",
        str(folder / "server"),
        "--port",
        "0",
        "--no-agent",
    ]
    if database_url:
        command += ["--database-url", database_url]
    with program(command, environment, folder / "server.log") as pid:
        wait_for("the server", lambda: kept.is_file() and _answers(environment))
        yield Stage(folder, config.find(environ=environment), pid)


def sender(running: Stage) -> Callable[[bytes], None]:
    """What sends events: JSON lines that are encoded already. It raises Failed."""
    connection = Connection(running.profile.url)
    token = running.api.raw("auth.login")["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json-lines"}

    def send(body: bytes) -> None:
        answer = connection.request("POST", "/events.add_batch", body, headers)
        if answer.status != 200:
            raise Failed(f"events are refused: {answer.body[:500]!r}")

    return send


@contextlib.contextmanager
def database(folder: Path, name: str) -> Iterator[str]:
    """The URL of a database kept in ``folder``: empty for ``sqlite``, which needs none."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "sqlite":
        yield ""
        return
    # PostgreSQL, which runs as a user of its own, has to get there.
    folder.chmod(0o711)
    with postgres.stoppable(folder / "postgresql", "-c fsync=on -c shared_buffers=512MB") as found:
        yield found.url


def _answers(environment: Mapping[str, str]) -> bool:
    profile = config.find(environ=environment)
    try:
        Session(profile.url, profile.access_key, profile.secret_key).raw("server.info")
    except ServerUnreachable:
        return False
    return True


@contextlib.contextmanager
def agent(
    stage: Stage,
    queue: str,
    *flags: str,
    worker: str = "bench:ours",
    within: Sequence[str] = (),
) -> Iterator[None]:
    """Run an agent of ours for one queue, with one task at a time unless flags say otherwise.

    ``within``: a command before its own.
    """
    environment = {
        **stage.environment(),
        "TASKYARD_AGENT_DATA": str(stage.folder / "agent"),
        "CLEARML_WORKER_ID": worker,
    }
    command = [*within, *TASKYARD, "agent", "daemon", "--queue", queue, "--create-queue"]
    with program([*command, *flags], environment, stage.folder / f"agent-{queue}.log"):
        stage.wait_for_worker(queue)
        yield


def spent(process: psutil.Process) -> float:
    """Seconds of processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def plain_environment() -> dict[str, str]:
    """This process's variables but for those that name a server or its keys."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


@contextlib.contextmanager
def program(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a program in the background for the length of the block; say its last words if it fails.

    Gives its process id, by which it is ended: SIGTERM, and SIGKILL when it does not listen.
    """
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process.pid
    except Failed as error:
        last = log.read_text(errors="replace")[-1500:]
        raise Failed(f"{error}\n--- {log.name}\n{last}") from error
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, there: Callable[[], bool], pause: float = 0.02) -> None:
    """Raises Failed when it takes longer than PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > end:
            raise Failed(f"{what} did not come within {PATIENCE:.0f} s")
        time.sleep(pause)


class Stamps:
    """Where a started process writes the time of its own start: a pipe with a name.

    Waiting on it costs no processor time, which a loop over a file would take from the contenders.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        # Open for both, so that the end of one writer is no end of file.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def next(self) -> int:
        """The next stamp, in ns since the epoch. Raises Failed when none comes."""
        received = b""
        end = time.monotonic() + PATIENCE
        while not received.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                raise Failed(f"no process was started within {PATIENCE:.0f} s")
            received += os.read(self._descriptor, 64)
        return int(received)

    def close(self) -> None:
        os.close(self._descriptor)
        self.path.unlink()
