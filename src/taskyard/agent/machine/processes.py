"""Processes of this machine: who they are, whether they live, and what they started.

A pid alone names nobody: the kernel hands it out again. A process is named here by its pid
together with its start time, and across reboots by the boot id as well. Start times are seconds
since the machine booted, so that nobody setting the clock changes who is who.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

_TICKS = os.sysconf("SC_CLK_TCK")
_POLL = 0.05
"""Seconds between looks at a process where the kernel cannot wake us at its end."""


@functools.cache
def boot_id() -> str:
    """Return the name of this boot of the machine: another one after every restart."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"booted at {psutil.boot_time():.0f}"


def uptime() -> float:
    """Return seconds since boot, on the clock that start times are given in."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def start_time(pid: int) -> float:
    """Return when a process started, in seconds since boot; 0 when there is none."""
    return _look(pid)[1]


def alive(pid: int, start: float) -> bool:
    """Say whether exactly this process still runs. A zombie does not."""
    state, started = _look(pid)
    return started > 0 and started == start and state not in ("Z", "X")


def living(pids: Iterable[int]) -> list[int]:
    """Leave out those that are gone or zombies."""
    return [pid for pid in pids if _look(pid)[0] not in ("", "Z", "X")]


def _look(pid: int) -> tuple[str, float]:
    """Return a process's state letter and start time; an empty letter when there is none."""
    try:
        # Plain system calls: several of these are on the way to every task's code.
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            # The command name stands in parentheses and may itself hold any character.
            fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
        finally:
            os.close(descriptor)
    except (FileNotFoundError, ProcessLookupError):
        return "", 0.0
    return fields[0].decode(), int(fields[19]) / _TICKS


def handle(pid: int, start: float) -> int | None:
    """Open a file descriptor that becomes readable when this process ends.

    None when the process is gone. A kernel without such handles answers -1: look at
    :func:`alive` from time to time.
    """
    try:
        opened = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except OSError:
        return -1 if alive(pid, start) else None
    if alive(pid, start):
        return opened
    os.close(opened)
    return None


def wait(pid: int, start: float, timeout: float | None, *, wake: int = -1) -> bool:
    """Wait for the end of any process, a child or not; return whether it is gone.

    ``timeout`` is in seconds, None for ever. Returns early (False) when the file descriptor
    ``wake`` has something to read.
    """
    opened = handle(pid, start)
    if opened is None:
        return True
    poll = select.poll()
    if wake >= 0:
        poll.register(wake, select.POLLIN)
    if opened < 0:
        return _wait_looking(pid, start, timeout, poll)
    try:
        poll.register(opened, select.POLLIN)
        poll.poll(None if timeout is None else max(0.0, timeout) * 1000)
    finally:
        os.close(opened)
    return not alive(pid, start)


def _wait_looking(pid: int, start: float, timeout: float | None, poll: select.poll) -> bool:
    deadline = None if timeout is None else time.monotonic() + timeout
    while alive(pid, start):
        if poll.poll(_POLL * 1000):
            return False
        if deadline is not None and time.monotonic() > deadline:
            return False
    return True


def descendants(pid: int) -> list[int]:
    """Return the pids of all that a process started, and what those started, parents first."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop(0))
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    if not _kernel_lists_children():
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children()]
        return []
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in thread.read_text().split()]
    return found


@functools.cache
def _kernel_lists_children() -> bool:
    """Some kernels are built without: there the parents of all processes must be read instead."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def group(pid: int, start: float) -> list[int]:
    """Return the pids in the process group or the session that a process leads, or led."""
    found: list[int] = []
    if start_time(pid) not in (0.0, start):
        return found  # its number is another's now, and what goes by that number, too
    for other in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid in (os.getpgid(other), os.getsid(other)):
                found.append(other)
    return found


def name(pid: int) -> str:
    """Return the short name of the program a process runs; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each; those that are gone already are fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def send_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group that a process leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
