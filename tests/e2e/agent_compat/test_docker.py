"""``clearml-agent daemon --docker``: its own container, its own way to start in there."""

from __future__ import annotations

import json
import os

from taskyard.agent.containers import access
from tests.beds import docker
from tests.e2e.agent_compat.machine import PROGRAMS, Machine

PACKAGES = next((PROGRAMS.parent / "lib").glob("python3*")) / "site-packages"


def arguments() -> list[str]:
    """The network of this machine; and the agent's packages, rather than have pip fetch them."""
    machine = access.of_machine(os.environ)
    words = ["--network=host", "-v", f"{PACKAGES}:/packages:ro", "-e", "PYTHONPATH=/packages"]
    for name, value in machine.variables.items():
        if not name.startswith("UV_"):
            words += ["-e", f"{name}={value}"]
    for folder in machine.folders:
        words += ["-v", f"{folder}:{folder}:ro"]
    for name in ("PYTHON_ENV", "PIP_VENV"):
        words += ["-e", f"CLEARML_AGENT_SKIP_{name}_INSTALL=1"]
    return words


def test_a_task_runs_in_a_container_of_the_vendors_agent(machine: Machine, queue: str) -> None:
    assert docker.answers(), "no container engine answers: scripts/setup-tests starts one"
    settings = machine.home / "clearml.conf"
    more = {"extra_docker_arguments": arguments(), "docker_install_opencv_libs": False}
    lines = [f"agent.{name}: {json.dumps(value)}\n" for name, value in more.items()]
    settings.write_text(settings.read_text() + "".join(lines))
    machine.daemon("--queue", queue, "--cpu-only", "--docker", docker.IMAGE)
    task = machine.task("import os; print('inside', os.path.exists('/.dockerenv'))", queue)
    assert machine.wait_for(task, "completed", "failed")["status"] == "completed"
    assert "\ninside True\n" in machine.console(task)
