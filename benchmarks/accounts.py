"""The processor time of a program and all that it starts, kept by the kernel in a control group.

Of time on a busy machine it is the part that others add least to. Making a group takes the rights
of root.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class Account:
    """One group."""

    def __init__(self, group: Path) -> None:
        self._group = group
        self.within = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs")]
        """What goes before the command of a program whose time is to be counted."""

    def spent(self) -> float:
        """Milliseconds of processor time so far."""
        with contextlib.suppress(FileNotFoundError):
            return int((self._group / "cpuacct.usage").read_text()) / 1e6
        lines = (self._group / "cpu.stat").read_text().splitlines()
        return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("usage_usec"))


@contextlib.contextmanager
def account(name: str) -> Iterator[Account | None]:
    """A group for the length of the block; None where none can be made."""
    group = _made(f"taskyard-bench-{os.getpid()}-{name}")
    try:
        yield Account(group) if group else None
    finally:
        if group:
            with contextlib.suppress(OSError):  # something in it lives on
                group.rmdir()


def _made(name: str) -> Path | None:
    for parent in (ROOT / "cpuacct", ROOT):
        with contextlib.suppress(OSError):
            group = parent / name
            group.mkdir()
            if (group / "cpuacct.usage").exists() or (group / "cpu.stat").exists():
                return group
            group.rmdir()
    return None
