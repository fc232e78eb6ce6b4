"""Whatever dies, every task ends up run, queued again, or failed with a reason."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from tests.beds.agent import SAVES, Agent, Site, end_run
from tests.beds.waiting import until
from tests.beds.wire import Wire, wire

COUNTS = """
import pathlib, sys, time
for number in range(200):
    print("line", number, flush=True)
    time.sleep(0.02)
"""
LINES = [f"line {number}" for number in range(200)]

STARTS = """
import pathlib, time
with open("{log}", "a") as log:
    log.write("started\\n")
print("up", flush=True)
while not pathlib.Path("{go}").exists():
    time.sleep(0.02)
print("done", flush=True)
"""
"""Notes each of its starts in a file, and ends when another file is there."""


def lines_of(site: Site, task: str) -> list[str]:
    return [line for line in site.console(task).splitlines() if line.startswith("line ")]


def test_a_run_outlives_its_killed_agent_and_the_next_agent_goes_on_with_it(
    site: Site, queue: str
) -> None:
    agent = site.agent("--queue", queue)
    task = site.submit(COUNTS, queue)
    site.printed_by(task, "line 5\n")
    agent.kill()
    process = folders.read_process(agent.run_folder(task))
    assert process is not None
    assert processes.alive(process.pid, process.pid_start)
    site.agent("--queue", queue, worker=agent.worker)
    assert site.ended(task)["status"] == "completed"
    assert lines_of(site, task) == LINES
    assert [a["attempt"] for a in site.attempts(task)] == [1]


def test_what_a_run_printed_and_how_it_ended_is_told_by_the_next_agent(
    site: Site, queue: str
) -> None:
    agent = site.agent("--queue", queue)
    task = site.submit(COUNTS + "sys.exit(4)", queue)
    site.printed_by(task, "line 5\n")
    agent.kill()
    until(
        lambda: folders.read_state(agent.run_folder(task)).outcome,
        "the end of the run, with no agent there",
    )
    site.agent("--queue", queue, worker=agent.worker)
    assert site.ended(task)["status_reason"] == "user code"
    assert lines_of(site, task) == LINES
    assert [a["exit_code"] for a in site.attempts(task)] == [4]


class Lost:
    """Four tasks on machines that fell silent at the same moment: the leases run out together."""

    def __init__(self, site: Site, way: Wire) -> None:
        self.site, self.way = site, way
        self.workers: dict[str, str] = {}
        self.tasks: dict[str, str] = {}
        self.runs: dict[str, Path] = {}
        self.go: dict[str, Path] = {}
        agents = {name: self.begin(name) for name in ("plain", "retried", "back")}
        self.begin("cut", TASKYARD_SERVER=way.url)
        site.printed_by(self.tasks["cut"], "up")
        way.loses_requests = True
        for name, agent in agents.items():
            site.printed_by(self.tasks[name], "up")
            agent.kill()
            self.runs[name] = agent.run_folder(self.tasks[name])
            if name != "back":  # that machine was only cut off
                end_run(self.runs[name])
        self.go["retried"].touch()
        for name in ("retried", "back"):
            site.agent("--queue", self.queues[name])

    @functools.cached_property
    def queues(self) -> dict[str, str]:
        return {name: self.site.new_queue() for name in ("plain", "retried", "back", "cut")}

    def begin(self, name: str, **environment: str) -> Agent:
        queue = self.queues[name]
        self.go[name] = self.site.root / f"{queue}.go"
        agent = self.site.agent("--queue", queue, environment=environment)
        self.workers[name] = agent.worker
        code = STARTS.format(log=self.site.root / f"{queue}.log", go=self.go[name])
        retry = ("--retry", "1") if name in ("retried", "back") else ()
        self.tasks[name] = self.site.submit(code, queue, flags=retry)
        return agent


@pytest.fixture(scope="class")
def lost(shared_site: Site) -> Iterator[Lost]:
    with wire(shared_site.port) as way:
        yield Lost(shared_site, way)
        shared_site.end_programs()


class TestLost:
    def test_a_task_whose_machine_died_fails_within_a_minute(self, lost: Lost) -> None:
        found = lost.site.ended(lost.tasks["plain"], seconds=60)
        assert (found["status"], found["status_reason"]) == ("failed", "worker lost")
        assert lost.workers["plain"] in found["status_message"]

    def test_it_runs_again_elsewhere_when_its_policy_says_so(self, lost: Lost) -> None:
        task = lost.tasks["retried"]
        assert lost.site.ended(task, seconds=60)["status"] == "completed"
        states = [(a["attempt"], a["state"]) for a in lost.site.attempts(task)]
        assert states == [(1, "lost"), (2, "completed")]

    def test_an_agent_that_comes_back_too_late_ends_its_run_and_spoils_nothing(
        self, lost: Lost
    ) -> None:
        site, task = lost.site, lost.tasks["back"]
        until(lambda: len(site.attempts(task)) == 2, "the second attempt", seconds=60)
        returned = site.agent("--queue", lost.queues["back"], worker=lost.workers["back"])
        until(lambda: (lost.runs["back"] / "delivered").exists(), "the end of the first attempt")
        assert "void" in returned.said
        lost.go["back"].touch()
        assert site.ended(task)["status"] == "completed"

    def test_a_run_that_was_given_up_is_taken_back_when_its_network_is(self, lost: Lost) -> None:
        site, task = lost.site, lost.tasks["cut"]
        assert site.ended(task, seconds=60)["status_reason"] == "worker lost"
        lost.way.mend()
        until(lambda: site.status(task) == "in_progress", "the run to be taken back")
        lost.go["cut"].touch()
        assert site.ended(task)["status"] == "completed"
        assert site.console(task).count("up\n") == site.console(task).count("done\n") == 1
        assert [a["state"] for a in site.attempts(task)] == ["completed"]


def test_a_stopped_agent_gives_its_task_back_to_the_queue(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    task = site.submit(STARTS.format(log="log", go="go"), queue)
    site.printed_by(task, "up")
    assert agent.terminate() == 0
    found = site.task(task)
    assert found["status"] == "queued"
    assert agent.worker in found["status_reason"]
    assert [a["state"] for a in site.attempts(task)] == ["returned"]


def test_a_stopped_agent_leaves_its_long_poll_and_its_place_at_once(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    agent.process.send_signal(signal.SIGTERM)
    # Much less than the rest of a long poll.
    assert agent.process.wait(10) == 0
    workers = site.api("workers.get_all", last_seen=0)["workers"]
    assert agent.worker not in [w["id"] for w in workers]


def test_an_abort_is_polite_at_first(site: Site, queue: str) -> None:
    site.agent("--queue", queue)
    task = site.submit(SAVES, queue)
    site.printed_by(task, "up")
    site.printed("abort", task)
    assert site.ended(task)["status"] == "stopped"
    assert "saving a checkpoint" in site.console(task)


def test_an_abort_kills_what_does_not_listen(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    code = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
    task = site.submit(code, queue, flags=("--draft",))
    site.api("tasks.edit", task=task, limits={"grace": 0.5})
    site.printed("enqueue", task, "--queue", queue)
    site.printed_by(task, "up")
    process = folders.read_process(agent.run_folder(task))
    assert process is not None
    site.printed("abort", task)
    found = site.ended(task)
    assert found["status"] == "stopped"
    assert "killed after 0.5 s" in found["status_message"]
    assert not processes.alive(process.pid, process.pid_start)


def test_an_aborted_task_is_not_given_back_by_an_agent_that_stops_meanwhile(
    site: Site, queue: str
) -> None:
    agent = site.agent("--queue", queue)
    code = """
