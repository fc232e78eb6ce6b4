"""Supervisors from a process that only forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spawner import Spawner, SpawnerError
from taskyard.agent.run.spec import Code, Environment, Outcome, RunSpec, Secrets
from taskyard.api.errors import Cause
from tests.agent.runs import SPAWNER, WAITS, Runs, bed, console, go_on, gone, written
from tests.beds.waiting import until


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with bed(tmp_path) as runs:
        yield runs


def spawner_of(folder: Path) -> int:
    """Return the pid of the spawner: the parent of the supervisors."""
    supervisor = folders.read_state(folder).supervisor
    status = Path(f"/proc/{supervisor}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


def test_the_answer_is_the_supervisors_pid(runs: Runs) -> None:
    folder = runs.make("")
    pid = runs.spawner.start(folder)
    assert runs.seen_over(folder).state.supervisor == pid


def test_the_agents_own_spawner_takes_the_real_steps(tmp_path: Path) -> None:
    executor = ProcessExecutor()
    spec = RunSpec(
        task="task",
        attempt=1,
        code=Code(diff="print('from a task without a repository')\n"),
        environment=Environment(manager="image"),
        cache=str(tmp_path / "cache"),
    )
    folder = folders.create(tmp_path / "runs", spec, Secrets())
    executor.start(folder)
    until(lambda: executor.poll(folder).over, "the end of the run")
    executor.close()
    seen = executor.poll(folder)
    assert seen.outcome == Outcome()
    assert console(folder) == "from a task without a repository\n"
    assert seen.state.python.startswith("3.")


def test_one_spawner_starts_all_supervisors(runs: Runs) -> None:
    first, second = runs.begin(WAITS), runs.begin(WAITS)
    written(first, "up")
    written(second, "up")
    assert spawner_of(first) == spawner_of(second)


def test_a_spawner_that_died_is_replaced(runs: Runs) -> None:
    first = runs.begin(WAITS)
    written(first, "up")
    spawner = spawner_of(first)
    os.kill(spawner, 9)
    until(lambda: gone(spawner), "the spawner's end")
    assert runs.run("") == Outcome()


def test_supervisors_outlive_their_spawner(runs: Runs) -> None:
    folder = runs.begin(WAITS)
    written(folder, "up")
    spawner, supervisor = spawner_of(folder), folders.read_state(folder).supervisor
    runs.spawner.close()
    assert gone(spawner)
    go_on(folder)
    seen = runs.seen_over(folder)
    assert seen.outcome == Outcome()
    assert seen.state.supervisor == supervisor


def waiting(folder: Path) -> tuple[int, int]:
    """Return the pids of the processes that wait for the next run, besides those of ``folder``:
    the supervisor's and, below it, the keeper's."""
    supervisor = folders.read_state(folder).supervisor
    found: list[int] = []

    def there() -> bool:
        run = {supervisor, *processes.descendants(supervisor)}
        below = processes.living(processes.descendants(spawner_of(folder)))
        found[:] = [pid for pid in below if pid not in run]
        return len(found) == 2

    until(there, "the processes for the next run")
    return found[0], found[1]


def test_the_next_supervisor_is_forked_before_it_is_needed(runs: Runs) -> None:
    first = runs.begin(WAITS)
    written(first, "up")
    spare, _ = waiting(first)
    assert runs.spawner.start(runs.make("")) == spare


def test_a_waiting_process_that_was_killed_is_replaced(runs: Runs) -> None:
    first = runs.begin(WAITS)
    written(first, "up")
    spare, _ = waiting(first)
    os.kill(spare, 9)
    until(lambda: gone(spare), "the end of the waiting process")
    assert runs.run("") == Outcome()


def test_the_waiting_process_ends_with_the_spawner(runs: Runs) -> None:
    first = runs.begin(WAITS)
    written(first, "up")
    spare = waiting(first)
    runs.spawner.close()
    for pid in spare:
        until(lambda pid=pid: gone(pid), "the end of a waiting process")  # type: ignore[misc]


def test_a_run_has_the_keeper_that_stood_by(runs: Runs) -> None:
    first = runs.begin(WAITS)
    written(first, "up")
    _, keeper = waiting(first)
    second = runs.begin(WAITS)
    written(second, "up")
    process = folders.read_process(second)
    assert process is not None
    assert process.keeper == keeper


def test_a_run_whose_keeper_was_killed_before_it_began_has_another(runs: Runs) -> None:
    first = runs.begin(WAITS)
    written(first, "up")
    supervisor, keeper = waiting(first)
    os.kill(keeper, 9)
    folder = runs.make("")
    assert runs.spawner.start(folder) == supervisor
    assert runs.outcome(folder) == Outcome()


def test_a_spawner_ends_with_its_agent(tmp_path: Path) -> None:
    """The agent is killed: no farewell, the kernel closes its end of the socket."""
    agent = (
        "import sys, time\n"
        "from taskyard.agent.run.spawner import Spawner\n"
        f"spawner = Spawner({SPAWNER!r})\n"
        "spawner.open()\n"
        "print(spawner._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", agent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        spawner = int(process.stdout.readline())
        process.kill()
    until(lambda: gone(spawner), "the spawner's end")


def test_no_ended_supervisor_stays_behind_as_a_zombie(runs: Runs) -> None:
    folder = runs.begin("", name="refused")
    supervisor = runs.seen_over(folder).state.supervisor
    until(lambda: processes.start_time(supervisor) == 0.0, "the kernel to forget the supervisor")


def keeper_of(folder: Path) -> int:
    process = folders.read_process(folder)
    assert process is not None
    return process.keeper


def in_turn(runs: Runs, between: Callable[[int], None] = lambda _: None) -> tuple[Path, Path]:
    """Two runs that one supervisor had: one that has ended, and the next, which waits to go on.

    ``between`` is called with the supervisor's pid after the first.
    """

    def try_once() -> tuple[Path, Path] | None:
        first = runs.begin("")
        supervisor = runs.seen_over(first).state.supervisor
        between(supervisor)
        second = runs.begin(WAITS)
        written(second, "up")
        if until(lambda: folders.read_state(second).pid, "the pid in the state"):
            if folders.read_state(second).supervisor == supervisor:
                return first, second
            go_on(second)
            runs.outcome(second)
        return None

    found = until(try_once, "a supervisor with two runs")
    assert found is not None
    return found


def test_a_supervisor_and_its_keeper_have_one_run_after_the_other(runs: Runs) -> None:
    first, second = in_turn(runs)
    assert keeper_of(first) == keeper_of(second)
    go_on(second)
    assert runs.outcome(second) == Outcome()
    assert console(second).split() == ["up", "done"]


def test_a_stop_of_the_run_before_is_not_for_the_next(runs: Runs) -> None:
    first, second = in_turn(runs)
    runs.executor.stop(first, 0.0)
    go_on(second)
    assert runs.outcome(second) == Outcome()


def test_a_signal_for_the_run_before_is_not_for_the_next(runs: Runs) -> None:
    _, second = in_turn(runs, between=lambda supervisor: os.kill(supervisor, signal.SIGTERM))
    go_on(second)
    assert runs.outcome(second) == Outcome()


def test_a_stop_of_a_supervisors_second_run_is_heard(runs: Runs) -> None:
    _, second = in_turn(runs)
    runs.executor.stop(second, 5.0)
    assert runs.outcome(second).cause == Cause.ABORTED


def test_a_supervisor_that_waits_has_nothing_of_its_last_run(runs: Runs) -> None:
    _, folder = in_turn(runs)
    go_on(folder)
    supervisor, keeper = runs.seen_over(folder).state.supervisor, keeper_of(folder)

    def free() -> bool:
        opened = [f for pid in (supervisor, keeper) for f in Path(f"/proc/{pid}").glob("fd/*")]
        places = [os.readlink(f) for f in opened]
        places += [os.readlink(f"/proc/{pid}/cwd") for pid in (supervisor, keeper)]
        return bool(opened) and not any(str(runs.root) in place for place in places)

    until(free, "the end of all that the run had open")


def test_supervisors_that_wait_for_another_run_end_with_the_spawner(runs: Runs) -> None:
    _, folder = in_turn(runs)
    go_on(folder)
    supervisor, keeper = runs.seen_over(folder).state.supervisor, keeper_of(folder)
    runs.spawner.close()
    until(lambda: gone(supervisor), "the end of a waiting supervisor")
    until(lambda: gone(keeper), "the end of a waiting keeper")


def test_what_a_supervisors_second_run_leaves_running_is_ended(runs: Runs) -> None:
    _, folder = in_turn(runs)
    go_on(folder)
    runs.outcome(folder)
    leaves = "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)\n"
    child = runs.begin(leaves)
    assert runs.outcome(child) == Outcome()
    assert gone(int(console(child).split()[0]))


def test_a_spawner_that_cannot_work_is_an_error_that_names_the_run(tmp_path: Path) -> None:
    spawner = Spawner([sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(SpawnerError, match=r"no supervisor for task\.1"):
        spawner.start(tmp_path / "task.1")
    spawner.close()
