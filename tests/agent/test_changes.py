"""Hearing of changes in a folder: all of them, and of a busy writer once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.machine.changes import Changes

PATIENCE = 30.0


@pytest.fixture
def changes(tmp_path: Path) -> Iterator[Changes]:
    (tmp_path / "log").touch()
    found = Changes(tmp_path)
    yield found
    found.close()


def put(folder: Path, name: str) -> None:
    (folder / ".aside").write_text("new")
    (folder / ".aside").rename(folder / name)


def write(folder: Path) -> None:
    with (folder / "log").open("a") as stream:
        stream.write("a line\n")


def test_a_file_that_is_put_into_the_folder_is_heard_of(changes: Changes, tmp_path: Path) -> None:
    put(tmp_path, "state")
    assert changes.heard(PATIENCE) == {"state"}


def test_writing_is_heard_of_once(changes: Changes, tmp_path: Path) -> None:
    changes.listen_for_writing("log")
    write(tmp_path)
    assert changes.heard(PATIENCE) == {"log"}
    write(tmp_path)
    assert changes.heard(0) == set()


def test_writing_is_heard_of_again_when_it_is_listened_for_again(
    changes: Changes, tmp_path: Path
) -> None:
    for _ in range(2):
        changes.listen_for_writing("log")
        write(tmp_path)
        assert changes.heard(PATIENCE) == {"log"}


def test_writing_that_nobody_listens_for_is_not_heard_of(changes: Changes, tmp_path: Path) -> None:
    write(tmp_path)
    assert changes.heard(0) == set()


def test_what_happened_before_the_question_is_not_lost(changes: Changes, tmp_path: Path) -> None:
    changes.listen_for_writing("log")
    write(tmp_path)
    put(tmp_path, "state")
    put(tmp_path, "exit")
    assert changes.heard(PATIENCE) == {"log", "state", "exit"}


def test_without_a_listener_of_the_kernels_nothing_is_heard(tmp_path: Path) -> None:
    none = Changes(tmp_path / "missing")
    assert not none.hears
    assert none.heard(0) == set()


def test_a_listener_that_was_closed_gives_its_descriptor_back(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    Changes(tmp_path).close()
    assert len(os.listdir("/proc/self/fd")) == len(before)
