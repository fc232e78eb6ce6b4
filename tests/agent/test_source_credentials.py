"""Credentials open repositories, and are shown and kept nowhere."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError
from tests.agent.served import LOOPBACK, PASSWORD, USER, Bed, commit
from tests.beds.repositories import git


def test_credentials_by_host_open_a_private_repository(bed: Bed, private: str) -> None:
    assert bed.fetch(Code(repository=private, branch="main"), hosts=LOOPBACK)


def test_credentials_for_any_host_open_a_private_repository(bed: Bed, private: str) -> None:
    assert bed.fetch(Code(repository=private, branch="main"), hosts={"*": (USER, PASSWORD)})


def test_credentials_in_the_url_work_and_are_kept_nowhere(bed: Bed, private: str) -> None:
    with_secret = private.replace("://", "://ada:pass%3Aword%20with%40signs%2F%2541@")
    bed.fetch(Code(repository=with_secret, branch="main"))
    holders = [bed.cache, bed.runs]
    files = [p for folder in holders for p in folder.rglob("*") if p.is_file()]
    assert not [p for p in files if b"pass" in p.read_bytes() and b"word" in p.read_bytes()]
    assert not [line for line in bed.said if "pass" in line]


def test_a_submodule_on_the_same_host_uses_the_same_credentials(bed: Bed, private: str) -> None:
    shutil.copytree(bed.served, bed.served.parent / "library.git")
    git(
        bed.work, "-c", "protocol.file.allow=always",
        "submodule", "--quiet", "add", str(bed.served.parent / "library.git"), "sub",
    )  # fmt: skip
    git(bed.work, "config", "-f", ".gitmodules", "submodule.sub.url", "../library.git")
    head = commit(bed.work)
    bed.push()
    bed.fetch(Code(repository=private, commit=head), hosts=LOOPBACK)
    assert (bed.runs / "run" / "sub" / "train.py").exists()


def test_no_secret_is_on_a_command_line_of_any_git_process(bed: Bed, private: str) -> None:
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(process.read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        bed.fetch(Code(repository=private, branch="main"), hosts=LOOPBACK)
    finally:
        over.set()
        watcher.join()
    assert any("fetch" in line for line in seen)
    assert not [line for line in seen if PASSWORD in line]


def test_a_wrong_password_is_an_authentication_failure(bed: Bed, private: str) -> None:
    with pytest.raises(RunError, match="authentication refused by http://127") as raised:
        bed.fetch(Code(repository=private, branch="main"), hosts={"127.0.0.1": (USER, "wrong-one")})
    assert raised.value.cause is Cause.GIT
    assert raised.value.hint
    assert "wrong-one" not in f"{raised.value.what}{raised.value.tail}{raised.value.hint}"


def test_no_password_is_an_authentication_failure_and_nobody_is_asked(
    bed: Bed, private: str
) -> None:
    with pytest.raises(RunError, match="authentication refused"):
        bed.fetch(Code(repository=private, branch="main"))
