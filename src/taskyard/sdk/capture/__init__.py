"""Take down the code that stands in a folder, so that another machine can run exactly it.

What a remote repository already has travels as URL and commit; the rest travels as one git
patch in pure UTF-8. The person's files, index and repository are only read.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from taskyard.agent.run import git
from taskyard.agent.run.exact import EXACT
from taskyard.agent.run.git import GitFailed
from taskyard.api.errors import TaskyardError
from taskyard.sdk.capture.changes import Changes, scan_work_tree
from taskyard.sdk.capture.origin import Origin, find_origin
from taskyard.sdk.capture.shadow import Shadow
from taskyard.sdk.capture.submodules import capture_submodules

LIMIT = 64 << 20
"""Bytes of patch that a task may carry unless its maker says otherwise."""


class Captured(msgspec.Struct, kw_only=True, frozen=True):
    """A folder's code, in the words of a task's ``script`` section."""

    repository: str = ""
    """URL without credentials; empty when the patch holds everything."""
    branch: str = ""
    commit: str = ""
    working_dir: str = "."
    """Relative to the repository's root."""
    entry_point: str = ""
    """Relative to ``working_dir``; or options of the interpreter, such as ``-m package``."""
    diff: str = ""
    """A git patch against ``commit``, or against nothing when there is no repository."""
    notes: list[str] = []
    """What a person should know: sentences for the terminal."""

    @property
    def size(self) -> int:
        """Bytes of the patch."""
        return len(self.diff.encode())


def capture(folder: Path, entry_point: str | None = None, *, limit: int = LIMIT) -> Captured:
    """Capture the code around ``folder``, the directory that the entry point is started from.

    In a git work tree this is everything tracked, and everything untracked that is not ignored,
    in its submodules, too; elsewhere it is the folder without caches and virtual environments.
    ``entry_point`` is a path from ``folder`` (or absolute), or interpreter options. ``limit``
    bounds the patch, in bytes.
    Raises :class:`TaskyardError` when the entry point is missing or outside, when git refuses to
    read the repository, and when there is more to send than ``limit``.
    """
    folder = folder.resolve()
    root = _work_tree(folder)
    script = _entry_point(folder, root or folder, entry_point)
    with Shadow(root or folder, real=root is not None) as shadow:
        if root is None:
            origin = Origin()
            changes = shadow.all_files()
            changes.notes.append(f"{folder} is in no git repository: all its files are sent")
        else:
            origin = find_origin(root)
            changes = scan_work_tree(root)
            if script and not script.startswith("-"):
                _include(root, folder / script, changes)
        diff = shadow.patch(origin, changes, limit=limit)
    if root is not None:
        parts = capture_submodules(root, origin.base, changes, limit=limit)
        diff += "".join(part.written() for part in parts)
    return Captured(
        repository=origin.url if origin.base else "",
        branch=origin.branch if origin.base else "",
        commit=origin.base,
        working_dir=folder.relative_to(root or folder).as_posix(),
        entry_point=script,
        diff=f"{diff}{EXACT}" if diff else "",
        notes=[*origin.notes, *changes.notes],
    )


def _work_tree(folder: Path) -> Path | None:
    """The root of the git work tree that ``folder`` is in."""
    if not folder.is_dir():
        raise TaskyardError(f"no such folder: {folder}")
    try:
        found = git.run("rev-parse", "--show-toplevel", cwd=folder, env=git.environment())
    except GitFailed as failure:
        if "not a git repository" in failure.stderr:
            return None
        raise TaskyardError(
            f"git cannot read the repository around {folder}: {failure.what}",
            hint="run `git status` there and do what it says",
        ) from None
    return Path(os.fsdecode(found.removesuffix(b"\n")))


def _entry_point(folder: Path, root: Path, given: str | None) -> str:
    """The entry point relative to ``folder``, checked to be there."""
    given = (given or "").strip()
    if not given or given.startswith("-"):
        return given
    path = Path(os.path.normpath(folder / given))
    if not path.is_file():
        raise TaskyardError(
            f"there is no file {given} in {folder}",
            hint="give the script's path as seen from the folder it is started in",
        )
    if not path.is_relative_to(root):
        raise TaskyardError(
            f"{given} is outside of {root}, so it would not be sent",
            hint="start from the repository that holds the script",
        )
    return Path(os.path.relpath(path, folder)).as_posix()


def _include(root: Path, script: Path, changes: Changes) -> None:
    """Send the script even when git ignores it: it was named, so it is wanted."""
    path = os.path.relpath(script, root)
    known = git.run(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f":(literal){path}",
        cwd=root, env=git.environment(),
    )  # fmt: skip
    if not known:
        changes.present.append(os.fsencode(path))
        changes.untracked.append(os.fsencode(path))
        changes.notes.append(f"{path} is ignored by git; it is sent as the entry point")
