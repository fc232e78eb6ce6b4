"""A network that fails in one direction: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.run import folder as folders
from taskyard.api.attempts import LEASE
from tests.beds.agent import Agent, Site
from tests.beds.waiting import until
from tests.beds.wire import Wire, wire

COUNTS = """
import pathlib, time
with open("{log}", "a") as log:
    log.write("started\\n")
number = 0
while number < 20 or not pathlib.Path("{go}").exists():
    print("line", number, flush=True)
    number += 1
    time.sleep(0.05)
print("lines:", number, flush=True)
"""
"""Notes each of its starts in a file, prints until another file is there, and says how much."""


class Far:
    """A task of an agent that reaches its server by a wire."""

    def __init__(self, site: Site, queue: str, way: Wire) -> None:
        self.site, self.queue, self.way = site, queue, way
        self.log = site.root / f"{queue}.log"
        self.go = site.root / f"{queue}.go"

    def agent(self) -> Agent:
        return self.site.agent("--queue", self.queue, environment={"TASKYARD_SERVER": self.way.url})

    def submit(self) -> str:
        return self.site.submit(COUNTS.format(log=self.log, go=self.go), self.queue)

    def ran_once_and_all_is_there(self, task: str) -> bool:
        """Wait for the end; whether it ran once and every line arrived, in order."""
        assert self.site.ended(task)["status"] == "completed"
        told = [x for x in self.site.console(task).splitlines() if x.startswith("line")]
        count = len(told) - 1
        expected = [f"line {number}" for number in range(count)] + [f"lines: {count}"]
        attempts = [a["attempt"] for a in self.site.attempts(task)]
        return told == expected and attempts == [1] and self.log.read_text() == "started\n"


@pytest.fixture
def far(site: Site, queue: str) -> Iterator[Far]:
    with wire(site.port) as way:
        yield Far(site, queue, way)
        site.end_programs()


def printed(agent: Agent, task: str, lines: int) -> bool:
    """Whether a run has printed so much on its machine, whatever the server knows of it."""
    return f"line {lines}\n" in (agent.run_folder(task) / "console.log").read_text()


class TestAnswersLost:
    """All that the agent says is done, and it hears nothing of it."""

    def test_while_a_task_runs(self, far: Far) -> None:
        agent = far.agent()
        task = far.submit()
        far.site.printed_by(task, "line 5\n")
        far.way.loses_answers = True
        until(lambda: printed(agent, task, 60), "lines that nobody confirms")
        far.way.mend()
        far.go.touch()
        assert far.ran_once_and_all_is_there(task)

    def test_while_a_task_is_handed_out(self, far: Far) -> None:
        agent = far.agent()
        far.way.loses_answers = True
        task = far.submit()
        until(lambda: far.site.status(task) == "in_progress", "the task to be handed out")
        assert not agent.run_folder(task).exists()
        far.go.touch()
        far.way.mend()
        assert far.ran_once_and_all_is_there(task)

    def test_while_a_task_ends(self, far: Far) -> None:
        agent = far.agent()
        task = far.submit()
        far.site.printed_by(task, "line 5\n")
        far.way.loses_answers = True
        far.go.touch()
        state = agent.run_folder(task)
        until(lambda: folders.read_state(state).outcome, "the end of the run")
        far.way.mend()
        assert far.ran_once_and_all_is_there(task)
        until(lambda: (state / "delivered").exists(), "the agent to know that the server does")


def test_while_requests_are_lost_a_task_goes_on_and_its_end_is_told_later(far: Far) -> None:
    agent = far.agent()
    task = far.submit()
    far.site.printed_by(task, "line 5\n")
    far.way.loses_requests = True
    far.go.touch()
    until(lambda: folders.read_state(agent.run_folder(task)).outcome, "the end of the run")
    assert far.site.status(task) == "in_progress"
    far.way.mend()
    assert far.ran_once_and_all_is_there(task)


def test_a_server_that_was_away_for_longer_than_a_lease_gives_nobody_up(own_site: Site) -> None:
    site = own_site
    with wire(site.port) as way:
        far = Far(site, "default", way)
        far.agent()
        task = far.submit()
        site.printed_by(task, "line 5\n")
        site.server.kill()
        age_leases(site.root / "server" / "taskyard.db", LEASE * 10)
        far.go.touch()
        site.start_server()
        assert far.ran_once_and_all_is_there(task)
        site.end_programs()


def age_leases(database: Path, seconds: int) -> None:
    """Leave a server's leases as they would be after a time of its absence."""
    with sqlite3.connect(database) as control:
        control.execute("UPDATE attempts SET deadline = deadline - ?", (seconds * 1_000_000,))
        assert control.total_changes
    control.close()
