"""A machine with the unmodified clearml-agent, in an environment of its own."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from tests.beds.agent import Program
from tests.beds.server import Api, Running
from tests.beds.waiting import until

PROGRAMS = Path(__file__).parents[3] / ".cache" / "clients" / "bin"
PATIENCE = 180.0
"""Seconds for a command to end, with an environment to be built."""
POLL = 0.2
"""Seconds between two looks of the agent at its queues and at the task it runs."""
POLLED = re.compile(r"^(No tasks in|task \w+ pulled)", re.MULTILINE)
SETTINGS = """
agent.disable_agent_update_check: true
# The reporting subprocess waits out whole periods at each flush: 20 seconds for a program.
sdk.development.report_use_subprocess: false
"""
NUMBERS = itertools.count(1)


class Machine:
    """A home, a folder for temporary files, and what the agents leave there.

    Agents find each other by files in the temporary folder, so those of two machines never meet.
    """

    def __init__(self, yard: Running, folder: Path) -> None:
        self.api = Api(yard)
        self.name = f"machine{next(NUMBERS):03}"
        """What its workers are called, with a number added."""
        self._programs: list[Program] = []
        self.home, self.temporary = folder / "home", folder / "tmp"
        self.home.mkdir(parents=True)
        self.temporary.mkdir()
        settings = self.home / "clearml.conf"
        settings.write_text(SETTINGS)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CLEARML_", "TRAINS_", "TASKYARD_", "PYTEST_", "CUDA_"))
        }
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PATH": f"{PROGRAMS}{os.pathsep}{kept['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "CLEARML_API_HOST": yard.url,
            "CLEARML_WEB_HOST": yard.url,
            "CLEARML_FILES_HOST": f"{yard.url}/files",
            "CLEARML_API_ACCESS_KEY": yard.access_key,
            "CLEARML_API_SECRET_KEY": yard.secret_key,
            "CLEARML_CONFIG_FILE": str(settings),
            "CLEARML_WORKER_NAME": self.name,
            "CLEARML_AGENT_QUEUE_POLL_FREQ_SEC": str(POLL),
            # What this machine's user told pip about mirrors holds for the home of the test too.
            "XDG_CONFIG_HOME": kept.get("XDG_CONFIG_HOME", str(Path.home() / ".config")),
            # Only tests of environments build one: that takes most of a minute with this agent.
            "CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL": "1",
            "CLEARML_AGENT_SKIP_PIP_VENV_INSTALL": str(PROGRAMS / "python"),
        }

    def build_environments(self) -> None:
        """Let the agent make a virtual environment for each task, as it does for its users."""
        for name in ("PYTHON_ENV", "PIP_VENV"):
            del self.environment[f"CLEARML_AGENT_SKIP_{name}_INSTALL"]

    # The agent

    def command(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of clearml-agent to its end, whatever that is."""
        return subprocess.run(
            [str(PROGRAMS / "clearml-agent"), *words],
            cwd=self.home,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def printed(self, *words: str, **variables: str) -> str:
        """What a command prints that must succeed."""
        done = self.command(*words, **variables)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, *words: str, **variables: str) -> Program:
        """Start a command of clearml-agent in the background."""
        log = self.home / f"program{len(self._programs)}.log"
        command = [str(PROGRAMS / "clearml-agent"), *words]
        program = Program(command, {**self.environment, **variables}, log)
        self._programs.append(program)
        return program

    def daemon(self, *words: str, **variables: str) -> Program:
        """Start ``clearml-agent daemon --foreground``; wait until it has looked at its queues."""
        program = self.start("daemon", "--foreground", *words, **variables)
        until(
            lambda: POLLED.search(program.said) or program.process.poll() is not None,
            f"the agent: {program.said}",
        )
        assert program.process.poll() is None, program.said
        return program

    def processes(self) -> list[psutil.Process]:
        """All that runs on this machine: what has its temporary folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("TMPDIR") == str(self.temporary):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def end(self) -> None:
        """Leave nothing running. Asked kindly, this agent may take half a minute to leave."""
        for program in self._programs:
            program.kill()
        while left := self.processes():
            for process in left:
                process.kill()
            psutil.wait_procs(left)

    # The server

    def task(self, code: str, queue: str = "", **document: Any) -> str:
        """Create a task that is one script, put it into a queue if one is named; gives its id."""
        script = {"entry_point": "main.py", "binary": "python3", "diff": code}
        body = {"name": "compat", "type": "training", "script": script, **document}
        task: str = self.api("tasks.create", **body)["id"]
        if queue:
            self.api("tasks.enqueue", task=task, queue_name=queue)
        return task

    def document(self, task: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("tasks.get_by_id", task=task)["task"]
        return found

    def status(self, task: str) -> str:
        return str(self.document(task)["status"])

    def console(self, task: str) -> str:
        log = self.api("events.get_task_log", task=task, order="asc", batch_size=5000)
        return "\n".join(event["msg"] for event in log["events"])

    def wait_for(self, task: str, *statuses: str) -> dict[str, Any]:
        """Wait until a task has one of these; the whole task."""
        until(
            lambda: self.status(task) in statuses,
            f"{task} to be {statuses}; it is {self.status(task)}\n{self.console(task)[-3000:]}",
            seconds=PATIENCE,
        )
        return self.document(task)

    def wait_for_console(self, task: str, text: str) -> str:
        return until(
            lambda: found if text in (found := self.console(task)) else "",
            f"{text!r} of {task}",
        )

    def workers(self, **filters: Any) -> dict[str, dict[str, Any]]:
        """The workers of this machine that the server knows, by what follows its name."""
        found = self.api("workers.get_all", worker_pattern=f"{self.name}*", last_seen=0, **filters)
        return {w["id"].removeprefix(self.name): w for w in found["workers"]}

    def wait_for_end(self, tasks: Iterable[str]) -> None:
        for task in tasks:
            assert self.wait_for(task, "completed", "failed", "stopped")["status"] == "completed"
