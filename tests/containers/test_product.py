"""The image and the compose file that ship the server and a services agent."""

from __future__ import annotations

import os
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskyard.api.errors import TaskyardError
from taskyard.client.session import Session
from tests.beds import docker
from tests.beds.postgres import free_port
from tests.beds.waiting import until

ROOT = Path(__file__).parents[2]
IMAGE = "taskyard-test:product"


class Composed:
    """What ``compose.yaml`` describes, running under a name of its own."""

    def __init__(self) -> None:
        self.name = f"taskyardtest{uuid.uuid4().hex[:8]}"
        self.port = free_port()
        self.environment = {
            **os.environ,
            "TASKYARD_IMAGE": IMAGE,
            "TASKYARD_PORT": str(self.port),
            "TASKYARD_URL": f"http://127.0.0.1:{self.port}",
        }

    def __call__(self, *words: str) -> str:
        command = ["docker-compose", "--project-name", self.name, *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def session(self) -> Session:
        """With the keys that the server has made at its first start."""
        kept = self("exec", "-T", "server", "cat", "/data/server/client.toml")
        keys = dict(line.split(" = ", 1) for line in kept.splitlines() if " = " in line)
        url = f"http://127.0.0.1:{self.port}"
        return Session(url, keys["access_key"].strip('"'), keys["secret_key"].strip('"'))


@pytest.fixture(scope="module")
def composed(engine: None) -> Iterator[Composed]:
    made = subprocess.run(
        ["scripts/image", IMAGE], cwd=ROOT, env={**os.environ, "BASE": docker.IMAGE},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    found = Composed()
    try:
        found("up", "--detach")
        yield found
    finally:
        found("down", "--volumes", "--timeout", "2")


def test_the_services_agent_of_the_compose_file_runs_a_task(composed: Composed) -> None:
    session = until(lambda: _connected(composed), "the server", seconds=120)
    assert session is not None
    script = {"entry_point": "main.py", "binary": "python", "diff": "print('hello')"}
    task = session.raw("tasks.create", {"name": "hello", "type": "service", "script": script})["id"]
    until(lambda: _enqueued(session, task), "the queue that the agent makes", seconds=120)
    until(
        lambda: _task(session, task)["status"] not in ("queued", "in_progress"),
        "the end of the task",
        seconds=120,
    )
    found = _task(session, task)
    assert found["status"] == "completed", (found["status_message"], composed("logs"))


def test_its_server_answers_with_the_page(composed: Composed) -> None:
    def page() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{composed.port}/") as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    assert "Taskyard" in until(page, "the page", seconds=120)


def _connected(composed: Composed) -> Session | None:
    try:
        session = composed.session()
        session.raw("server.info", {})
    except (TaskyardError, AssertionError, KeyError):
        return None
    return session


def _enqueued(session: Session, task: str) -> bool:
    try:
        session.raw("tasks.enqueue", {"task": task, "queue_name": "services"})
    except TaskyardError:
        return False
    return True


def _task(session: Session, task: str) -> dict[str, Any]:
    found: dict[str, Any] = session.raw("tasks.get_by_id", {"task": task})["task"]
    return found
