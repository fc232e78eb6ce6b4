"""Attempts that are made to end: politely, then not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import Outcome
from taskyard.api.errors import Cause
from tests.agent.runs import WAITS, Runs, bed, console, gone, written
from tests.beds.waiting import until

CHECKPOINT = """
import os, signal, sys, time
def save(*_):
    time.sleep(0.2)
    open(os.environ["TASKYARD_CHECKPOINT_DIR"] + "/saved", "w").write("epoch 7")
    print("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("up", flush=True)
time.sleep(600)
"""

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) < 2:
    child = subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
elif sys.argv[1] == "child":
    child = subprocess.Popen([sys.executable, __file__, "grandchild"], start_new_session=True)
else:
    print("all up", flush=True)
print("pid", os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with bed(tmp_path_factory.mktemp("agent")) as runs:
        yield runs


def test_an_abort_leaves_time_to_save_a_checkpoint(runs: Runs) -> None:
    folder = runs.begin(CHECKPOINT)
    written(folder, "up")
    runs.executor.stop(folder, 20.0, message="aborted by Ada")
    outcome = runs.outcome(folder)
    assert (outcome.cause, outcome.message) == (Cause.ABORTED, "aborted by Ada")
    saved = folders.checkpoints(runs.root.parent / "cache", "task") / "saved"
    assert saved.read_text() == "epoch 7"


def test_the_program_of_a_shell_script_has_its_grace_though_the_shell_is_gone(runs: Runs) -> None:
    script = f"python - <<'END'\n{CHECKPOINT}\nEND\n"
    folder = runs.begin(script, entry_point="run.sh")
    written(folder, "up")
    runs.executor.stop(folder, 20.0)
    runs.outcome(folder)
    assert "saved" in console(folder)


def test_a_stubborn_tree_is_killed_after_its_grace_whatever_session_it_moved_to(runs: Runs) -> None:
    folder = runs.begin(STUBBORN)
    text = until(lambda: t if (t := console(folder)).count("pid ") == 3 else "", "three processes")
    runs.executor.stop(folder, 0.3)
    outcome = runs.outcome(folder)
    pids = [int(line.split()[1]) for line in text.splitlines() if line.startswith("pid ")]
    assert [gone(pid) for pid in pids] == [True, True, True]
    assert outcome.cause == Cause.ABORTED
    assert outcome.exit_code == 137
    assert "killed after 0.3 s of grace" in outcome.message


def test_a_later_stop_may_shorten_the_grace(runs: Runs) -> None:
    folder = runs.begin(STUBBORN)
    written(folder, "all up")
    runs.executor.stop(folder, 600.0)
    written(folder, "stopping")
    runs.executor.stop(folder, 0.0)
    assert runs.outcome(folder).cause == Cause.ABORTED


def test_an_abort_during_a_step_ends_the_tool_and_starts_nothing(runs: Runs) -> None:
    folder = runs.begin("print('never')", name="slow tool")
    supervisor = until(lambda: folders.read_state(folder).supervisor, "a supervisor")

    def tools() -> list[int]:
        return [
            pid
            for pid in processes.descendants(supervisor)
            if processes.name(pid) == "stubborntool"
        ]

    tool = until(tools, "the tool")[0]
    runs.executor.stop(folder, 20.0)
    seen = runs.seen_over(folder)
    assert gone(tool)
    assert (seen.outcome.cause, seen.outcome.exit_code) == (Cause.ABORTED, -1)
    assert seen.state.phases[-1].name == "patch"


def test_a_run_stopped_before_its_start_runs_nothing(runs: Runs) -> None:
    folder = runs.make("print('never')")
    runs.executor.stop(folder, 20.0)
    runs.executor.start(folder)
    assert runs.outcome(folder).cause == Cause.ABORTED
    assert "never" not in console(folder)


def test_a_stop_right_after_the_start_is_not_missed(runs: Runs) -> None:
    for _ in range(10):
        folder = runs.begin("import time; time.sleep(600)")
        runs.executor.stop(folder, 20.0)
        assert runs.outcome(folder).cause == Cause.ABORTED


def test_a_run_over_its_time_limit_is_ended(runs: Runs) -> None:
    outcome = runs.run(WAITS, time_limit=0.5)
    assert outcome.cause == Cause.TIME_OUT
    assert outcome.message == "it ran longer than its limit of 0.5 s"


def test_a_time_limit_leaves_the_grace_too(runs: Runs) -> None:
    folder = runs.begin(CHECKPOINT, time_limit=0.5)
    runs.outcome(folder)
    assert "saved" in console(folder)


def test_a_supervisor_told_to_stop_by_others_counts_as_interrupted(runs: Runs) -> None:
    folder = runs.begin(WAITS)
    written(folder, "up")
    os.kill(folders.read_state(folder).supervisor, signal.SIGTERM)
    outcome = runs.outcome(folder)
    assert outcome.cause == Cause.INTERRUPTED


def test_stopping_a_run_that_is_over_changes_nothing(runs: Runs) -> None:
    folder = runs.begin("")
    runs.outcome(folder)
    runs.executor.stop(folder, 20.0)
    assert runs.outcome(folder) == Outcome()