import signal, sys, time
def leave(*_):
    print("leaving", flush=True)
    time.sleep(1)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""
    task = site.submit(code, queue)
    site.printed_by(task, "up")
    site.printed("abort", task)
    site.printed_by(task, "leaving")
    agent.terminate()
    assert site.ended(task)["status"] == "stopped"


def test_a_drained_agent_finishes_its_task_and_leaves(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    go = site.root / f"{queue}.go"
    task = site.submit(STARTS.format(log="log", go=go), queue)
    waiting = site.submit("print('never')", queue)
    site.printed_by(task, "up")
    site.printed("worker", "drain", agent.worker)
    go.touch()
    assert agent.process.wait(60) == 0
    assert site.status(task) == "completed"
    assert site.status(waiting) == "queued"


def test_a_paused_agent_takes_nothing_until_it_is_resumed(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    site.printed("worker", "pause", agent.worker)
    task = site.submit("print('hello')", queue)
    assert "paused" in site.printed("explain", task)
    site.printed("worker", "resume", agent.worker)
    assert site.ended(task)["status"] == "completed"


def test_two_agents_with_one_id_are_refused(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    second = site.taskyard(
        "agent", "daemon", "--queue", queue, environment={"CLEARML_WORKER_ID": agent.worker}
    )
    assert second.returncode == 1
    assert f"an agent with the worker id {agent.worker} runs here already" in second.stderr


class TestServerKilled:
    """A server that dies at any moment loses nothing and runs nothing twice."""

    def test_while_tasks_wait(self, own_site: Site) -> None:
        site = own_site
        tasks = [site.submit("print('hello')", "default") for _ in range(2)]
        site.server.kill()
        site.start_server()
        site.agent("--queue", "default")
        assert [site.ended(t)["status"] for t in tasks] == ["completed"] * 2
        assert [len(site.attempts(t)) for t in tasks] == [1, 1]

    def test_while_a_task_runs(self, own_site: Site) -> None:
        site = own_site
        site.agent("--queue", "default")
        task = site.submit(COUNTS, "default")
        site.printed_by(task, "line 5\n")
        site.server.kill()
        site.start_server()
        assert site.ended(task)["status"] == "completed"
        assert lines_of(site, task) == LINES
        assert len(site.attempts(task)) == 1

    def test_while_tasks_are_being_handed_out(self, own_site: Site) -> None:
        site = own_site
        site.agent("--queue", "default", "--services-mode")
        log, go = site.root / "log", site.root / "go"
        go.touch()
        task = site.submit(STARTS.format(log=log, go=go), "default", flags=("--draft",))
        tasks = [task] + [site.api("tasks.clone", task=task)["id"] for _ in range(9)]
        for one in tasks[:5]:
            site.api("tasks.enqueue", task=one, queue_name="default")
        site.server.kill()
        site.start_server()
        for one in tasks[5:]:
            site.api("tasks.enqueue", task=one, queue_name="default")
        for one in tasks:
            assert site.ended(one)["status"] == "completed"
        assert log.read_text().splitlines() == ["started"] * 10

    def test_while_a_task_ends(self, own_site: Site) -> None:
        site = own_site
        agent = site.agent("--queue", "default")
        log, go = site.root / "log", site.root / "go"
        task = site.submit(STARTS.format(log=log, go=go), "default")
        site.printed_by(task, "up")
        site.server.kill()
        go.touch()
        until(
            lambda: folders.read_state(agent.run_folder(task)).outcome,
            "the end of the run, with no server there",
        )
        site.start_server()
        assert site.ended(task)["status"] == "completed"
        assert "done" in site.console(task)
        assert log.read_text() == "started\n"


def test_a_killed_supervisor_is_replaced_and_the_task_goes_on(site: Site, queue: str) -> None:
    agent = site.agent("--queue", queue)
    go = site.root / f"{queue}.go"
    task = site.submit(STARTS.format(log="log", go=go), queue)
    site.printed_by(task, "up")
    os.kill(folders.read_state(agent.run_folder(task)).supervisor, signal.SIGKILL)
    go.touch()
    assert site.ended(task)["status"] == "completed"
    assert site.console(task).count("up\n") == 1
