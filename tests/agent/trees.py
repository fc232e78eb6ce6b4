"""Working trees of the tests: what is in them, byte for byte, and repositories around them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from taskyard.agent.run.patch import apply
from taskyard.agent.run.source import fetch
from taskyard.agent.run.spec import Code
from taskyard.sdk.capture import capture
from tests.beds.repositories import git

Tree = dict[bytes, tuple[str, bytes]]
"""Files by path: what kind each is, and its bytes (a link's target)."""


def read(root: Path) -> Tree:
    """All files under ``root`` but git's."""
    found: Tree = {}
    base = os.fsencode(root)
    for folder, folders, files in os.walk(base):
        for names in (folders, files):  # of a submodule it is a file
            if b".git" in names:
                names.remove(b".git")
        for name in [*files, *folders]:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            key = os.path.relpath(path, base)
            if stat.S_ISLNK(mode):
                found[key] = "link", os.readlink(path)
            elif stat.S_ISREG(mode):
                kind = "program" if mode & stat.S_IXUSR else "file"
                found[key] = kind, Path(os.fsdecode(path)).read_bytes()
    return found


def write(root: Path, tree: Tree) -> None:
    """Make ``root`` hold just ``tree``, git's own folder aside."""
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
            shutil.rmtree(entry.path)
        elif entry.name != ".git":
            os.unlink(entry.path)
    for name, (kind, content) in tree.items():
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if kind == "link":
            os.symlink(content, path)
        else:
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o755 if kind == "program" else 0o644)


def commit_all(repo: Path) -> str:
    git(repo, "add", "--all", "--force")
    git(repo, "commit", "--quiet", "--allow-empty", "--message=state")
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    return git(repo, "rev-parse", "HEAD")


def new_repository(folder: Path) -> Path:
    """A repository that is its own remote: what it has committed can be fetched from it."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", str(folder))
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def carry(folder: Path, beside: Path) -> Tree:
    """Capture ``folder``, and read what comes out at the other end."""
    found = capture(folder)
    into, said = beside / "run", list[str]()
    # Stores of tasks strip white space at both ends.
    diff = found.diff.strip()
    code = Code(repository=found.repository, commit=found.commit, diff=diff)
    fetch(code, git={}, cache=beside / "cache", into=into, say=said.append)
    apply(into, diff, say=said.append)
    assert not [line for line in said if "3-way" in line]
    return read(into)


def foreign_patch(repo: Path, *options: str) -> str:
    """What other clients record: git's plain diff, stripped of white space by the store."""
    return git(repo, "diff", "--submodule=diff", *options, "HEAD").strip()


FILE_ALLOWED = ("-c", "protocol.file.allow=always")


def add_submodule(repo: Path, module: Path, path: str) -> None:
    git(repo, *FILE_ALLOWED, "submodule", "--quiet", "add", str(module), path)
