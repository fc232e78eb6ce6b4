"""From the enqueue to the first line of the user's code in a container, all of it known already.

The floor is the engine's own ``docker run`` of the same image. The image is that of the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.beds import docker

from benchmarks import peers, stage, turns
from benchmarks.figures import Measure
from benchmarks.stage import TASKYARD, Stage, Stamps, plain_environment
from benchmarks.turns import Sample
from benchmarks.warm_start import FIRST_LINE, SLOW_SHARE, start
from taskyard.agent.containers import access


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample every contender in turn, ``rounds`` times."""
    docker.set_up()
    shared = folder / "shared"
    shared.mkdir()
    stamps = Stamps(shared / "stamps")
    code = FIRST_LINE.format(stamps=str(stamps.path))
    script = {"entry_point": "main.py", "binary": "python3", "diff": code}
    arguments = ["--network=host", "-v", f"{shared}:{shared}"]
    with (
        stage.server(folder / "stage") as running,
        agent(running, "ours", arguments),
        clearml_agent(running, "clearml", arguments),
    ):
        contenders: dict[str, Sample] = {
            "taskyard": lambda: start(running, stamps, script, "ours"),
            "docker run": lambda: start_by_engine(code, arguments, stamps),
        }
        polled: dict[str, Sample] = {
            "clearml-agent": lambda: start(running, stamps, script, "clearml")
        }
        for queue in ("ours", "ours", "clearml"):
            start(running, stamps, script, queue)
        samples = turns.take(contenders, rounds, polled=polled, share=SLOW_SHARE)
    stamps.close()
    return [
        Measure(
            benchmark="containers",
            what="enqueue to the first line of the user's code in a container",
            unit="ms",
            aim="docker run + 300 ms, a twentieth of clearml-agent's",
            samples=samples,
            notes=[
                "the same image and network for all; one script without packages",
                "clearml-agent finds its own packages in the container, and installs nothing",
            ],
        )
    ]


@contextlib.contextmanager
def agent(running: Stage, queue: str, arguments: list[str]) -> Iterator[None]:
    """Run an agent of ours for one queue, each task in a container."""
    environment = {
        **running.environment(),
        "TASKYARD_AGENT_DATA": str(running.folder / "agent"),
        "CLEARML_WORKER_ID": "bench:ours",
    }
    command = [*TASKYARD, "agent", "daemon", "--queue", queue, "--create-queue"]
    command += ["--docker", docker.IMAGE, " ".join(arguments)]
    with stage.program(command, environment, running.folder / "agent.log"):
        running.wait_for_worker(queue)
        yield


@contextlib.contextmanager
def clearml_agent(running: Stage, queue: str, arguments: list[str]) -> Iterator[None]:
    """Run a ``clearml-agent`` for one queue in docker mode."""
    python = peers.install()
    packages = next((peers.HOME / "lib").glob("python3*")) / "site-packages"
    home = running.folder / "clearml"
    home.mkdir()
    machine = access.of_machine(os.environ)
    words = [*arguments, "-v", f"{packages}:/packages:ro", "-e", "PYTHONPATH=/packages"]
    for folder in machine.folders:
        words += ["-v", f"{folder}:{folder}:ro"]
    for name, value in machine.variables.items():
        words += ["-e", f"{name}={value}"]
    for name in ("PYTHON_ENV", "PIP_VENV"):
        words += ["-e", f"CLEARML_AGENT_SKIP_{name}_INSTALL=1"]
    settings = home / "clearml.conf"
    settings.write_text(
        f"agent.extra_docker_arguments: {json.dumps(words)}\n"
        "agent.docker_install_opencv_libs: false\n"
        "agent.disable_agent_update_check: true\n"
    )
    profile = running.profile
    environment = {
        **plain_environment(),
        "HOME": str(home),
        "CLEARML_CONFIG_FILE": str(settings),
        "CLEARML_API_HOST": profile.url,
        "CLEARML_WEB_HOST": profile.url,
        "CLEARML_FILES_HOST": f"{profile.url}/files",
        "CLEARML_API_ACCESS_KEY": profile.access_key,
        "CLEARML_API_SECRET_KEY": profile.secret_key,
        "CLEARML_WORKER_NAME": "bench-clearml",
    }
    command = [str(python.with_name("clearml-agent")), "daemon", "--foreground", "--cpu-only"]
    command += ["--queue", queue, "--create-queue", "--docker", docker.IMAGE]
    with stage.program(command, environment, running.folder / "clearml.log"):
        running.wait_for_worker(queue)
        yield


def start_by_engine(code: str, arguments: list[str], stamps: Stamps) -> float:
    """Milliseconds for one run with the engine alone."""
    time.sleep(stage.SETTLE)
    command = ["docker", "run", "--rm", *arguments, docker.IMAGE, "python3", "-c", code]
    before = time.time_ns()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        first = stamps.next()
        process.wait()
    return (first - before) / 1e6
