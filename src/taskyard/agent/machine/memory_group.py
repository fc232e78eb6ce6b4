"""A control group of its own for a run's memory, so that the kernel holds the limit.

Version 2 of control groups where it has the memory controller, else version 1. A machine may
allow neither: then the caller has to watch the memory in use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from taskyard.agent.machine import memory


def make(name: str, limit: int, root: Path = memory.ROOT) -> Path | None:
    """Make a group that may use ``limit`` bytes and no swap; None where that is not possible."""
    for parent in _parents(root):
        group = parent / name
        try:
            group.mkdir()
        except OSError:
            continue
        if _limit(group, limit):
            return group
        remove(group)
    return None


def enter(group: Path) -> None:
    """Move this process, and so all that it will start, into the group. Raises OSError."""
    (group / "cgroup.procs").write_text("0")


def remove(group: Path) -> None:
    """Drop a group in which nothing runs any more; it may be gone already."""
    with contextlib.suppress(OSError):
        group.rmdir()


def _parents(root: Path) -> Iterator[Path]:
    """Where a group may be made: in ours, or beside it, as a service manager delegates it."""
    top = root / "sys/fs/cgroup"
    for own in memory.group_folders(root):
        if (own / "memory.limit_in_bytes").exists():
            yield own
            continue
        for parent in (own, own.parent):
            if not (parent.is_relative_to(top) and (parent / "cgroup.subtree_control").exists()):
                continue
            with contextlib.suppress(OSError):
                # Refused where processes are in that very group: then its parent may do.
                (parent / "cgroup.subtree_control").write_text("+memory")
            yield parent


def _limit(group: Path, limit: int) -> bool:
    """Set the limit; whether the kernel took it."""
    try:
        if (group / "memory.max").exists():
            (group / "memory.max").write_text(str(limit))
            swap, rest = group / "memory.swap.max", "0"
        elif (group / "memory.limit_in_bytes").exists():
            (group / "memory.limit_in_bytes").write_text(str(limit))
            swap, rest = group / "memory.memsw.limit_in_bytes", str(limit)
        else:
            return False
    except OSError:
        return False
    with contextlib.suppress(OSError):  # a kernel that does not count swap
        if swap.exists():
            swap.write_text(rest)
    return True
