"""Code over real ssh, and large files of Git LFS from a real server."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.run.source import fetch
from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError
from tests.beds import gitserver, sshserver
from tests.beds.repositories import git
from tests.beds.sshserver import Ssh

USER, PASSWORD = "ada", "pass:word"


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A bare repository with one commit of ``train.py``, in the folder ``served``."""
    bare, work = tmp_path / "served" / "code.git", tmp_path / "work"
    for folder in (bare, work):
        folder.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "remote", "add", "origin", str(bare))
    (work / "train.py").write_text("print(1)\n")
    commit(work)
    return bare


def commit(work: Path) -> str:
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message=change")
    git(work, "push", "--quiet", "origin", "main")
    return git(work, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssh]:
    with sshserver.serve(tmp_path_factory.mktemp("ssh") / "server") as found:
        yield found


def fetched(tmp_path: Path, url: str, pair: tuple[str, str] | None = None) -> Path:
    """What the newest commit of the branch main holds."""
    into = tmp_path / "run"
    code = Code(repository=url, branch="main")
    credentials = {"127.0.0.1": pair} if pair else {}
    fetch(code, git=credentials, cache=tmp_path / "cache", into=into, say=print)
    return into


def test_a_key_of_the_agents_user_opens_a_repository_over_ssh(
    served: Path, ssh: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command())
    assert (fetched(tmp_path, f"{ssh.url}{served}") / "train.py").read_text() == "print(1)\n"


def test_a_relative_submodule_comes_over_ssh_too(
    served: Path, ssh: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command())
    shutil.copytree(served, served.parent / "library.git")
    work = tmp_path / "work"
    allowed = ("-c", "protocol.file.allow=always")
    git(work, *allowed, "submodule", "--quiet", "add", str(served.parent / "library.git"), "sub")
    git(work, "config", "-f", ".gitmodules", "submodule.sub.url", "../library.git")
    commit(work)
    run = fetched(tmp_path, f"{ssh.url}{served}")
    assert (run / "sub" / "train.py").read_text() == "print(1)\n"


@pytest.mark.parametrize(
    ("key", "known_hosts", "message"),
    [
        ("other", "known_hosts", "authentication refused"),
        ("key", "nobody_known", "the ssh host key of .* is not known"),
    ],
)
def test_what_ssh_refuses_is_named(
    served: Path,
    ssh: Ssh,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    known_hosts: str,
    message: str,
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command(key, known_hosts))
    with pytest.raises(RunError, match=message) as caught:
        fetched(tmp_path, f"{ssh.url}{served}")
    assert (caught.value.cause, bool(caught.value.hint)) == (Cause.GIT, True)
    assert caught.value.tail


def test_a_repository_that_is_not_there_is_named_over_ssh_too(
    served: Path, ssh: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command())
    with pytest.raises(RunError, match="repository not found"):
        fetched(tmp_path, f"{ssh.url}{served}.away")


@pytest.fixture
def large(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The bytes of ``data.bin``, which the repository keeps in Git LFS."""
    # What the person who runs the tests has configured of LFS must not matter.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    content = bytes(range(256)) * 4096
    work = tmp_path / "work"
    git(work, "lfs", "install", "--local")
    git(work, "lfs", "track", "*.bin")
    (work / "data.bin").write_bytes(content)
    name = hashlib.sha256(content).hexdigest()
    git(work, "config", "lfs.allowincompletepush", "true")
    store = served / "lfs" / "objects" / name
    store.parent.mkdir(parents=True)
    store.write_bytes(content)
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message=large")
    git(work, "push", "--quiet", "--no-verify", "origin", "main")
    return content


def test_large_files_of_git_lfs_are_brought(served: Path, large: bytes, tmp_path: Path) -> None:
    with gitserver.serve(served.parent, USER, PASSWORD) as root:
        run = fetched(tmp_path, f"{root}/code.git", (USER, PASSWORD))
    assert (run / "data.bin").read_bytes() == large
    assert git(run, "status", "--porcelain") == ""


def test_large_files_are_kept_for_the_next_run(served: Path, large: bytes, tmp_path: Path) -> None:
    with gitserver.serve(served.parent) as root:
        url = f"{root}/code.git"
        shutil.rmtree(fetched(tmp_path, url))
        head = git(tmp_path / "work", "rev-parse", "HEAD")
    code = Code(repository=url, commit=head)
    fetch(code, git={}, cache=tmp_path / "cache", into=tmp_path / "run", say=print)
    assert (tmp_path / "run" / "data.bin").read_bytes() == large


def test_a_large_file_that_the_server_lost_is_named(
    served: Path, large: bytes, tmp_path: Path
) -> None:
    assert large
    shutil.rmtree(served / "lfs")
    with gitserver.serve(served.parent) as root, pytest.raises(RunError) as caught:
        fetched(tmp_path, f"{root}/code.git")
    assert caught.value.cause == Cause.GIT
    assert "lfs" in f"{caught.value.what} {caught.value.tail}".lower()
