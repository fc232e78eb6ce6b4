"""Podman in the place of Docker: what differs between them stays inside the agent."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from tests.beds import docker
from tests.beds.agent import SAVES
from tests.beds.waiting import until
from tests.containers.conftest import Yard

podman = functools.partial(docker.docker, program="podman")

COUNTS = """
import sys, time
for number in range(150):
    print("line", number, flush=True)
    time.sleep(0.02)
sys.exit(4)
"""


@pytest.fixture(scope="module")
def served(shared_yard: Yard) -> Iterator[str]:
    """The queue of an agent that uses Podman and runs many tasks at once."""
    queue = shared_yard.site.new_queue()
    words = ("--services-mode",)
    agent = shared_yard.agent(queue, *words, worker="podman", engine="podman", lasting=True)
    yield queue
    agent.end()


def removed(task: str) -> bool:
    return not [name for name in docker.containers(program="podman") if task in name]


def test_a_task_runs_with_its_packages_in_the_agents_image(yard: Yard, served: str) -> None:
    code = "import idna, os, sys; print(os.getcwd(), sys.prefix, idna.__name__)"
    task = yard.site.submit(code, served, flags=("--packages", "idna"))
    assert yard.outcome(task)[0] == "completed", yard.site.console(task)
    assert yard.lines(task)[-1] == "/taskyard/code /taskyard/environment idna"
    until(lambda: removed(task), "the container's removal")


def test_a_failure_is_told_as_it_was_and_no_line_is_lost(yard: Yard, served: str) -> None:
    task = yard.submit(COUNTS, served)
    assert yard.outcome(task) == ("failed", "user code", "exit code 4: line 149")
    assert yard.lines(task) == [f"line {number}" for number in range(150)]


def test_no_secret_is_in_what_the_engine_tells_of_a_container(yard: Yard, served: str) -> None:
    code = "import os, time; print('up', len(os.environ['MY_TOKEN']), flush=True); time.sleep(600)"
    task = yard.submit(code, served, arguments="-e MY_TOKEN=verysecretword")
    yard.site.printed_by(task, "up 14")
    profile = yard.site.profile()
    seen = podman("inspect", yard.container(task, "podman"))
    told = [
        secret
        for secret in (profile.secret_key, profile.access_key, "verysecretword")
        if secret in seen or secret in yard.site.console(task)
    ]
    assert told == []
    yard.site.printed("abort", task)
    assert yard.outcome(task)[0] == "stopped"


def test_an_abort_is_polite_at_first(yard: Yard, served: str) -> None:
    task = yard.submit(SAVES, served)
    yard.site.printed_by(task, "up")
    yard.site.printed("abort", task)
    assert yard.outcome(task)[0] == "stopped"
    assert "saving a checkpoint" in yard.lines(task)
    until(lambda: removed(task), "the container's removal")


def test_a_container_outlives_its_killed_agent_and_the_next_one_goes_on(
    yard: Yard, queue: str
) -> None:
    agent = yard.agent(queue, engine="podman")
    task = yard.submit(COUNTS, queue)
    yard.site.printed_by(task, "line 5\n")
    agent.kill()
    yard.agent(queue, worker=agent.worker, engine="podman")
    assert yard.outcome(task) == ("failed", "user code", "exit code 4: line 149")
    assert yard.lines(task) == [f"line {number}" for number in range(150)]
    assert [a["attempt"] for a in yard.site.attempts(task)] == [1]
