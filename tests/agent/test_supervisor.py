"""One attempt from its folder to its outcome, nobody interfering."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import spec as contract
from taskyard.agent.run.spec import Outcome, Secrets
from taskyard.api.errors import Cause
from tests.agent.runs import WAITS, Runs, bed, console, go_on, gone, written
from tests.beds.waiting import until

SECRET = "s3cret-and-long"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with bed(tmp_path_factory.mktemp("agent")) as runs:
        yield runs


def test_a_run_that_goes_well_has_an_empty_outcome(runs: Runs) -> None:
    assert runs.run("print('fine')") == Outcome()


def test_all_phases_are_timed_in_order(runs: Runs) -> None:
    folder = runs.begin("")
    phases = runs.seen_over(folder).state.phases
    assert [phase.name for phase in phases] == [
        "source", "patch", "setup", "environment", "launch",
    ]  # fmt: skip
    moments = [moment for phase in phases for moment in (phase.started, phase.ended)]
    assert moments == sorted(moments)


def test_both_output_streams_go_to_the_console_as_they_are(runs: Runs) -> None:
    folder = runs.begin("import sys; print('one'); print('two', file=sys.stderr); print('three')")
    runs.outcome(folder)
    assert console(folder) == "one\ntwo\nthree\n"


def test_words_of_our_own_start_on_a_line_of_their_own(runs: Runs) -> None:
    folder = runs.begin("print('no newline', end=''); raise SystemExit(4)")
    runs.outcome(folder)
    assert console(folder) == "no newline\n[taskyard] exit code 4: no newline\n"


def test_output_is_there_while_the_code_still_runs(runs: Runs) -> None:
    folder = runs.begin("print('early'); import time; time.sleep(600)")
    written(folder, "early")
    assert not runs.executor.poll(folder).over


def test_an_exit_code_is_reported_with_the_last_line(runs: Runs) -> None:
    outcome = runs.run("raise ValueError('no such column')")
    assert outcome.exit_code == 1
    assert outcome.cause == Cause.USER_CODE
    assert outcome.message == "exit code 1: ValueError: no such column"


def test_a_signal_counts_as_128_and_its_number(runs: Runs) -> None:
    outcome = runs.run("import os; os.kill(os.getpid(), 11)")
    assert (outcome.exit_code, outcome.cause) == (139, Cause.USER_CODE)
    assert outcome.message == "killed by signal 11 (SIGSEGV)"


def test_a_kill_that_nobody_here_sent_hints_at_memory(runs: Runs) -> None:
    outcome = runs.run("import os; os.kill(os.getpid(), 9)")
    assert (outcome.exit_code, outcome.cause) == (137, Cause.USER_CODE)
    assert "no one here sent it" in outcome.message


def test_the_process_sees_its_variables_and_secrets(runs: Runs) -> None:
    folder = runs.begin(
        "import os\nfor name in ('PLAIN', 'TOKEN', 'TASKYARD_TASK_ID', 'TASKYARD_ATTEMPT'):\n"
        "    print(os.environ[name])",
        variables={"PLAIN": "value"},
        secrets=Secrets(variables={"TOKEN": SECRET}),
    )
    runs.outcome(folder)
    attempt = folder.name.rpartition(".")[2]
    assert console(folder).split() == ["value", SECRET, "task", attempt]


def test_checkpoints_of_a_task_outlive_its_attempts(runs: Runs) -> None:
    keep = "import os; print(open(os.environ['TASKYARD_CHECKPOINT_DIR'] + '/epoch', '{}').{})"
    runs.run(keep.format("w", "write('41')"))
    later = runs.begin(keep.format("r", "read()"))
    runs.outcome(later)
    assert console(later) == "41\n"


def test_what_the_process_leaves_running_is_ended(runs: Runs) -> None:
    folder = runs.begin(
        "import subprocess\nprint(subprocess.Popen(['sleep', '600'], start_new_session=True).pid)"
    )
    assert runs.outcome(folder) == Outcome()
    assert gone(int(console(folder).split()[0]))
    assert "ending what it left running: sleep" in console(folder)


def test_nothing_of_a_run_is_left_when_it_has_ended(runs: Runs) -> None:
    folder = runs.begin("")
    runs.outcome(folder)
    process = folders.read_process(folder)
    assert process is not None
    assert gone(process.pid)
    assert processes.descendants(process.keeper) == []


def test_the_supervisor_the_keeper_and_the_process_have_sessions_of_their_own(runs: Runs) -> None:
    folder = runs.begin("print('up', flush=True); import time; time.sleep(600)")
    written(folder, "up")
    state = until(lambda: s if (s := folders.read_state(folder)).pid else None, "the pid")
    process = folders.read_process(folder)
    assert state is not None
    assert process is not None
    pids = (state.supervisor, process.keeper, process.pid)
    assert [os.getsid(pid) for pid in pids] == list(pids)


def test_a_step_that_fails_names_its_cause_and_ends_the_attempt(runs: Runs) -> None:
    folder = runs.begin("print('never')", name="refused")
    seen = runs.seen_over(folder)
    assert seen.outcome == Outcome(
        exit_code=-1, cause=Cause.GIT, message="no such commit\nfatal: bad object", hint="push it"
    )
    assert seen.state.phases[-1].name == "patch"
    assert "fatal: bad object" in console(folder)


def test_a_fault_of_the_agent_is_told_apart_and_logged(runs: Runs) -> None:
    folder = runs.begin("", name="fault")
    assert runs.outcome(folder).cause == Cause.AGENT
    assert "Traceback" in (folder / contract.LOG).read_text()


def test_a_full_disk_has_its_own_cause(runs: Runs) -> None:
    assert runs.run("", name="disk full").cause == Cause.DISK_FULL


@pytest.mark.parametrize("name", ["tells secrets", "fault", ""])
def test_secrets_are_written_nowhere_but_in_their_own_file(runs: Runs, name: str) -> None:
    secrets = Secrets(variables={"TOKEN": SECRET}, git={"host": ("me", "passw0rd-of-git")})
    folder = runs.begin("", name=name, secrets=secrets)
    runs.outcome(folder)
    telling = [
        path.name
        for path in folder.iterdir()
        if path.is_file() and any(s in path.read_text() for s in (SECRET, "passw0rd-of-git"))
    ]
    assert telling == [contract.SECRETS]


def test_secrets_are_on_no_command_line(runs: Runs) -> None:
    folder = runs.begin(
        "print('up', flush=True); import time; time.sleep(600)",
        secrets=Secrets(variables={"TOKEN": SECRET}),
    )
    written(folder, "up")
    state = folders.read_state(folder)
    for pid in (state.supervisor, *processes.descendants(state.supervisor)):
        assert SECRET not in Path(f"/proc/{pid}/cmdline").read_text()


def test_the_set_up_script_runs_in_the_code_with_its_output_in_the_console(runs: Runs) -> None:
    folder = runs.begin(
        "print(open('made').read())", setup_script="echo setting up\nprintf data > made\n"
    )
    assert runs.outcome(folder) == Outcome()
    assert console(folder) == "setting up\ndata\n"


def test_a_set_up_script_stops_at_its_first_failing_command(runs: Runs) -> None:
    folder = runs.begin("print('never')", setup_script="echo broken\nfalse\necho not reached\n")
    outcome = runs.outcome(folder)
    assert outcome.cause == Cause.ENVIRONMENT
    assert outcome.message == "the set-up script failed (exit code 1): broken"
    assert "not reached" not in console(folder)


def test_a_missing_entry_point_is_the_users_to_correct(runs: Runs) -> None:
    folder = runs.make("", entry_point="train.py", setup_script="mv train.py trian.py")
    runs.executor.start(folder)
    outcome = runs.outcome(folder)
    assert outcome.cause == Cause.USER_CODE
    assert "'train.py' is not in the repository" in outcome.message
    assert "trian.py" in outcome.hint


def test_a_second_supervisor_leaves_a_supervised_run_alone(runs: Runs) -> None:
    folder = runs.begin(WAITS)
    written(folder, "up")
    first = folders.read_state(folder).supervisor
    second = runs.spawner.start(folder)
    until(lambda: gone(second), "the second supervisor's end")
    go_on(folder)
    seen = runs.seen_over(folder)
    assert seen.outcome == Outcome()
    assert seen.state.supervisor == first
    assert console(folder) == "up\ndone\n"


def test_a_run_whose_spec_cannot_be_read_still_gets_an_outcome(runs: Runs) -> None:
    folder = runs.make("")
    (folder / contract.SPEC).write_text("{")
    runs.executor.start(folder)
    assert runs.outcome(folder).cause == Cause.AGENT


def test_a_supervisor_on_an_ended_run_changes_nothing(runs: Runs) -> None:
    folder = runs.begin("print('once')")
    before = runs.seen_over(folder).state
    pid_before = before.supervisor
    runs.executor.start(folder)
    assert folders.read_state(folder).supervisor == pid_before
    assert console(folder) == "once\n"
