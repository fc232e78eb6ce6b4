"""Several tasks of one agent at a time: services, and GPUs that are shared out."""

from __future__ import annotations

from pathlib import Path

from tests.beds.waiting import until
from tests.e2e.agent_compat.machine import Machine


def held(gate: Path) -> str:
    """A task that runs until the file is there."""
    return (
        "import os, time\n"
        "print('sees', os.environ.get('CUDA_VISIBLE_DEVICES'), flush=True)\n"
        f"while not os.path.exists({str(gate)!r}):\n"
        "    time.sleep(0.05)\n"
    )


def test_services_run_side_by_side_up_to_the_limit(
    machine: Machine, queue: str, tmp_path: Path
) -> None:
    gates = [tmp_path / f"gate{number}" for number in range(3)]
    tasks = [machine.task(held(gate), queue) for gate in gates]
    # The agent counts itself, so that three are it and two services.
    daemon = machine.daemon("--queue", queue, "--services-mode", "3")
    for task in tasks[:2]:
        machine.wait_for_console(task, "\nsees")
    until(lambda: "Reached max number of services 3" in daemon.said, "the limit to be met")
    services = {f":cpu:0:service:{task}" for task in tasks[:2]}
    assert machine.workers().keys() == {":cpu:0", *services}
    assert machine.status(tasks[2]) == "queued"
    gates[0].touch()
    machine.wait_for_console(tasks[2], "\nsees")
    for gate in gates:
        gate.touch()
    machine.wait_for_end(tasks)


def test_an_aborted_service_is_killed_and_the_agent_goes_on(
    machine: Machine, queue: str, tmp_path: Path
) -> None:
    machine.daemon("--queue", queue, "--services-mode")
    task = machine.task(held(tmp_path / "never"), queue)
    machine.wait_for_console(task, "\nsees")
    machine.api("tasks.stop", task=task)
    machine.wait_for(task, "stopped")
    until(lambda: machine.workers().keys() == {":cpu:0"}, "the worker of the service to go")


def test_gpus_are_shared_out_by_what_queues_need(machine: Machine, tmp_path: Path) -> None:
    gates = [tmp_path / f"gate{number}" for number in range(3)]
    daemon = machine.daemon(
        *("--dynamic-gpus", "--gpus", "0-3", "--create-queue", "--queue", "dual=2", "single=1")
    )
    assert machine.workers().keys() == {":dgpu0-3"}
    tasks = [
        machine.task(held(gate), name)
        for gate, name in zip(gates, ("dual", "dual", "single"), strict=True)
    ]
    assert "\nsees 0,1\n" in machine.wait_for_console(tasks[0], "\nsees")
    assert "\nsees 2,3\n" in machine.wait_for_console(tasks[1], "\nsees")
    until(lambda: "All GPUs allocated" in daemon.said, "the GPUs to be taken")
    assert machine.workers().keys() == {":dgpu0-3", ":gpu0,1", ":gpu2,3"}
    assert machine.status(tasks[2]) == "queued"
    gates[1].touch()
    assert "\nsees 2\n" in machine.wait_for_console(tasks[2], "\nsees")
    for gate in gates:
        gate.touch()
    machine.wait_for_end(tasks)
