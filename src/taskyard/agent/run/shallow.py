"""Large repositories: of these a machine has the commits that tasks asked for, without history.

What is fetched first is all of a repository, as that serves every later task. Where this turns out
to be too much, it is broken off, and from then on each commit comes alone, with what of its files
the machine does not have yet. The whole is fetched after all when a task needs it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

LARGE = 64 << 20
"""Bytes. A repository is large when so much of it came and a good part of its objects did not."""
_NEARLY_ALL = 90
"""Percent of the objects: the files come last, after all commits and folders."""

_FULL_HASH = re.compile(r"[0-9a-f]{40}")
_RECEIVED = re.compile(rb"Receiving objects: +(\d+)%")
_LISTS = ("pyproject.toml", "setup.cfg", "setup.py")
_VERSION_FROM_HISTORY = re.compile(
    r"setuptools[-_]scm|hatch[-_]vcs|flit[-_]scm|versioneer|versioningit|dunamai|\bpbr\b"
    r"|dynamic[-_]versioning|source *= *[\"']scm[\"']|git.{1,4}describe"
)


def is_shallow(repository: Path) -> bool:
    """Whether a bare repository has commits without their history."""
    return (repository / "shallow").exists()


def reference(wanted: str) -> str:
    """What to ask a server for, and where to keep it, to get one commit; "" where it cannot be told
    without the whole: ``wanted`` is a hash or a full reference name."""
    if _FULL_HASH.fullmatch(wanted):
        # Under a name, git tells the server of it the next time, and gets only what is new.
        return f"{wanted}:refs/taskyard/{wanted}"
    return f"+{wanted}:{wanted}" if wanted.startswith("refs/") else ""


def too_much(repository: Path) -> Callable[[bytes], bool]:
    """A look at a fetch that goes on, by what git has said so far: whether to break it off."""

    def look(said: bytes) -> bool:
        size = 0
        for pack in (repository / "objects" / "pack").glob("tmp_pack_*"):
            with contextlib.suppress(FileNotFoundError):
                size += pack.stat().st_size
        if size < LARGE:
            return False
        shares = _RECEIVED.findall(said)
        return not shares or int(shares[-1]) < _NEARLY_ALL

    return look


def needs_history(*folders: Path) -> bool:
    """Whether a project makes its version from the history and the tags of its repository."""
    for path in (folder / name for folder in folders for name in _LISTS):
        with contextlib.suppress(OSError):
            if _VERSION_FROM_HISTORY.search(path.read_text(errors="replace")):
                return True
    return False
