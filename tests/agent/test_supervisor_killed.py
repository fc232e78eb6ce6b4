"""Attempts whose supervisor is killed: another one goes on, or says what can be known."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import verdict
from taskyard.agent.run.spawner import Spawner
from taskyard.agent.run.spec import Outcome, Process
from taskyard.agent.run.standing import Standing, look
from taskyard.api.errors import Cause
from tests.agent.runs import WAITS, Runs, bed, console, go_on, gone, kill_supervisor, written
from tests.beds.waiting import until

FAILS_LATER = WAITS + "raise SystemExit(3)\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with bed(tmp_path_factory.mktemp("agent")) as runs:
        yield runs


def started(runs: Runs, code: str, **more: object) -> Path:
    """Begin a run, and wait until its code is up and its state says so."""
    folder = runs.begin(code, **more)
    written(folder, "up")
    until(lambda: folders.read_state(folder).pid, "the pid in the state")
    return folder


def process_of(folder: Path) -> Process:
    process = folders.read_process(folder)
    assert process is not None
    return process


def test_the_code_goes_on_and_its_true_exit_code_is_known(runs: Runs) -> None:
    folder = started(runs, FAILS_LATER)
    pid = folders.read_state(folder).pid
    kill_supervisor(folder)
    assert look(folder)[0] == Standing.ORPHANED
    runs.executor.adopt(folder)
    until(lambda: look(folder)[0] == Standing.WATCHED, "a new supervisor")
    assert folders.read_state(folder).pid == pid
    go_on(folder)
    assert runs.outcome(folder).exit_code == 3


def test_no_line_of_the_console_is_lost(runs: Runs) -> None:
    folder = started(runs, WAITS + "for i in range(2000): print('line', i)\n")
    kill_supervisor(folder)
    go_on(folder)
    runs.outcome(folder)
    assert console(folder).splitlines() == ["up", "done", *(f"line {i}" for i in range(2000))]


def test_an_end_that_nobody_watched_is_reported_as_it_was(runs: Runs) -> None:
    folder = started(runs, FAILS_LATER)
    process = process_of(folder)
    kill_supervisor(folder)
    go_on(folder)
    until(lambda: gone(process.keeper), "the end of the run")
    assert look(folder)[0] == Standing.UNREPORTED
    runs.executor.adopt(folder)
    outcome = runs.outcome(folder)
    assert (outcome.exit_code, outcome.cause) == (3, Cause.USER_CODE)


def test_an_end_before_a_restart_of_the_machine_is_reported_as_it_was(runs: Runs) -> None:
    folder = started(runs, WAITS)
    process = process_of(folder)
    kill_supervisor(folder)
    go_on(folder)
    until(lambda: gone(process.keeper), "the end of the run")
    pretend_reboot(folder)
    assert runs.outcome(folder) == Outcome()


def test_the_phases_of_the_first_supervisor_are_kept(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_supervisor(folder)
    runs.executor.adopt(folder)
    go_on(folder)
    phases = runs.seen_over(folder).state.phases
    assert [phase.name for phase in phases][-1] == "launch"
    assert len(phases) == 5
    assert phases[-1].ended >= phases[-1].started


def test_an_adopted_run_can_be_aborted(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_supervisor(folder)
    runs.executor.adopt(folder)
    until(lambda: look(folder)[0] == Standing.WATCHED, "a new supervisor")
    runs.executor.stop(folder, 20.0)
    assert runs.outcome(folder).cause == Cause.ABORTED


def test_a_stop_asked_for_while_there_is_no_supervisor_is_done_by_the_next(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_supervisor(folder)
    runs.executor.stop(folder, 20.0)
    assert runs.outcome(folder).cause == Cause.ABORTED
    assert gone(process_of(folder).pid)


def test_an_adopted_runs_time_limit_counts_from_its_own_start(runs: Runs) -> None:
    folder = started(runs, WAITS, time_limit=1.0)
    kill_supervisor(folder)
    process = process_of(folder)
    until(lambda: processes.uptime() > process.pid_start + 1.0, "the limit has passed")
    assert runs.outcome(folder).cause == Cause.TIME_OUT


def test_what_an_adopted_run_leaves_running_is_ended(runs: Runs) -> None:
    code = WAITS + (
        "import subprocess\n"
        "print('left', subprocess.Popen(['sleep', '600'], start_new_session=True).pid)\n"
    )
    folder = started(runs, code)
    kill_supervisor(folder)
    go_on(folder)
    text = written(folder, "left ")
    assert runs.outcome(folder) == Outcome()
    assert gone(int(text.split("left ")[1].split()[0]))


def test_a_killed_keeper_costs_nothing_while_the_supervisor_lives(runs: Runs) -> None:
    folder = started(runs, FAILS_LATER)
    os.kill(process_of(folder).keeper, 9)
    go_on(folder)
    assert runs.outcome(folder).exit_code == 3


def test_without_supervisor_and_keeper_the_code_is_still_watched_to_its_end(runs: Runs) -> None:
    folder = started(runs, FAILS_LATER)
    process = process_of(folder)
    kill_supervisor(folder)
    os.kill(process.keeper, 9)
    until(lambda: gone(process.keeper), "the keeper's end")
    runs.executor.adopt(folder)
    until(lambda: look(folder)[0] == Standing.WATCHED, "a new supervisor")
    go_on(folder)
    outcome = runs.outcome(folder)
    assert outcome.cause == Cause.WORKER_LOST
    assert "exit code is not known" in outcome.message


def test_without_supervisor_and_keeper_the_whole_session_can_be_aborted(runs: Runs) -> None:
    code = "import subprocess; print('child', subprocess.Popen(['sleep', '600']).pid)\n" + WAITS
    folder = started(runs, code)
    process = process_of(folder)
    child = int(console(folder).split()[1])
    kill_supervisor(folder)
    os.kill(process.keeper, 9)
    until(lambda: gone(process.keeper), "the keeper's end")
    runs.executor.stop(folder, 20.0)
    assert runs.outcome(folder).cause == Cause.ABORTED
    assert gone(child)


def test_a_run_of_which_nothing_lives_is_lost(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_everything(folder)
    outcome = runs.outcome(folder)
    assert outcome.cause == Cause.WORKER_LOST
    assert "killed during launch" in outcome.message


def test_a_supervisor_killed_in_a_step_means_lost_in_that_step(runs: Runs) -> None:
    folder = runs.begin("", name="slow tool")
    written(folder, "tool starts")
    state = folders.read_state(folder)
    tools = until(lambda: processes.descendants(state.supervisor), "a tool")
    kill_supervisor(folder)
    outcome = runs.outcome(folder)
    assert outcome.cause == Cause.WORKER_LOST
    assert "killed during patch" in outcome.message
    until(lambda: not processes.living(tools), "the end of the step's tools")


def test_a_run_from_before_a_restart_of_the_machine_says_so(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_everything(folder)
    pretend_reboot(folder)
    assert look(folder)[0] == Standing.REBOOTED
    assert "the machine was restarted" in runs.outcome(folder).message


@pytest.mark.parametrize(
    ("attempt", "cause"), [(1, Cause.INTERRUPTED), (2, Cause.INTERRUPTED), (3, Cause.WORKER_LOST)]
)
def test_a_task_that_may_restart_machines_is_not_queued_for_ever(
    attempt: int, cause: Cause
) -> None:
    assert verdict.rebooted(attempt, "launch").cause == cause


def test_a_process_with_the_same_number_after_a_restart_is_not_taken_for_ours(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_everything(folder)
    pretend_reboot(folder)
    state = folders.read_state(folder)
    state.supervisor, state.supervisor_start = os.getpid(), processes.start_time(os.getpid())
    folders.write_state(folder, state)
    assert runs.outcome(folder).cause == Cause.WORKER_LOST


def test_a_look_survives_that_no_new_supervisor_can_be_started(runs: Runs) -> None:
    folder = started(runs, WAITS)
    kill_supervisor(folder)
    broken = ProcessExecutor(Spawner([sys.executable, "-c", "raise SystemExit(1)"]))
    assert broken.poll(folder).standing == Standing.ORPHANED
    broken.close()


def test_an_agent_that_died_between_folder_and_start_is_made_up_for(runs: Runs) -> None:
    folder = runs.make("print('ran')")
    runs.executor.adopt(folder)
    assert runs.outcome(folder) == Outcome()


def kill_everything(folder: Path) -> None:
    process = process_of(folder)
    kill_supervisor(folder)
    for pid in (process.keeper, process.pid):
        os.kill(pid, 9)
    until(lambda: gone(process.keeper) and gone(process.pid), "the end of all processes")


def pretend_reboot(folder: Path) -> None:
    state = folders.read_state(folder)
    state.boot_id = "another boot"
    folders.write_state(folder, state)
