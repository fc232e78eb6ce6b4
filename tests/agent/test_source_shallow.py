"""Repositories of which more would come than a task needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskyard.agent.run import shallow
from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError
from tests.agent.served import Bed, commit
from tests.beds.gitserver import serve
from tests.beds.repositories import git

MIB = 1 << 20
COMMITS = 5


@pytest.fixture
def commits(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of a repository that counts as large: each changes a file of 512 KiB, and nothing else."""
    monkeypatch.setattr(shallow, "LARGE", MIB // 4)
    made = []
    for number in range(COMMITS):
        (bed.work / "data.bin").write_bytes(os.urandom(MIB // 2))
        made.append(commit(bed.work, train__py=f"print({number})\n"))
    git(bed.work, "tag", "v1", made[1])
    bed.push("main", "v1")
    return made


def only(bed: Bed) -> Path:
    """The one mirror there is."""
    (mirror,) = bed.cache.glob("mirrors/code.*[0-9a-f]")
    return mirror


def history(bed: Bed, name: str) -> list[str]:
    """The commits that git in a working tree knows before its own, itself included."""
    return git(bed.runs / name, "rev-list", "HEAD").split()


def test_a_commit_of_a_large_repository_comes_without_its_history(
    bed: Bed, commits: list[str]
) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        bed.fetch(Code(repository=f"{root}/code.git", commit=commits[2]))
    assert (bed.runs / "run" / "train.py").read_text() == "print(2)\n"
    assert history(bed, "run") == [commits[2]]
    packs = only(bed).glob("objects/pack/*")
    assert sum(pack.stat().st_size for pack in packs) < MIB


def test_its_working_tree_is_clean_and_takes_commits(bed: Bed, commits: list[str]) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        bed.fetch(Code(repository=f"{root}/code.git", commit=commits[2]))
    tree = bed.runs / "run"
    assert git(tree, "status", "--porcelain") == ""
    commit(tree, more__py="print('more')\n")
    assert len(history(bed, "run")) == 2


def test_the_next_commit_of_it_brings_only_what_is_new(bed: Bed, commits: list[str]) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        url = f"{root}/code.git"
        bed.fetch(Code(repository=url, commit=commits[-1]), "first")
        later = commit(bed.work, train__py="print('later')\n")
        bed.push()
        before = set(only(bed).glob("objects/pack/*.pack"))
        bed.fetch(Code(repository=url, commit=later), "second")
    assert history(bed, "second") == [later]
    (new,) = set(only(bed).glob("objects/pack/*.pack")) - before
    assert new.stat().st_size < 10_000


@pytest.mark.parametrize("code", [Code(tag="v1"), Code(branch="main"), Code()])
def test_tags_and_branches_of_it_come_alone_too(bed: Bed, commits: list[str], code: Code) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        code.repository = f"{root}/code.git"
        bed.fetch(code)
    assert history(bed, "run") == [commits[1] if code.tag else commits[-1]]


def test_a_second_task_with_the_commit_needs_no_network(bed: Bed, commits: list[str]) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        code = Code(repository=f"{root}/code.git", commit=commits[2])
        bed.fetch(code, "first")
    bed.fetch(code, "second")
    assert history(bed, "second") == [commits[2]]


def test_the_history_is_fetched_where_a_version_is_made_from_it(
    bed: Bed, commits: list[str]
) -> None:
    needy = commit(bed.work, pyproject__toml='[build-system]\nrequires = ["setuptools-scm"]\n')
    bed.push()
    with serve(bed.served.parent, stalls_after=MIB) as root:
        bed.fetch(Code(repository=f"{root}/code.git", commit=needy))
    assert len(history(bed, "run")) == COMMITS + 2
    assert git(bed.runs / "run", "describe", "--tags").startswith("v1-4-")


def test_the_history_is_fetched_where_a_short_hash_needs_it(bed: Bed, commits: list[str]) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        url = f"{root}/code.git"
        bed.fetch(Code(repository=url, commit=commits[-1]), "first")
        assert bed.fetch(Code(repository=url, commit=commits[0][:10]), "second") == commits[0]
    assert not shallow.is_shallow(only(bed))


def test_all_is_fetched_from_a_server_that_gives_no_single_commits(
    bed: Bed, commits: list[str]
) -> None:
    with serve(bed.served.parent, stalls_after=MIB, old=True) as root:
        bed.fetch(Code(repository=f"{root}/code.git", commit=commits[2]))
    assert commits[0] in history(bed, "run")
    assert any("fetching all of it" in line for line in bed.said)


def test_a_commit_that_a_large_repository_does_not_have_is_named(
    bed: Bed, commits: list[str]
) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        missing = "1234567890" * 4
        with pytest.raises(RunError, match=f"commit {missing} is not in") as caught:
            bed.fetch(Code(repository=f"{root}/code.git", commit=missing))
    assert caught.value.cause == Cause.GIT


def test_a_large_submodule_comes_without_its_history(
    bed: Bed, commits: list[str], tmp_path: Path
) -> None:
    outer = tmp_path / "served" / "outer.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(outer))
    work = tmp_path / "outer"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    local = ("-c", "protocol.file.allow=always")
    git(work, *local, "submodule", "--quiet", "add", str(bed.served), "inner")
    git(work, "config", "--file", ".gitmodules", "submodule.inner.url", "../code.git")
    commit(work, main__py="import inner\n")
    git(work, "push", "--quiet", str(outer), "main")
    with serve(bed.served.parent, stalls_after=MIB) as root:
        bed.fetch(Code(repository=f"{root}/outer.git"))
    assert git(bed.runs / "run" / "inner", "rev-list", "HEAD").split() == [commits[-1]]


def test_a_damaged_mirror_of_it_is_made_anew(bed: Bed, commits: list[str]) -> None:
    with serve(bed.served.parent, stalls_after=MIB) as root:
        code = Code(repository=f"{root}/code.git", commit=commits[2])
        bed.fetch(code, "first")
        for pack in only(bed).glob("objects/pack/*.pack"):
            pack.chmod(0o644)
            pack.write_bytes(pack.read_bytes()[:40])
        bed.fetch(code, "second")
    assert (bed.runs / "second" / "train.py").read_text() == "print(2)\n"
