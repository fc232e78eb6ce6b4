"""Agents over time: their queues, their hours, their disk, many tasks at once, and how they end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from taskyard.agent.run import folder as folders
from taskyard.agent.schedule import DAYS
from tests.beds.agent import WAITS, Agent, Site, end_run
from tests.beds.waiting import until


def shown(site: Site, pattern: str) -> dict[str, dict[str, Any]]:
    found = site.api("workers.get_all", worker_pattern=pattern)["workers"]
    return {worker["id"]: worker for worker in found}


class TestServices:
    def test_so_many_run_at_once_each_a_worker_of_its_own_and_outlive_their_agent(
        self, site: Site, queue: str, tmp_path: Path
    ) -> None:
        go = tmp_path / "go"
        words = ("--queue", queue, "--services-mode", "2")
        agent = site.agent(*words)
        tasks = [site.submit(WAITS.format(go=go), queue) for _ in range(3)]
        for task in tasks[:2]:
            site.printed_by(task, "up")
        services = {f"{agent.worker}:service:{task}": task for task in tasks[:2]}
        pattern = f"{agent.worker}:service:*"
        until(lambda: shown(site, pattern).keys() == services.keys(), "both to be shown")
        agent.kill()
        site.agent(*words, worker=agent.worker)
        found = until(lambda: shown(site, pattern), "them to be shown again")
        assert {name: worker["task"]["id"] for name, worker in found.items()} == services
        assert site.status(tasks[2]) == "queued"
        go.touch()
        assert {site.ended(task)["status"] for task in tasks} == {"completed"}
        assert {len(site.attempts(task)) for task in tasks} == {1}
        until(lambda: not shown(site, pattern), "all of them to be taken leave of")

    def test_as_many_as_there_is_room_for_are_taken_in_one_commit(
        self, site: Site, queue: str
    ) -> None:
        site.printed("queue", "pause", queue)
        tasks = [site.submit("print('hello')", queue) for _ in range(3)]
        site.agent("--queue", queue, "--services-mode", "3")
        site.printed("queue", "resume", queue)
        assert {site.ended(task)["status"] for task in tasks} == {"completed"}
        assert len({site.attempts(task)[0]["taken"] for task in tasks}) == 1


class TestQueues:
    def test_a_queue_that_was_deleted_and_made_anew_is_served_again(
        self, site: Site, queue: str
    ) -> None:
        other = site.new_queue()
        agent = site.agent("--queue", queue, other)
        site.api("queues.delete", queue=id_of(site, queue), force=True)
        first = site.submit("print('still there')", other)
        assert site.ended(first)["status"] == "completed"
        until(lambda: "are gone" in agent.said, "the agent to see that")
        site.api("queues.create", name=queue)
        # Work in the other one makes the agent look, and not only after its long poll.
        until(
            lambda: site.submit("print('hi')", other) and "is there again" in agent.said,
            "the agent to see the new queue",
        )
        assert site.ended(site.submit("print('hello')", queue))["status"] == "completed"

    def test_a_queue_keeps_being_served_under_another_name(self, site: Site, queue: str) -> None:
        site.agent("--queue", queue)
        site.api("queues.update", queue=id_of(site, queue), name=f"renamed {queue}")
        task = site.submit("print('hello')", f"renamed {queue}")
        assert site.ended(task)["status"] == "completed"

    def test_a_queue_can_be_named_by_its_id(self, site: Site, queue: str) -> None:
        site.agent("--queue", id_of(site, queue))
        assert site.ended(site.submit("print('hello')", queue))["status"] == "completed"

    def test_a_missing_queue_can_be_made(self, site: Site, queue: str) -> None:
        site.agent("--queue", f"new {queue}", "--create-queue")
        task = site.submit("print('hello')", f"new {queue}")
        assert site.ended(task)["status"] == "completed"

    def test_a_paused_queue_waits_and_goes_on(self, site: Site, queue: str) -> None:
        other = site.new_queue()
        site.printed("queue", "pause", queue)
        site.agent("--queue", queue, other)
        held = site.submit("print('hello')", queue)
        assert site.ended(site.submit("print('hello')", other))["status"] == "completed"
        assert site.status(held) == "queued"
        site.printed("queue", "resume", queue)
        assert site.ended(held)["status"] == "completed"

    def test_queues_take_turns_without_a_pause(self, site: Site, queue: str) -> None:
        other = site.new_queue()
        tasks = [site.submit("print('hello')", name) for name in (queue, queue, other, other)]
        site.agent("--queue", queue, other, "--order-fairness")
        for task in tasks:
            assert site.ended(task)["status"] == "completed"
        order = sorted(tasks, key=lambda task: str(site.attempts(task)[0]["taken"]))
        assert order == [tasks[0], tasks[2], tasks[1], tasks[3]]

    def test_the_next_task_is_taken_in_the_commit_that_ends_the_one_before(
        self, site: Site, queue: str, tmp_path: Path
    ) -> None:
        go = [tmp_path / f"go{n}" for n in range(3)]
        site.agent("--queue", queue)
        tasks = [site.submit(WAITS.format(go=one), queue) for one in go]
        for one, task in zip(go, tasks, strict=True):
            site.printed_by(task, "up")
            one.touch()
        for task in tasks:
            assert site.ended(task)["status"] == "completed"
        runs = [site.attempts(task)[0] for task in tasks]
        assert [run["taken"] for run in runs[1:]] == [run["ended"] for run in runs[:-1]]

    def test_a_task_ends_though_its_queue_is_gone(
        self, site: Site, queue: str, tmp_path: Path
    ) -> None:
        go = tmp_path / "go"
        site.agent("--queue", queue)
        task = site.submit(WAITS.format(go=go), queue)
        site.printed_by(task, "up")
        site.api("queues.delete", queue=id_of(site, queue), force=True)
        go.touch()
        assert site.ended(task)["status"] == "completed"


def id_of(site: Site, queue: str) -> str:
    (found,) = site.api("queues.get_all", name=f"^{queue}$")["queues"]
    return str(found["id"])


def unfit(site: Site, agent: Agent) -> str:
    return until(
        lambda: str(shown(site, agent.worker)[agent.worker].get("unfit", "")),
        "the agent to say why it takes nothing",
    )


class TestUnfit:
    def test_outside_its_hours_an_agent_takes_nothing_and_says_when_it_will(
        self, site: Site, queue: str
    ) -> None:
        day = DAYS[(datetime.now() + timedelta(days=3)).weekday()]
        agent = site.agent("--queue", queue, "--uptime", f"8-20 {day}")
        task = site.submit("print('hello')", queue)
        assert f"outside its hours (up 8-20 {day}); it goes on " in unfit(site, agent)
        assert "outside its hours" in site.printed("explain", task)
        assert site.status(task) == "queued"

    def test_with_too_little_disk_an_agent_takes_nothing_and_says_so(
        self, site: Site, queue: str
    ) -> None:
        agent = site.agent("--queue", queue, "--min-free-disk", "1000000G")
        task = site.submit("print('hello')", queue)
        assert "of disk are free for" in unfit(site, agent)
        assert site.status(task) == "queued"
        row = json.loads(site.printed("worker", "ls", "-o", "json"))
        assert {w["status"] for w in row if w["id"] == agent.worker} == {"unfit"}


def at_work(site: Site, queue: str, go: Path) -> tuple[Agent, str]:
    """An agent and the task that it runs until the file is there."""
    agent = site.agent("--queue", queue)
    task = site.submit(WAITS.format(go=go), queue)
    site.printed_by(task, "up")
    return agent, task


class TestEnds:
    def test_an_agent_told_to_stop_gives_back_what_runs(
        self, site: Site, queue: str, tmp_path: Path
    ) -> None:
        agent, task = at_work(site, queue, tmp_path / "go")
        site.printed("worker", "stop", agent.worker)
        assert agent.process.wait(60) == 0
        assert site.status(task) == "queued"

    def test_after_a_restart_of_the_machine_its_tasks_are_queued_at_once(
        self, site: Site, queue: str, tmp_path: Path
    ) -> None:
        go = tmp_path / "go"
        agent, task = at_work(site, queue, go)
        agent.kill()
        end_run(agent.run_folder(task))
        go.touch()
        state = folders.read_state(agent.run_folder(task))
        state.boot_id = "another one"
        folders.write_state(agent.run_folder(task), state)
        site.agent("--queue", queue, worker=agent.worker)
        assert site.ended(task)["status"] == "completed"
        first, second = site.attempts(task)
        assert first["state"] == "returned"
        assert "the machine was restarted" in first["message"]
        assert second["state"] == "completed"


class TestFlags:
    def test_an_agent_in_the_background_is_listed_and_stopped(self, site: Site, queue: str) -> None:
        worker = f"background {queue}"
        environment = {"CLEARML_WORKER_ID": worker}
        words = ("agent", "daemon", "--queue", queue, "--detached")
        done = site.taskyard(*words, environment=environment)
        assert "in the background" in done.stdout, done.stderr
        until(lambda: worker in site.printed("agent", "daemon", "--status"), "it to be listed")
        assert site.ended(site.submit("print('hello')", queue))["status"] == "completed"
        site.printed("agent", "daemon", "--stop", worker)
        until(lambda: worker not in site.printed("agent", "daemon", "--status"), "its end")
