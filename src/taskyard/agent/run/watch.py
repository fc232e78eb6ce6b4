"""From the start of the user's process to the end of all that it started.

The watcher need not be the parent of what it watches: it is the same code for the supervisor that
started the process and for one that takes over after the first was killed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

from taskyard.agent.machine import memory, memory_group, processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import keeper
from taskyard.agent.run import spec as contract
from taskyard.agent.run.bounds import Bounds
from taskyard.agent.run.signals import Ear
from taskyard.agent.run.spec import Exit, Limits, Process, Stop
from taskyard.agent.run.verdict import Ending, Memory, last_line
from taskyard.api.errors import Cause

LEFTOVER_GRACE = 2.0
"""Seconds for processes that the user's process left behind, before they are killed."""
KILL_LIMIT = 10.0
"""Seconds to wait for processes to be gone after signal 9."""
_SETTLING = 0.2
"""Seconds for the keeper to write down the exit code and leave."""
_AGAIN = 0.05
"""Seconds between two looks where there is nothing to wait on."""
_TAIL = 8192
"""Bytes from the console's end in which its last line is looked for."""

Say = Callable[[str], None]


def watch(folder: Path, process: Process, limits: Limits, ear: Ear, say: Say) -> Ending:
    """Wait for the end of the user's process, bring it about when asked, and leave nothing alive.

    Returns when the whole tree of processes is gone, or cannot be made to go.
    """
    stop = _wait(folder, process, limits, ear)
    written = _last_line(folder, process)
    if stop is None:
        killed, survivors = False, _end_leftovers(folder, process, say)
    else:
        say(f"stopping: {stop.message or stop.cause}; {stop.grace:g} s of grace")
        killed, survivors = _end(folder, process, stop, ear)
    ended = _exit(folder, process)
    ending = Ending(
        process=process,
        exit=ended,
        stop=stop,
        killed=killed,
        survivors=survivors,
        memory=_memory(process, ended, limits),
        disk_full=folders.no_room(folder),
        last_line=written,
    )
    clear_away(process)
    return ending


def clear_away(process: Process) -> None:
    """Drop what a run had of the kernel's, once nothing of it lives."""
    if process.memory_group:
        memory_group.remove(Path(process.memory_group))


def requested(folder: Path, limits: Limits) -> Stop:
    """Return the wish that a signal announced: the agent's, or else the machine's."""
    return folders.read_stop(folder) or Stop(
        grace=limits.grace,
        cause=Cause.INTERRUPTED,
        message="the supervisor was told to stop, not by its agent: the machine may be going down",
    )


def _wait(folder: Path, process: Process, limits: Limits, ear: Ear) -> Stop | None:
    """Wait until the process is gone (None), or is to be made to go."""
    bounds = Bounds(folder, process, limits, lambda: _tree(process))
    while not ear.called:
        if stop := bounds.exceeded():
            return stop
        if processes.wait(process.pid, process.pid_start, bounds.pause(), wake=ear.wake):
            return None
        ear.clear()
        _reap_others(process)
    return requested(folder, limits)


def _reap_others(process: Process) -> None:
    """Collect what has ended below us, such as tools that the steps left in the background.

    Not the user's process: if its keeper is dead, only we can tell how it ended.
    """
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == process.pid:
                return
            os.waitpid(ended.si_pid, 0)


def _end(folder: Path, process: Process, stop: Stop, ear: Ear) -> tuple[bool, int]:
    """Ask the process group to end, then insist; return whether we had to, and who is left.

    The grace is for the tree, not for its first process: a shell is gone at once, while the
    program that it started still writes a checkpoint.
    """
    begun = time.monotonic()
    grace = stop.grace
    if grace > 0:
        processes.send_group(process.pid, signal.SIGTERM)
    while (left := begun + grace - time.monotonic()) > 0:
        if _empty(process, left, wake=ear.wake):
            return False, 0
        ear.clear()
        newer = folders.read_stop(folder)
        grace = newer.grace if newer else grace
    return True, kill(process)


def _end_leftovers(folder: Path, process: Process, say: Say) -> int:
    """End what the user's process left running; return how many cannot be ended."""
    keeper.wait(process, _SETTLING)
    ended = folders.read_exit(folder)
    if (ended and ended.alone) or _empty(process, 0.0):
        return 0
    left = _tree(process)
    say(f"ending what it left running: {', '.join(f'{processes.name(p)} ({p})' for p in left)}")
    processes.send(left, signal.SIGTERM)
    return 0 if _empty(process, LEFTOVER_GRACE) else kill(process)


def kill(process: Process) -> int:
    """Kill the tree, again and again while it grows; return how many live on all the same."""
    deadline = time.monotonic() + KILL_LIMIT
    while time.monotonic() < deadline:
        processes.send(_tree(process), signal.SIGKILL)
        if _empty(process, _AGAIN):
            return 0
    return len(_tree(process))


def _tree(process: Process) -> list[int]:
    """Return all living processes of the run, whatever group or session they moved to."""
    if processes.alive(process.keeper, process.keeper_start):
        return processes.living(processes.descendants(process.keeper))
    # Somebody killed the keeper. Its children are ours when we are its parent; else what is left
    # to go by is who descends from the user's process or shares its group or session.
    near = processes.group(process.pid, process.pid_start)
    if processes.alive(process.pid, process.pid_start):
        near += processes.descendants(process.pid)
    return processes.living({*near, *processes.descendants(os.getpid())})


def _empty(process: Process, timeout: float, *, wake: int = -1) -> bool:
    """Wait until no process of the run lives; False after ``timeout`` seconds or when woken."""
    deadline = time.monotonic() + timeout
    if not keeper.wait(process, timeout, wake=wake):
        return False
    while _tree(process):
        left = min(_AGAIN, deadline - time.monotonic())
        if left <= 0 or select.select([wake] if wake >= 0 else [], [], [], left)[0]:
            return False
    return True


def _exit(folder: Path, process: Process) -> Exit | None:
    """Return how the process ended, as the keeper wrote it, or as we learn it in its place."""
    ended = folders.read_exit(folder)
    if ended is None:
        try:
            pid, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid:
            ended = keeper.describe(status, alone=False)
            folders.write_exit(folder, ended)
    return ended


def _memory(process: Process, ended: Exit | None, limits: Limits) -> Memory:
    if ended is None or ended.code == 0:
        return Memory()
    named = ended.signal == signal.SIGKILL and memory.named_by_kernel(process.pid)
    own = memory.kills_in(Path(process.memory_group)) if process.memory_group else 0
    return Memory(
        now=memory.kills(),
        named=named,
        limit=memory.limit(),
        beyond=own,
        own_limit=limits.memory,
    )


def _last_line(folder: Path, process: Process) -> str:
    with open(folder / contract.CONSOLE, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(process.console_from, size - _TAIL))
        return last_line(file.read())
