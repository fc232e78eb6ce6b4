"""Agent, supervisor, stream and container die at any moment: no task and no line is lost."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil
import pytest

from taskyard.agent.environments import store
from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run.standing import Standing, look
from tests.beds import docker
from tests.beds.agent import Agent
from tests.beds.waiting import until
from tests.containers.conftest import Yard

COUNTS = """
import sys, time
for number in range(150):
    print("line", number, flush=True)
    time.sleep(0.02)
"""
LINES = [f"line {number}" for number in range(150)]
LONG = "import time\nprint('up', flush=True)\ntime.sleep(600)\n"


def kill_supervisor(folder: Path) -> None:
    state = folders.read_state(folder)
    os.kill(state.supervisor, signal.SIGKILL)
    until(
        lambda: not processes.alive(state.supervisor, state.supervisor_start),
        "the supervisor's end",
    )


def holds(pid: int, key: str) -> bool:
    """Whether a process has the lock of an environment. To try the lock would be in its way."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if descriptor.readlink().name == key:
                return "lock:" in Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text()
    return False


def cleared(task: str) -> bool:
    return not [name for name in docker.containers() if task in name]


@pytest.fixture
def agent(yard: Yard, queue: str) -> Agent:
    return yard.agent(queue)


def test_a_container_outlives_its_killed_agent_and_the_next_one_goes_on(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.submit(COUNTS, queue)
    yard.site.printed_by(task, "line 5\n")
    agent.kill()
    yard.agent(queue, worker=agent.worker)
    assert yard.outcome(task)[0] == "completed"
    assert yard.lines(task) == LINES
    assert [a["attempt"] for a in yard.site.attempts(task)] == [1]
    until(lambda: cleared(task), "the container's removal")


def test_a_container_outlives_its_killed_supervisor_and_no_line_is_lost(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.submit(COUNTS + "sys.exit(4)", queue)
    yard.site.printed_by(task, "line 5\n")
    kill_supervisor(agent.run_folder(task))
    assert yard.outcome(task) == ("failed", "user code", "exit code 4: line 149")
    assert yard.lines(task) == LINES


def test_a_second_supervisor_keeps_the_environment_from_being_dropped(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.submit(LONG, queue)
    yard.site.printed_by(task, "up")
    folder = agent.run_folder(task)
    first = folders.read_state(folder)
    kill_supervisor(folder)
    until(
        lambda: (
            (second := folders.read_state(folder).supervisor) != first.supervisor
            and look(folder)[0] == Standing.WATCHED
            and holds(second, first.environment_key)
        ),
        "the second supervisor",
    )
    cache = yard.site.agent_data
    assert first.environment_key not in store.collect(cache, max_bytes=1, min_free=0)
    assert (store.folder(cache) / first.environment_key).exists()
    yard.site.printed("abort", task)
    assert yard.outcome(task)[0] == "stopped"


def test_agent_and_supervisor_may_die_together_and_miss_the_end(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.submit(COUNTS, queue)
    yard.site.printed_by(task, "line 5\n")
    agent.kill()
    kill_supervisor(agent.run_folder(task))
    name = yard.container(task)
    form = "{{.State.Status}}"
    until(lambda: docker.docker("inspect", "--format", form, name) == "exited", "the task's end")
    yard.agent(queue, worker=agent.worker)
    assert yard.outcome(task)[0] == "completed"
    assert yard.lines(task) == LINES


def test_a_stream_that_breaks_is_taken_up_where_it_was(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.submit(COUNTS, queue)
    yard.site.printed_by(task, "line 5\n")
    supervisor = psutil.Process(folders.read_state(agent.run_folder(task)).supervisor)
    streams = [child for child in supervisor.children() if "logs" in child.cmdline()]
    assert len(streams) == 1
    streams[0].kill()
    assert yard.outcome(task)[0] == "completed"
    assert yard.lines(task) == LINES


@pytest.mark.parametrize("phase", ["environment", "setup"])
def test_a_supervisor_killed_in_an_early_step_leaves_nothing_behind(
    yard: Yard, queue: str, phase: str
) -> None:
    agent = yard.agent(queue)
    # The script runs where the environment is made first, and then in the task's container.
    slow = "sleep 3" if phase == "environment" else "test -e /taskyard/cache || sleep 3"
    task = yard.submit("print('end')", queue, setup_shell_script=slow)
    folder = agent.run_folder(task)
    until(
        lambda: (
            folder.exists()
            and (phases := folders.read_state(folder).phases)
            and phases[-1].name == phase
            and not cleared(task)
        ),
        f"the step {phase}",
    )
    kill_supervisor(folder)
    status, cause, _ = yard.outcome(task)
    # The container of a task goes on by itself; what was still being made for it is lost.
    expected = ("failed", "worker lost") if phase == "environment" else ("completed", "")
    assert (status, cause if status == "failed" else "") == expected, yard.site.attempts(task)
    until(lambda: cleared(task), "the removal of all containers")


def test_a_container_that_somebody_kills_is_told(yard: Yard, queue: str, agent: Agent) -> None:
    task = yard.submit(LONG, queue)
    yard.site.printed_by(task, "up")
    docker.docker("kill", yard.container(task))
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "user code")
    assert "signal 9" in message


def test_a_container_that_somebody_removes_is_told(yard: Yard, queue: str, agent: Agent) -> None:
    task = yard.submit(LONG, queue)
    yard.site.printed_by(task, "up")
    docker.docker("rm", "--force", yard.container(task))
    status, _, message = yard.outcome(task)
    # Removing it kills it first, which may be seen before it is gone.
    assert status == "failed"
    assert "removed the container" in message or "signal 9" in message


def test_an_abort_is_polite_to_all_processes_of_a_container(
    yard: Yard, queue: str, agent: Agent
) -> None:
    code = """
import subprocess, sys
subprocess.run([sys.executable, "-uc", '''
import signal, sys, time
def leave(*_):
    time.sleep(0.3)
    print("saved a checkpoint", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
'''])
"""
    task = yard.submit("import signal\nsignal.signal(15, lambda *_: None)\n" + code, queue)
    yard.site.printed_by(task, "up")
    yard.site.printed("abort", task)
    assert yard.outcome(task)[0] == "stopped"
    assert "saved a checkpoint" in yard.lines(task)
    until(lambda: cleared(task), "the container's removal")


def test_an_abort_kills_a_container_that_does_not_listen(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.site.submit(
        "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + LONG, queue, flags=("--draft",)
    )
    yard.site.api("tasks.edit", task=task, limits={"grace": 0.5})
    yard.site.printed("enqueue", task, "--queue", queue)
    yard.site.printed_by(task, "up")
    yard.site.printed("abort", task)
    status, _, message = yard.outcome(task)
    assert status == "stopped"
    assert "killed after 0.5 s" in message


def test_a_stopped_agent_gives_its_task_back_and_removes_the_container(
    yard: Yard, queue: str, agent: Agent
) -> None:
    task = yard.submit(LONG, queue)
    yard.site.printed_by(task, "up")
    assert agent.terminate() == 0
    assert yard.site.status(task) == "queued"
    until(lambda: cleared(task), "the container's removal")


def test_a_container_left_behind_is_removed_by_the_next_agent(yard: Yard, queue: str) -> None:
    agent = yard.agent(queue)
    agent.terminate()
    left = agent.runs / "0123456789abcdef.1"
    docker.docker(
        "run", "--detach", "--name", "taskyard-left", "--label", f"taskyard.run={left}",
        docker.IMAGE, "sleep", "600",
    )  # fmt: skip
    yard.agent(queue, worker=agent.worker)
    until(lambda: "taskyard-left" not in docker.containers(), "the container's removal")
