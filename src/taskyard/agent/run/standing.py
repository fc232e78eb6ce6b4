"""How a run stands, told from its folder and the kernel alone.

The same answer serves an agent that polls, one that has just been started and looks for what its
predecessor left, and a supervisor that finds out whether it is the first one.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import Exit, Process, RunState


class Standing(StrEnum):
    """Where a run is in its life."""

    NEW = "new"
    """No supervisor has had it yet."""
    WATCHED = "watched"
    """A supervisor lives: all is well."""
    ORPHANED = "orphaned"
    """The supervisor died; the user's process lives and can be watched by a new one."""
    UNREPORTED = "unreported"
    """The user's process ended by itself, but no supervisor lived to say so."""
    LOST = "lost"
    """Supervisor and process are gone, and nothing tells how it ended."""
    REBOOTED = "rebooted"
    """The same, because the machine was restarted."""
    ENDED = "ended"
    """There is an outcome."""


class Facts(msgspec.Struct, frozen=True):
    """What the standing is judged by."""

    state: RunState
    process: Process | None
    exit: Exit | None
    boot_id: str
    """Of the machine now."""
    supervised: bool
    """The supervisor in the state lives."""
    kept: bool
    """The keeper, or the user's process, lives."""
    contained: bool = False
    """A container was started for the run: its engine knows how it goes, or went."""


def judge(facts: Facts) -> Standing:
    """Decide. Pure."""
    if facts.state.outcome is not None:
        return Standing.ENDED
    if facts.state.supervisor == 0:
        return Standing.NEW
    rebooted = facts.state.boot_id != facts.boot_id
    if not rebooted and facts.supervised:
        return Standing.WATCHED
    if facts.contained:
        return Standing.ORPHANED
    if not rebooted and facts.process is not None and facts.kept:
        return Standing.ORPHANED
    if facts.exit is not None:
        return Standing.UNREPORTED
    return Standing.REBOOTED if rebooted else Standing.LOST


def look(folder: Path) -> tuple[Standing, Facts]:
    """Read a run's files and ask the kernel about its processes."""
    # The order matters where a run ends meanwhile: who lives is asked before what they wrote is
    # read, so that what a process wrote as its last act is not missed.
    state, supervised = _settled_state(folder)
    if state.supervisor == 0:  # nothing else can be there yet
        boot_id = processes.boot_id()
        facts = Facts(
            state=state, process=None, exit=None, boot_id=boot_id, supervised=False, kept=False
        )
        return judge(facts), facts
    process = folders.read_process(folder)
    kept = process is not None and (
        processes.alive(process.keeper, process.keeper_start)
        or processes.alive(process.pid, process.pid_start)
    )
    facts = Facts(
        state=state,
        process=process,
        exit=folders.read_exit(folder),
        boot_id=processes.boot_id(),
        supervised=supervised,
        kept=kept,
        contained=folders.read_contained(folder) is not None,
    )
    return judge(facts), facts


def _settled_state(folder: Path) -> tuple[RunState, bool]:
    """Return the state, and whether the supervisor in it lives."""
    state = folders.read_state(folder)
    while not processes.alive(state.supervisor, state.supervisor_start):
        later = folders.read_state(folder)
        if later.supervisor == state.supervisor:
            return later, False
        state = later  # one began, or took over, just now
    return state, True
