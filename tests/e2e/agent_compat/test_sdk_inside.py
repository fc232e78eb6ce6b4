"""A program that uses the SDK, run by the agent."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.e2e.agent_compat.machine import PATIENCE, PROGRAMS, Machine

CODE = """
from clearml import Task

task = Task.init(project_name="inside", task_name="reports", output_uri=False)
settings = task.connect({"rate": 0.1, "layers": 2})
print("learns at", settings["rate"], type(settings["rate"]).__name__)
task.get_logger().report_scalar("loss", "train", settings["rate"] * 10, 1)
task.upload_artifact("numbers", {"a": 1}, wait_on_upload=True)
"""


def run_by_hand(machine: Machine) -> str:
    """Run the program where it was written; the task it made."""
    (machine.home / "main.py").write_text(CODE)
    subprocess.run(
        [str(PROGRAMS / "python"), "main.py"],
        cwd=machine.home,
        env={**machine.environment, "CLEARML_CACHE_DIR": str(machine.home / "cache")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=True,
    )
    found = machine.api("tasks.get_all", name="^reports$", order_by=["-created"])["tasks"]
    return str(found[0]["id"])


def loss(machine: Machine, task: str) -> Any:
    curves = machine.api("events.scalar_metrics_iter_histogram", task=task)
    return curves["loss"]["train"]["y"]


def test_a_clone_of_a_run_is_run_with_another_value(machine: Machine, queue: str) -> None:
    original = run_by_hand(machine)
    assert loss(machine, original) == [1.0]
    clone = machine.api("tasks.clone", task=original)["id"]
    changed = {"section": "General", "name": "rate", "value": "0.5"}
    machine.api("tasks.edit_hyper_params", task=clone, hyperparams=[changed])
    machine.api("tasks.enqueue", task=clone, queue_name=queue)
    machine.daemon("--queue", queue)
    machine.wait_for_end([clone])
    found = machine.document(clone)
    assert "learns at 0.5 float" in machine.console(clone)
    assert loss(machine, clone) == [5.0]
    assert [a["key"] for a in found["execution"]["artifacts"]] == ["numbers"]
    assert found["hyperparams"]["General"]["layers"]["value"] == "2"
