"""Runs that go over a limit of their own: time, silence, memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.machine import memory, memory_group, processes
from taskyard.agent.run import folder as folders
from taskyard.api.errors import Cause
from tests.agent.runs import WAITS, Runs, bed, console, go_on, kill_supervisor, written

MIB = 1 << 20

TALKS = """
import time
for number in range(8):
    print("word", number, flush=True)
    time.sleep(0.25)
"""
GROWS = """
import time
held = []
print("up", flush=True)
for _ in range(1000):
    held.append(bytearray(4 << 20))
    time.sleep(0.005)
print("never")
"""
CHILD_GROWS = f"""
import subprocess, sys
code = {GROWS!r}
sys.exit(3 if subprocess.run([sys.executable, "-c", code]).returncode else 0)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with bed(tmp_path_factory.mktemp("agent")) as runs:
        yield runs


def test_a_run_that_writes_nothing_for_too_long_is_ended(runs: Runs) -> None:
    outcome = runs.run(WAITS, quiet_limit=0.5)
    assert outcome.cause == Cause.TIME_OUT
    assert outcome.message == "it wrote nothing for 0.5 s, its limit"


def test_a_run_that_goes_on_writing_is_left_alone(runs: Runs) -> None:
    assert runs.run(TALKS, quiet_limit=1.5).cause == ""


def test_silence_is_watched_on_after_the_supervisor_was_killed(runs: Runs) -> None:
    folder = runs.begin(WAITS, quiet_limit=2.0)
    written(folder, "up")
    kill_supervisor(folder)
    assert runs.outcome(folder).cause == Cause.TIME_OUT


def test_a_run_that_takes_too_much_memory_is_ended_as_out_of_memory(runs: Runs) -> None:
    outcome = runs.run(GROWS, memory=96 * MIB)
    assert outcome.cause == Cause.OUT_OF_MEMORY
    assert "limit of 96 MiB" in outcome.message


def test_the_memory_of_what_it_started_counts(runs: Runs) -> None:
    outcome = runs.run(CHILD_GROWS, memory=96 * MIB)
    assert outcome.cause == Cause.OUT_OF_MEMORY


def test_a_run_within_its_memory_is_left_alone(runs: Runs) -> None:
    folder = runs.begin(WAITS, memory=512 * MIB)
    written(folder, "up")
    go_on(folder)
    assert runs.outcome(folder).cause == ""
    assert "done" in console(folder)


def test_nothing_is_left_of_a_memory_limit_after_the_run(runs: Runs) -> None:
    folder = runs.begin(GROWS, memory=96 * MIB)
    runs.outcome(folder)
    process = folders.read_process(folder)
    assert process is not None
    assert not process.memory_group or not Path(process.memory_group).exists()


@pytest.fixture(scope="module")
def without_groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs on a machine that lets nobody make control groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_NO_GROUPS", "1")
        with bed(tmp_path_factory.mktemp("agent")) as runs:
            yield runs


def test_memory_is_watched_where_the_kernel_does_not_hold_the_limit(without_groups: Runs) -> None:
    outcome = without_groups.run(CHILD_GROWS, memory=96 * MIB)
    assert outcome.cause == Cause.OUT_OF_MEMORY
    assert "more than its limit of 96 MiB" in outcome.message


def test_a_take_over_goes_on_watching_the_memory(without_groups: Runs) -> None:
    folder = without_groups.begin(WAITS + GROWS, memory=96 * MIB)
    written(folder, "up")
    kill_supervisor(folder)
    go_on(folder)
    assert without_groups.outcome(folder).cause == Cause.OUT_OF_MEMORY


def test_shared_pages_are_counted_once(runs: Runs) -> None:
    code = f"""
import os, time
block = bytearray(os.urandom(1) * ({48 * MIB}))
children = [os.fork() for _ in range(2)]
if 0 in children:
    time.sleep(600)
print("up", flush=True)
time.sleep(600)
"""
    folder = runs.begin(code)
    written(folder, "up")
    process = folders.read_process(folder)
    assert process is not None
    tree = [process.pid, *processes.descendants(process.pid)]
    assert memory.used(tree, enough=1 << 40) > 140 * MIB
    assert memory.used(tree, enough=64 * MIB) < 120 * MIB
    runs.executor.stop(folder, 0.0)
    runs.outcome(folder)


def fake_group(root: Path, path: str, *files: str) -> Path:
    group = root / "sys/fs/cgroup" / path
    group.mkdir(parents=True)
    for file in files:
        (group / file).touch()
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    return group


def test_a_group_is_asked_for_beside_ours_where_ours_has_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_group(tmp_path, "agent.service", "cgroup.subtree_control")
    fake_group(tmp_path, "agent.service/main", "cgroup.subtree_control")
    (tmp_path / "proc/self/cgroup").write_text("0::/agent.service/main\n")
    real = Path.mkdir

    def mkdir(path: Path, *args: object, **more: object) -> None:
        """As the kernel does it: the controller's files are there in the delegated one only."""
        real(path, *args, **more)  # type: ignore[arg-type]
        if path.parent.name == "agent.service":
            (path / "memory.max").touch()
            (path / "memory.swap.max").touch()

    monkeypatch.setattr(Path, "mkdir", mkdir)
    group = memory_group.make("run", 5 * MIB, tmp_path)
    assert group == tmp_path / "sys/fs/cgroup/agent.service/run"
    assert (group / "memory.max").read_text() == str(5 * MIB)
    assert (group / "memory.swap.max").read_text() == "0"


def test_without_any_controller_there_is_no_group(tmp_path: Path) -> None:
    group = fake_group(tmp_path, "user.slice", "cgroup.subtree_control")
    (tmp_path / "proc/self/cgroup").write_text("0::/user.slice\n")
    assert memory_group.make("run", MIB, tmp_path) is None
    assert [path.name for path in group.iterdir()] == ["cgroup.subtree_control"]


def test_where_nothing_is_known_of_groups_there_is_none(tmp_path: Path) -> None:
    assert memory_group.make("run", MIB, tmp_path) is None
