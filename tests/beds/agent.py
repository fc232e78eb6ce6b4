"""A site: a server, agents and the command line, all of them real processes of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.api.errors import TaskyardError
from taskyard.client import config
from taskyard.client.session import Session
from tests.beds.postgres import free_port
from tests.beds.waiting import DEADLINE, until

TASKYARD = [sys.executable, "-m", "taskyard"]

WAITS = """
import pathlib, sys, time
print("up", *sys.argv[1:], flush=True)
while not pathlib.Path("{go}").exists():
    time.sleep(0.02)
"""
"""The code of a task that says that it runs, and ends when the file ``go`` is there."""


SAVES = """
import signal, sys, time
def leave(*_):
    print("saving a checkpoint", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""
"""Code that leaves when it is asked to, and says so."""


class Program:
    """A process in the background, with its output in a file."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL, as the kernel or an impatient person does."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def terminate(self) -> int:
        """SIGTERM, and wait; the exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def end(self) -> None:
        """Be gone at the end of a test, whatever happened in it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


class Agent(Program):
    """An agent that is ready to take tasks."""

    def __init__(
        self,
        site: Site,
        worker: str,
        words: list[str],
        environment: Mapping[str, str],
        within: Sequence[str] = (),
    ) -> None:
        self.worker = worker
        self.runs = site.agent_data / "agents" / worker / "runs"
        log = site.root / f"{worker}.log"
        before = log.stat().st_size if log.exists() else 0
        environment = {**site.environment, "CLEARML_WORKER_ID": worker, **environment}
        super().__init__([*within, *TASKYARD, "agent", "daemon", *words], environment, log)
        until(
            lambda: " serves " in self.said[before:] or self.process.poll() is not None,
            lambda: f"the agent {worker}: {self.said}",
        )
        assert self.process.poll() is None, self.said

    def run_folder(self, task: str, attempt: int = 1) -> Path:
        return self.runs / folders.name(task, attempt)

    def end(self) -> None:
        super().end()
        for run in folders.all_runs(self.runs):
            end_run(run)


class Site:
    """One server on a port of its own, in ``root``, and what talks to it."""

    def __init__(
        self, root: Path, agent_data: Path, within: Sequence[str] = (), **settings: str
    ) -> None:
        self.root, self.agent_data = root, agent_data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = root / "client.toml"
        passed = {
            k: v for k, v in os.environ.items() if not k.startswith(("TASKYARD_", "CLEARML_"))
        }
        self.environment = {
            **passed,
            "TASKYARD_CONFIG": str(self.config),
            "TASKYARD_AGENT_DATA": str(agent_data),
            # What the person who runs the tests has configured must not matter.
            "CLEARML_CONFIG_FILE": str(root / "clearml.conf"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self._settings = {f"TASKYARD_SERVER_{k.upper()}": v for k, v in settings.items()}
        self._within = list(within)
        self._programs: list[Program] = []
        self._number = 0
        self.server = self.start_server()

    def start_server(self) -> Program:
        """Start the server, again on the same data and port; wait until it answers."""
        command = [*self._within, *TASKYARD, "up", "--no-agent", "--port", str(self.port)]
        command += ["--data", str(self.root / "server")]
        environment = {**self.environment, **self._settings}
        self.server = Program(command, environment, self.root / "server.log")
        until(self._answers, lambda: f"the server: {self.server.said}")
        return self.server

    def _answers(self) -> bool:
        assert self.server.process.poll() is None, self.server.said
        with contextlib.suppress(TaskyardError):
            return bool(self.session().raw("server.info"))
        return False

    def profile(self) -> config.Profile:
        """Where the server is, and the first key pair."""
        return config.find(environ=self.environment, folder=self.root)

    def session(self, **options: Any) -> Session:
        profile = self.profile()
        return Session(profile.url, profile.access_key, profile.secret_key, **options)

    def api(self, action: str, /, **body: Any) -> dict[str, Any]:
        """Call an action, while the server may just be starting again."""
        session = self.session(patience=DEADLINE)
        try:
            return session.raw(action, body)
        finally:
            session.close()

    def taskyard(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        given: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, without a terminal."""
        return subprocess.run(
            [*TASKYARD, *map(str, words)],
            cwd=cwd or self.root,
            env={**self.environment, **(environment or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            check=False,
        )

    def printed(self, *words: str | Path, cwd: Path | None = None) -> str:
        """What a command prints that must succeed."""
        done = self.taskyard(*words, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_queue(self) -> str:
        """A queue of a test's own; gives its name."""
        self._number += 1
        name = f"queue{self._number}"
        self.api("queues.create", name=name)
        return name

    def agent(
        self,
        *words: str,
        worker: str = "",
        within: Sequence[str] = (),
        lasting: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Agent:
        """Start an agent with the flags of ``taskyard agent daemon``; wait until it is ready.

        ``within``: a command before its own, such as :func:`small_disk`. One that is ``lasting``
        is for the caller to end.
        """
        self._number += 1
        # Sites share the agents' data: their ids must not meet.
        worker = worker or f"worker{self._number}-{self.port}"
        found = Agent(self, worker, list(words), environment or {}, within)
        if not lasting:
            self._programs.append(found)
        return found

    def program(self, command: list[str], **environment: str) -> Program:
        """Start another program."""
        self._number += 1
        log = self.root / f"program{self._number}.log"
        found = Program(command, {**self.environment, **environment}, log)
        self._programs.append(found)
        return found

    # Tasks

    def submit(self, code: str, queue: str, *words: str, flags: tuple[str, ...] = ()) -> str:
        """Submit a script of its own, in no repository; gives the task's id."""
        self._number += 1
        folder = self.root / f"code{self._number}"
        folder.mkdir()
        (folder / "main.py").write_text(code)
        return self.printed("submit", "--queue", queue, *flags, "main.py", *words, cwd=folder)

    def report(self, task: str, losses: list[float]) -> None:
        """Have a task begin, and report a curve: its loss at each iteration."""
        self.api("tasks.started", task=task)
        event = {"type": "training_stats_scalar", "task": task, "metric": "loss"}
        for step, loss in enumerate(losses):
            self.api("events.add", **event, variant="train", iter=step, value=loss)

    def again(self, task: str, queue: str) -> str:
        """Put a copy of a task into a queue; gives its id."""
        copy = str(self.api("tasks.clone", task=task)["id"])
        self.api("tasks.enqueue", task=copy, queue_name=queue)
        return copy

    def task(self, task: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("tasks.get_by_id", task=task)["task"]
        return found

    def attempts(self, task: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("attempts.get_all", task=task)["attempts"]
        return found

    def status(self, task: str) -> str:
        return str(self.task(task)["status"])

    def ended(self, task: str, *, seconds: float = DEADLINE) -> dict[str, Any]:
        """Wait for the end of a task; the whole task."""
        until(
            lambda: self.status(task) not in {"queued", "in_progress"},
            f"the end of {task}",
            seconds=seconds,
        )
        return self.task(task)

    def console(self, task: str) -> str:
        """All that is kept of what the task printed."""
        pieces: list[dict[str, Any]] = []
        after = 0
        while True:
            answer = self.api("events.follow_log", task=task, after=after)
            pieces += answer["lines"]
            after = answer["next"]
            if not answer["lines"]:
                return "".join(p["text"] + ("" if p.get("partial") else "\n") for p in pieces)

    def printed_by(self, task: str, text: str) -> str:
        """Wait until the server has a text of the task's console; the console so far."""
        return until(
            lambda: found if text in (found := self.console(task)) else "",
            lambda: f"{text!r} of {task} (now {self.status(task)})",
        )

    def end_programs(self) -> None:
        """End all agents and other programs, but not the server."""
        while self._programs:
            self._programs.pop().end()

    def close(self) -> None:
        self.end_programs()
        self.server.end()


def end_run(folder: Path) -> None:
    """Kill what is left of a run: supervisor, keeper and the user's processes."""
    state = folders.read_state(folder)
    process = folders.read_process(folder)
    known = [(state.supervisor, state.supervisor_start)]
    if process is not None:
        # The keeper first: it would write down that its process was killed.
        known += [(process.keeper, process.keeper_start), (process.pid, process.pid_start)]
    for pid, start in known:
        if pid and processes.alive(pid, start):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def small_disk(folder: Path, size: str) -> list[str]:
    """What goes before a command for which ``folder`` is a disk of its own, of that size.

    Others see that disk below ``/proc/<pid>/root`` only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
    return ["unshare", *user, "--mount", "sh", "-c", script, "sh", size, str(folder)]


def fill(program: Program, folder: Path, *, leave: int = 0) -> Path:
    """Fill the small disk that a program sees, but for so many bytes; gives the file to delete for
    room again."""
    seen = Path(f"/proc/{program.process.pid}/root{folder}") / "filling"
    with seen.open("wb", buffering=0) as stream:
        for block in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    stream.write(bytes(block))
        stream.truncate(stream.tell() - leave)
    return seen


@contextlib.contextmanager
def site(
    root: Path, agent_data: Path | None = None, within: Sequence[str] = (), **settings: str
) -> Iterator[Site]:
    """A site below ``root`` for the length of the block; nothing of it runs afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    found = Site(root, agent_data or root / "agent", within, **settings)
    try:
        yield found
    finally:
        found.close()
