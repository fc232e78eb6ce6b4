"""Which files of a folder differ from what is committed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from taskyard.agent.run import git
from taskyard.agent.run.git import GitFailed
from taskyard.api.errors import TaskyardError


@dataclass
class Changes:
    """Paths from the root, as bytes. ``present`` are to be read from the disk."""

    present: list[bytes] = field(default_factory=list)
    deleted: list[bytes] = field(default_factory=list)
    untracked: list[bytes] = field(default_factory=list)
    """Those of ``present`` that travel whole."""
    submodules: list[bytes] = field(default_factory=list)
    """Those that are not as they are recorded."""
    notes: list[str] = field(default_factory=list)

    def add_untracked(self, path: bytes) -> None:
        """Take in a new file. git shows a repository inside the folder as one directory."""
        if path.endswith(b"/"):
            self.notes.append(f"{os.fsdecode(path)} is a repository of its own: it is not sent")
            return
        self.present.append(path)
        self.untracked.append(path)


def scan_work_tree(root: Path) -> Changes:
    """What ``git status`` shows, staged or not, by the person's own configuration."""
    try:
        listing = git.run(
            "status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames",
            cwd=root, env=git.environment(),
        )  # fmt: skip
    except GitFailed as failure:
        raise TaskyardError(
            f"git cannot list the changes in {root}: {failure.what}",
            hint="run `git status` there and do what it says",
        ) from None
    changes = Changes()
    for item in listing.split(b"\0"):
        kind, _, rest = item.partition(b" ")
        if kind == b"?":
            changes.add_untracked(rest)
        elif kind == b"1":
            _, sub, _, _, on_disk, _, _, path = rest.split(b" ", 7)
            _add_tracked(changes, sub, on_disk, path)
        elif kind == b"u":
            _, sub, _, _, _, on_disk, _, _, _, path = rest.split(b" ", 9)
            _add_tracked(changes, sub, on_disk, path)
    return changes


def _add_tracked(changes: Changes, sub: bytes, on_disk: bytes, path: bytes) -> None:
    if sub.startswith(b"S"):
        changes.submodules.append(path)
    elif on_disk == b"000000":
        changes.deleted.append(path)
    else:
        changes.present.append(path)
