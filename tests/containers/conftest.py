"""A site whose agent runs each task in a container of a real engine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.beds import docker
from tests.beds.agent import Agent, Site
from tests.beds.agent import site as make_site
from tests.beds.waiting import until

HOST = "--network=host --shm-size=80m"
"""Arguments of the agents under test: the server is on the loopback of the machine."""


class Yard:
    """A site, and what its tasks in containers do."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def agent(
        self, queue: str, *words: str, worker: str = "", engine: str = "docker", **options: Any
    ) -> Agent:
        flags = ("--queue", queue, f"--{engine}", docker.IMAGE, HOST, *words)
        return self.site.agent(*flags, worker=worker, **options)

    def submit(self, code: str, queue: str, **container: str) -> str:
        """Submit a script; ``container`` goes into the task."""
        flags = ("--draft",) if container else ()
        task = self.site.submit(code, queue, flags=flags)
        if container:
            self.site.api("tasks.edit", task=task, container=container)
            self.site.printed("enqueue", task, "--queue", queue)
        return task

    def outcome(self, task: str) -> tuple[str, str, str]:
        """Status, cause and message of a task that ends."""
        found = self.site.ended(task, seconds=120)
        return found["status"], found["status_reason"], found["status_message"]

    def lines(self, task: str) -> list[str]:
        """What the task printed, without what the agent says."""
        console = self.site.console(task)
        return [line for line in console.splitlines() if not line.startswith("[taskyard]")]

    def run(self, code: str, queue: str, **container: str) -> list[str]:
        """What a task prints that must succeed."""
        task = self.submit(code, queue, **container)
        status = self.outcome(task)
        assert status[0] == "completed", (status, self.site.console(task))
        return self.lines(task)

    def container(self, task: str, engine: str = "docker") -> str:
        """The name of the container of a task's first attempt, once it is there."""
        name = f"taskyard-{task}.1"
        until(lambda: name in docker.containers(program=engine), f"the container {name}")
        return name

    def phases(self, task: str) -> list[str]:
        return [phase["name"] for phase in self.site.attempts(task)[-1]["phases"]]


@pytest.fixture(scope="session")
def engine() -> None:
    assert docker.answers(), "no container engine answers: scripts/setup-tests starts one"


@pytest.fixture(scope="session")
def container_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("containers")


@pytest.fixture(scope="session")
def shared_yard(
    engine: None, tmp_path_factory: pytest.TempPathFactory, container_data: Path
) -> Iterator[Yard]:
    with make_site(tmp_path_factory.mktemp("site"), container_data) as site:
        yield Yard(site)
    # The site killed supervisors, some perhaps just before they removed a container. Tests about
    # removal wait for it themselves.
    until(lambda: not _remove(_left(container_data)), lambda: f"no {_left(container_data)}")


@pytest.fixture(scope="session")
def busy(shared_yard: Yard) -> Iterator[str]:
    """The queue of an agent that runs many tasks at once, for tests that leave it alone."""
    queue = shared_yard.site.new_queue()
    agent = shared_yard.agent(queue, "--services-mode", worker="many", lasting=True)
    yield queue
    agent.end()


@pytest.fixture
def yard(shared_yard: Yard) -> Iterator[Yard]:
    yield shared_yard
    shared_yard.site.end_programs()


@pytest.fixture
def queue(yard: Yard) -> str:
    """A queue that nobody else uses."""
    return yard.site.new_queue()


def _left(data: Path) -> list[str]:
    """Names of the containers of runs below a folder."""
    form = '{{.Names}} {{.Label "taskyard.run"}}'
    told = docker.docker("ps", "--all", "--filter", "label=taskyard.run", "--format", form)
    return [line.split()[0] for line in told.splitlines() if str(data) in line]


def _remove(names: list[str]) -> list[str]:
    """Remove containers, some of which may be on their way out already; gives the names back."""
    if names:
        subprocess.run(
            ["docker", "rm", "--force", "--volumes", *names], capture_output=True, check=False
        )
    return names
