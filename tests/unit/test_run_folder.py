"""Run folders on disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from taskyard.agent.run import folder as folders
from taskyard.agent.run import spec as contract
from taskyard.agent.run.redaction import hidden_texts, redact
from taskyard.agent.run.spec import Outcome, RunSpec, RunState, Secrets


def spec(task: str = "t", attempt: int = 1) -> RunSpec:
    return RunSpec(task=task, attempt=attempt, cache="/cache")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_named_after_task_and_attempt(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec("abc", 3), Secrets())
    assert folder == tmp_path / "abc.3"
    assert folders.parse_name(folder.name) == ("abc", 3)


def test_only_the_owner_can_read_a_run(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec(), Secrets(variables={"K": "v"}))
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    secrets = Secrets(variables={"K": "v"}, git={"host": ("me", "pw")})
    folder = folders.create(tmp_path, spec(), secrets)
    state = RunState(supervisor=7, outcome=Outcome(exit_code=3))
    folders.write_state(folder, state, durable=True)
    assert folders.read_spec(folder) == spec()
    assert folders.read_secrets(folder) == secrets
    assert folders.read_state(folder) == state


def test_a_run_that_has_not_started_has_an_empty_state(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    assert folders.read_state(folder) == RunState()


def test_a_folder_can_be_settled_on_the_disk(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    folders.settle(folder)
    assert folders.read_spec(folder) == spec()


def test_a_folder_whose_spec_went_with_the_power_is_no_run(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    (folder / contract.SPEC).write_bytes(b"")
    assert folders.all_runs(tmp_path) == []


def test_an_attempt_has_one_folder(tmp_path: Path) -> None:
    folders.create(tmp_path, spec(), Secrets())
    with pytest.raises(FileExistsError):
        folders.create(tmp_path, spec(), Secrets())


def test_a_folder_that_was_never_finished_is_made_anew(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    (folder / contract.SPEC).unlink()
    assert folders.all_runs(tmp_path) == []
    folders.create(tmp_path, spec(), Secrets())
    assert folders.all_runs(tmp_path) == [folder]


def test_runs_are_listed_in_the_order_of_their_attempts(tmp_path: Path) -> None:
    for attempt in (10, 9, 1):
        folders.create(tmp_path, spec("b", attempt), Secrets())
    folders.create(tmp_path, spec("a", 2), Secrets())
    (tmp_path / "something else").mkdir()
    assert [path.name for path in folders.all_runs(tmp_path)] == ["a.2", "b.1", "b.9", "b.10"]


def test_no_runs_are_listed_where_there_is_no_folder(tmp_path: Path) -> None:
    assert folders.all_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("task", ["", "../x", "a/b", ".hidden"])
def test_a_task_id_cannot_lead_out_of_the_folder_of_runs(tmp_path: Path, task: str) -> None:
    with pytest.raises(ValueError, match="task's id"):
        folders.create(tmp_path, spec(task), Secrets())


@pytest.mark.parametrize("content", [b"", b"\0" * 40])
def test_a_file_that_a_power_cut_emptied_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    (folder / contract.EXIT).write_bytes(content)
    assert folders.read_exit(folder) is None


def test_replacing_a_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    before = {path.name for path in folder.iterdir()}
    folders.write_state(folder, RunState(supervisor=1))
    folders.write_state(folder, RunState(supervisor=2), hasty=True)
    folders.write_state(folder, RunState(supervisor=3), durable=True)
    assert {path.name for path in folder.iterdir()} == before | {contract.STATE}


@pytest.mark.parametrize("before", [False, True])
def test_what_is_written_hastily_can_be_read(tmp_path: Path, before: bool) -> None:
    folder = folders.create(tmp_path, spec(), Secrets())
    if before:
        folders.write_state(folder, RunState(supervisor=1))
    folders.write_state(folder, RunState(supervisor=2), hasty=True)
    assert folders.read_state(folder).supervisor == 2


def test_a_secret_inside_another_is_blacked_out_whole() -> None:
    hidden = hidden_texts(Secrets(variables={"A": "password", "B": "password-long"}))
    assert redact("it is password-long", hidden) == "it is ***"


def test_short_settings_are_no_secrets() -> None:
    assert hidden_texts(Secrets(variables={"DEBUG": "1", "MODE": "fast"})) == []
