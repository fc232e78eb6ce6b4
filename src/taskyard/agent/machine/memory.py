"""Who the kernel ended for lack of memory.

A process that dies so leaves nothing but signal 9, which anybody may have sent. The kernel counts
its own: per control group, which is exact for a machine with limits, and for the whole machine.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

ROOT = Path("/")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Kills(msgspec.Struct, frozen=True):
    """How many processes the kernel ended for lack of memory, since boot."""

    in_group: int = 0
    """In our own control group, and below it."""
    in_machine: int = 0


def kills(root: Path = ROOT) -> Kills:
    """Count. What cannot be read counts as 0. ``root`` is where ``proc`` and ``sys`` lie."""
    in_group = 0
    for folder in group_folders(root):
        in_group = max(in_group, kills_in(folder))
    return Kills(in_group=in_group, in_machine=_field(root / "proc/vmstat", "oom_kill"))


def kills_in(group: Path) -> int:
    """Return how many processes of a control group the kernel ended for lack of memory."""
    return max(_field(group / file, "oom_kill") for file in ("memory.events", "memory.oom_control"))


def used(pids: Iterable[int], *, enough: int) -> int:
    """Return the bytes of memory that processes use together.

    Pages that they share are counted once to each of them, which is quick to find out; only when
    that comes to more than ``enough`` are they counted once to all.
    """
    known = list(pids)
    resident = sum(_resident(pid) for pid in known)
    if resident <= enough:
        return resident
    return sum(_share(pid) for pid in known)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def _share(pid: int) -> int:
    """Bytes of a process, with its part of what it shares."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    except OSError:  # an old kernel, or somebody else's process
        return _resident(pid)
    return 0


def in_mib(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 2**20:,.0f} MiB"


def limit(root: Path = ROOT) -> int:
    """Return the bytes our control group may use; 0 when it has no limit of its own."""
    for folder in group_folders(root):
        for file in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                value = int((folder / file).read_text())
                if value < 1 << 60:  # version 1 writes "no limit" as a number near 2**63
                    return value
    return 0


def named_by_kernel(pid: int, log: Path = Path("/dev/kmsg")) -> bool:
    """Say whether the kernel's log tells that it ended this very process for lack of memory."""
    wanted = re.compile(rb"Killed process %d[ ,(]" % pid)
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False  # reading it takes a right that most users do not have
    try:
        return any(wanted.search(record) for record in _records(descriptor))
    finally:
        os.close(descriptor)


def _records(descriptor: int) -> list[bytes]:
    records: list[bytes] = []
    while True:
        try:
            record = os.read(descriptor, 8192)
        except BrokenPipeError:
            continue  # overwritten while we read: the next read goes on behind the gap
        except OSError:
            return records
        if not record:
            return records
        records.append(record)


def group_folders(root: Path = ROOT) -> list[Path]:
    """Return the folders of our control group: one in version 2, another in version 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top = root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
        else:
            continue
        inside = top / path.lstrip("/")
        # In a container the path may be the host's, with our own group mounted at the top.
        folders.append(inside if inside.is_dir() else top)
    return folders


def _field(path: Path, name: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
