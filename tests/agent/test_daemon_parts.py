"""The agent's parts that need no server: what is cleared away, what is sent, what is concluded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskyard.agent import housekeeping
from taskyard.agent.follower import final_word, whole_characters
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import DELIVERED, Outcome, RunSpec, Secrets
from taskyard.api.errors import Cause


def ended_run(runs: Path, task: str, attempt: int, *, at: float) -> Path:
    folder = folders.create(runs, RunSpec(task=task, attempt=attempt, cache=""), Secrets())
    (folder / DELIVERED).touch()
    os.utime(folder / DELIVERED, (at, at))
    return folder


def test_the_oldest_of_the_delivered_runs_go(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for number in range(5):
        ended_run(runs, f"task{number}", 1, at=number)
    assert housekeeping.collect_runs(runs, tmp_path, keep=2) == ["task0.1", "task1.1", "task2.1"]
    assert [f.name for f in folders.all_runs(runs)] == ["task3.1", "task4.1"]


def test_a_run_that_the_server_does_not_know_the_end_of_stays(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    folders.create(runs, RunSpec(task="task", attempt=1, cache=""), Secrets())
    assert housekeeping.collect_runs(runs, tmp_path, keep=0) == []


def test_checkpoints_go_with_the_last_run_of_their_task(tmp_path: Path) -> None:
    runs, checkpoints = tmp_path / "runs", tmp_path / "checkpoints"
    ended_run(runs, "gone", 1, at=1)
    ended_run(runs, "kept", 1, at=2)
    ended_run(runs, "kept", 2, at=3)
    for task in ("gone", "kept"):
        (checkpoints / task).mkdir(parents=True)
    housekeeping.collect_runs(runs, tmp_path, keep=1)
    assert [f.name for f in checkpoints.iterdir()] == ["kept"]


def test_checkpoints_stay_while_another_agent_has_a_run_of_the_task(tmp_path: Path) -> None:
    ended_run(tmp_path / "agents" / "one" / "runs", "task", 1, at=1)
    ended_run(tmp_path / "agents" / "two" / "runs", "task", 2, at=2)
    kept = folders.checkpoints(tmp_path, "task")
    kept.mkdir(parents=True)
    housekeeping.collect_runs(tmp_path / "agents" / "one" / "runs", tmp_path, keep=0)
    assert kept.exists()


def test_a_run_with_read_only_folders_goes_too(tmp_path: Path) -> None:
    folder = ended_run(tmp_path / "runs", "task", 1, at=1)
    (folder / "code").mkdir()
    (folder / "code" / "file").touch()
    (folder / "code").chmod(0o555)
    housekeeping.collect_runs(tmp_path / "runs", tmp_path, keep=0)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome(), "completed"),
        (Outcome(exit_code=3, cause=Cause.USER_CODE), "failed"),
        (Outcome(exit_code=-1, cause=Cause.ENVIRONMENT), "failed"),
        (Outcome(exit_code=143, cause=Cause.ABORTED), "stopped"),
        (Outcome(exit_code=0, cause=Cause.INTERRUPTED), "returned"),
    ],
)
def test_an_outcome_says_what_becomes_of_the_task(outcome: Outcome, word: str) -> None:
    assert final_word(outcome) == word


@pytest.mark.parametrize("text", ["", "plain", "é", "漢字", "🙂 a 🙂"])
def test_text_is_cut_between_characters(text: str) -> None:
    data = text.encode()
    for end in range(len(data) + 1):
        kept = whole_characters(data[:end])
        assert text.startswith(kept.decode())
        assert end - len(kept) < 4


def test_bytes_that_are_no_text_are_sent_all_the_same() -> None:
    assert whole_characters(b"\xff\xfe\x80\x80\x80\x80") == b"\xff\xfe\x80\x80\x80\x80"
