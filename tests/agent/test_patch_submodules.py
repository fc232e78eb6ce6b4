"""Uncommitted changes in submodules on their way from one machine's folder to another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.agent.run.exact import EXACT
from taskyard.agent.run.patch import apply
from taskyard.agent.run.source import fetch
from taskyard.agent.run.spec import Code
from taskyard.api.errors import RunError
from taskyard.sdk.capture import capture
from tests.agent import trees
from tests.beds.repositories import git


def test_a_diff_that_reaches_into_a_submodule_applies(repo: Path, tmp_path: Path) -> None:
    module = trees.new_repository(tmp_path / "module")
    (module / "m.txt").write_text("m\n")
    trees.commit_all(module)
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", str(module), "sub")
    commit = trees.commit_all(repo)
    (repo / "sub" / "m.txt").write_text("changed\n")
    diff = trees.foreign_patch(repo)
    into = tmp_path / "run"
    code = Code(repository=str(repo), commit=commit)
    fetch(code, git={}, cache=tmp_path / "cache", into=into, say=print)
    assert diff.startswith("Submodule sub")
    apply(into, diff, say=print)
    assert (into / "sub" / "m.txt").read_text() == "changed\n"


def test_changes_in_submodules_of_submodules_arrive(nested: Path, tmp_path: Path) -> None:
    one, inner = nested / "lib" / "one", nested / "lib" / "one" / "inner"
    (nested / "a.txt").write_text("changed\n")
    (one / "a.txt").write_bytes(b"changed\r\n\xff")
    (one / "l.txt").rename(one / "moved é.txt")
    (inner / "new.bin").write_bytes(b"\0\1")
    (inner / "new.bin").chmod(0o755)
    (inner / "i.txt").unlink()
    after = trees.read(nested)
    assert trees.carry(nested, tmp_path) == after


def test_a_submodule_at_another_commit_arrives_there(nested: Path, tmp_path: Path) -> None:
    one = nested / "lib" / "one"
    (one / "pushed.txt").write_text("pushed\n")
    git(one, "add", "--all")
    git(one, "commit", "--quiet", "--message=pushed")
    git(one, "push", "--quiet", "origin", "HEAD:refs/heads/elsewhere")
    (one / "unpushed.txt").write_text("unpushed\n")
    git(one, "add", "--all")
    git(one, "commit", "--quiet", "--message=unpushed")
    after = trees.read(nested)
    assert trees.carry(nested, tmp_path) == after
    assert not git(tmp_path / "run" / "lib" / "one", "status", "--porcelain", "pushed.txt")


def test_unpushed_commits_that_move_a_submodule_arrive(nested: Path, tmp_path: Path) -> None:
    one = nested / "lib" / "one"
    (one / "l.txt").write_text("moved on\n")
    git(one, "commit", "--quiet", "--all", "--message=on")
    git(nested, "commit", "--quiet", "--all", "--message=move")
    after = trees.read(nested)
    assert trees.carry(nested, tmp_path) == after


def test_a_new_submodule_arrives(nested: Path, tmp_path: Path) -> None:
    other = trees.new_repository(tmp_path / "other")
    trees.write(other, {b"o.txt": ("file", b"o\n")})
    trees.commit_all(other)
    trees.add_submodule(nested, other, "new one")
    (nested / "new one" / "o.txt").write_text("changed\n")
    after = trees.read(nested)
    assert trees.carry(nested, tmp_path) == after


def test_a_submodule_that_nothing_was_pushed_of_arrives_whole(repo: Path, tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    git(module, "init", "--quiet")
    trees.write(module, {b"m.txt": ("file", b"m\n")})
    git(module, "add", "--all")
    git(module, "commit", "--quiet", "--message=first")
    trees.add_submodule(repo, module, "sub")
    git(repo / "sub", "remote", "remove", "origin")
    after = trees.read(repo)
    assert trees.carry(repo, tmp_path) == after


def test_a_removed_submodule_is_gone(nested: Path, tmp_path: Path) -> None:
    git(nested, "rm", "--quiet", "--force", "lib/one")
    after = trees.read(nested)
    assert b"lib/one/l.txt" not in after
    assert trees.carry(nested, tmp_path) == after


def test_a_clean_submodule_needs_no_patch(nested: Path) -> None:
    assert capture(nested).diff == ""


def test_a_patch_of_submodules_applies_with_plain_git(nested: Path, tmp_path: Path) -> None:
    (nested / "a.txt").write_text("changed\n")
    (nested / "lib" / "one" / "l.txt").write_text("changed\n")
    plain = tmp_path / "plain"
    git(tmp_path, *trees.FILE_ALLOWED, "clone", "--quiet", "--recursive", str(nested), str(plain))
    (tmp_path / "patch").write_text(capture(nested).diff)
    git(plain, "apply", str(tmp_path / "patch"))
    assert trees.read(plain) == trees.read(nested)


@pytest.mark.parametrize("path", ["../away", "/etc", "sub/.git", ""])
def test_a_submodule_outside_of_the_repository_is_refused(run: Path, path: str) -> None:
    with pytest.raises(RunError, match="outside of the repository"):
        apply(run, f'submodule "{path}" gone\n{EXACT}', say=print)


@pytest.fixture
def nested(repo: Path, tmp_path: Path) -> Path:
    """A repository with a submodule, ``lib/one``, which has one of its own, ``inner``."""
    inner, library = (
        trees.new_repository(tmp_path / "inner"),
        trees.new_repository(tmp_path / "library"),
    )
    trees.write(inner, {b"i.txt": ("file", b"i\n")})
    trees.commit_all(inner)
    trees.write(library, {b"l.txt": ("file", b"l\n"), b"a.txt": ("file", b"of the library\n")})
    trees.add_submodule(library, inner, "inner")
    trees.commit_all(library)
    trees.add_submodule(repo, library, "lib/one")
    git(repo, *trees.FILE_ALLOWED, "submodule", "--quiet", "update", "--init", "--recursive")
    trees.commit_all(repo)
    return repo
