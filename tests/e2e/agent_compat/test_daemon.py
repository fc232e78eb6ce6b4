"""``clearml-agent daemon``: tasks from queues, one after the other."""

from __future__ import annotations

import pytest

from tests.beds.waiting import until
from tests.e2e.agent_compat.machine import Machine

LONG = "print('begun', flush=True)\nimport time\ntime.sleep(600)\n"


def test_a_task_from_a_queue_runs_to_its_end(machine: Machine, queue: str) -> None:
    machine.daemon("--queue", queue)
    task = machine.task("print('the', 'console')", queue)
    found = machine.wait_for(task, "completed", "failed")
    assert (found["status"], found["status_reason"]) == ("completed", "worker execution done")
    assert "\nthe console\n" in machine.console(task)
    assert found["last_worker"] == f"{machine.name}:0"
    assert found["runtime"]["_exec_agent_hostname"]
    assert found["started"] < found["completed"]


def test_a_worker_shows_its_queues_its_task_and_the_tags_of_its_children(
    machine: Machine, queue: str
) -> None:
    identity = f"{machine.name}:mine"
    machine.daemon("--queue", queue, "--child-report-tags", "blue", CLEARML_WORKER_ID=identity)
    task = machine.task(LONG, queue)
    machine.wait_for_console(task, "begun")
    until(lambda: machine.workers(tags=["blue"]), "a report with the tag")
    found = machine.workers(tags=["blue"])[":mine"]
    assert found["task"]["id"] == task
    assert [q["name"] for q in found["queues"]] == [queue]
    assert found["queue"]["name"] == queue


def test_a_task_that_fails_is_failed_and_says_how_it_exited(machine: Machine, queue: str) -> None:
    machine.daemon("--queue", queue)
    task = machine.task("raise SystemExit(3)", queue)
    found = machine.wait_for(task, "completed", "failed")
    assert found["status"] == "failed"
    assert "exit code 3" in machine.console(task)


def test_an_aborted_task_is_killed_and_ends_stopped(machine: Machine, queue: str) -> None:
    daemon = machine.daemon("--queue", queue)
    task = machine.task(LONG, queue)
    machine.wait_for_console(task, "begun")
    machine.api("tasks.stop", task=task)
    assert machine.document(task)["status_message"] == "stopping"
    found = machine.wait_for(task, "stopped")
    assert found["status_reason"] == "task was stopped by tasks.stop"
    assert "Process aborted by user" in machine.console(task)
    until(lambda: "No tasks in" in daemon.said.split("aborted", 1)[-1], "the next look")
    assert not [p for p in machine.processes() if "main.py" in p.cmdline()]


def test_a_task_that_is_reset_while_it_runs_is_killed(machine: Machine, queue: str) -> None:
    machine.daemon("--queue", queue)
    task = machine.task(LONG, queue)
    machine.wait_for_console(task, "begun")
    machine.api("tasks.reset", task=task, force=True)
    until(
        lambda: not [p for p in machine.processes() if "main.py" in p.cmdline()],
        "the end of the process",
    )
    assert machine.status(task) == "created"


def test_an_agent_makes_the_queues_it_is_told_to(machine: Machine) -> None:
    machine.daemon("--queue", "made by the agent", "--create-queue")
    task = machine.task("pass", "made by the agent")
    machine.wait_for_end([task])


def test_an_unknown_queue_is_refused(machine: Machine) -> None:
    done = machine.command("daemon", "--foreground", "--queue", "nowhere")
    assert done.returncode != 0
    assert 'Could not find queue with name/id "nowhere"' in done.stdout


def test_an_agent_without_a_queue_serves_the_default_one(machine: Machine) -> None:
    machine.daemon()
    machine.wait_for_end([machine.task("pass", "default")])


@pytest.mark.parametrize(
    ("flags", "order"), [([], "aab"), (["--order-fairness"], "aba")], ids=["priority", "fairness"]
)
def test_several_queues_are_served_in_the_order_asked_for(
    machine: Machine, queue: str, flags: list[str], order: str
) -> None:
    names = {"a": f"{queue} a", "b": f"{queue} b"}
    for name in names.values():
        machine.api("queues.create", name=name)
    tasks = {machine.task("pass", names[letter]): letter for letter in "baa"}
    machine.daemon("--queue", names["a"], names["b"], *flags)
    machine.wait_for_end(tasks)
    begun = sorted(tasks, key=lambda task: machine.document(task)["started"])
    assert "".join(tasks[task] for task in begun) == order


def test_a_queue_that_is_switched_off_is_left_alone(machine: Machine, queue: str) -> None:
    found = machine.api("queues.get_all", name=queue)["queues"][0]["id"]
    other = machine.api("queues.create", name=f"{queue} other")["id"]
    machine.api("queues.update", queue=found, tags=["force_workers:off"])
    waiting = machine.task("pass", queue)
    machine.daemon("--queue", found, other)
    machine.wait_for_end([machine.task("pass", f"{queue} other")])
    assert machine.status(waiting) == "queued"
    machine.api("queues.update", queue=found, tags=[])
    machine.wait_for_end([waiting])


def test_a_worker_that_is_switched_off_takes_nothing_until_it_is_on_again(
    machine: Machine, queue: str
) -> None:
    def force(value: str) -> None:
        properties = [{"key": "force", "value": value}]
        machine.api(
            "workers.set_runtime_properties",
            worker=f"{machine.name}:0",
            runtime_properties=properties,
        )

    daemon = machine.daemon("--queue", queue)
    force("off")
    looks = daemon.said.count("No tasks in Queues")
    until(lambda: daemon.said.count("No tasks in Queues") > looks + 1, "a look with the switch off")
    task = machine.task("pass", queue)
    looks = daemon.said.count("No tasks in Queues")
    until(lambda: daemon.said.count("No tasks in Queues") > looks + 2, "some more looks")
    assert machine.status(task) == "queued"
    force("on")
    machine.wait_for_end([task])


def test_status_tells_what_switches_a_worker(machine: Machine, queue: str) -> None:
    found = machine.api("queues.get_all", name=queue)["queues"][0]["id"]
    machine.api("queues.update", queue=found, tags=["force_workers:off"])
    said = machine.command("daemon", "--queue", queue, "--status").stdout
    assert "Currently forced" in said
    assert queue in said


def test_a_detached_agent_works_in_the_background(machine: Machine, queue: str) -> None:
    said = machine.printed("daemon", "--queue", queue, "--detached")
    assert "daemon in background mode" in said
    machine.wait_for_end([machine.task("pass", queue)])


def test_an_agent_that_is_stopped_leaves(machine: Machine, queue: str) -> None:
    daemon = machine.daemon("--queue", queue)
    assert ":0" in machine.workers()
    machine.start("daemon", "--queue", queue, "--stop")
    until(lambda: daemon.process.poll() is not None, "the end of the agent")
    assert machine.workers() == {}


def test_a_second_agent_of_the_same_id_is_refused(machine: Machine, queue: str) -> None:
    machine.daemon("--queue", queue, CLEARML_WORKER_ID="twin")
    done = machine.command("daemon", "--foreground", "--queue", queue, CLEARML_WORKER_ID="twin")
    assert done.returncode == 1
    assert "[twin] is already running" in done.stdout
