"""``clearml-agent execute`` and ``list``: one task, without a daemon."""

from __future__ import annotations

from tests.e2e.agent_compat.machine import Machine


def test_execute_runs_a_draft(machine: Machine) -> None:
    task = machine.task("print('run', 'by hand')")
    said = machine.printed("execute", "--id", task)
    assert "run by hand" in said
    assert machine.status(task) == "completed"
    assert "run by hand" in machine.console(task)


def test_execute_takes_a_task_out_of_its_queue(machine: Machine, queue: str) -> None:
    task = machine.task("pass", queue)
    machine.printed("execute", "--id", task, "--require-queue")
    assert machine.status(task) == "completed"
    assert machine.api("queues.get_all", name=queue)["queues"][0]["entries"] == []


def test_execute_refuses_a_task_in_no_queue_when_one_is_required(machine: Machine) -> None:
    task = machine.task("print('run anyway')")
    done = machine.command("execute", "--id", task, "--require-queue")
    assert done.returncode != 0
    assert f"task id={task} is not queued" in done.stdout
    assert machine.status(task) == "created"


def test_execute_runs_a_clone_and_leaves_the_task_alone(machine: Machine) -> None:
    task = machine.task("print('run', 'by hand')", name="original")
    machine.printed("execute", "--id", task, "--clone")
    assert machine.status(task) == "created"
    found = machine.api("tasks.get_all", parent=task, only_fields=["name", "status"])["tasks"]
    assert [(t["name"], t["status"]) for t in found] == [("Clone of original", "completed")]


def test_list_shows_the_workers(machine: Machine) -> None:
    machine.api("workers.register", worker="beacon", tags=["red"])
    said = machine.printed("list")
    assert "beacon" in said
    assert "red" in said
