"""Repositories that tests of code and patches begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.run.source import fetch
from taskyard.agent.run.spec import Code
from tests.agent.served import PASSWORD, USER, Bed, commit
from tests.agent.trees import commit_all, new_repository
from tests.beds.gitserver import serve
from tests.beds.repositories import git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = new_repository(tmp_path / "repo")
    (root / "a.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    commit_all(root)
    return root


@pytest.fixture
def run(repo: Path, tmp_path: Path) -> Path:
    """A working tree of the repository's commit."""
    into = tmp_path / "run"
    commit = git(repo, "rev-parse", "HEAD")
    fetch(
        Code(repository=str(repo), commit=commit),
        git={},
        cache=tmp_path / "cache",
        into=into,
        say=lambda _: None,
    )
    return into


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    work, served = tmp_path / "work", tmp_path / "served" / "code.git"
    for folder in (work, served, tmp_path / "runs"):
        folder.mkdir(parents=True)
    git(served, "init", "--quiet", "--bare", "--initial-branch=main")
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "remote", "add", "origin", str(served))
    made = Bed(work, served, tmp_path / "cache", tmp_path / "runs", [])
    commit(work, train__py="print(1)\n")
    made.push()
    return made


@pytest.fixture
def url(bed: Bed) -> Iterator[str]:
    with serve(bed.served.parent) as root:
        yield f"{root}/code.git"


@pytest.fixture
def private(bed: Bed) -> Iterator[str]:
    with serve(bed.served.parent, USER, PASSWORD) as root:
        yield f"{root}/code.git"
