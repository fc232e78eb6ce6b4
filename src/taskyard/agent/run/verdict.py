"""From the facts of an ending to what people are told about it. No input or output here."""

from __future__ import annotations

import errno
import re
import signal
from pathlib import Path
from typing import TypeGuard

import msgspec

from taskyard.agent.machine.memory import Kills, in_mib
from taskyard.agent.run.spec import Exit, Outcome, Process, Stop
from taskyard.api.errors import Cause, RunError

LINE_LIMIT = 300
"""Characters of the console's last line that go into a message."""
TAIL_LINES = 6
"""Lines of a failed tool that go into a message."""

MOST_RESTARTS = 3
"""The attempt from which on a restart of the machine is a failure: the task may bring it about."""

_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"  # colours, moves of the cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles, links
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


class Memory(msgspec.Struct, frozen=True):
    """What the kernel lets us know about memory when a process ended by signal 9."""

    now: Kills = Kills()
    named: bool = False
    """The kernel's log names the process."""
    limit: int = 0
    """Bytes our control group may use; 0: no limit of its own."""
    beyond: int = 0
    """How many processes the kernel ended because the run used more than its own limit."""
    own_limit: int = 0
    """That limit, in bytes."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the user's process came to its end."""

    process: Process
    exit: Exit | None
    """None: it ended and nobody could see how."""
    stop: Stop | None = None
    """Set when it was made to end."""
    killed: bool = False
    """We had to send signal 9."""
    survivors: int = 0
    """Processes of the run that even signal 9 did not end in time."""
    memory: Memory = Memory()
    disk_full: bool = False
    """There is no room left where the run lies."""
    last_line: str = ""
    """The last line that the process wrote."""


def judge(ending: Ending) -> Outcome:
    """Say how the attempt ended, and why."""
    outcome = _stopped(ending, ending.stop) if ending.stop else _by_itself(ending)
    if ending.survivors:
        outcome.message += f"; {ending.survivors} of its processes cannot be ended"
        outcome.hint = (
            "They are probably stuck in a driver or on a network disk. Until they are gone, what "
            "they hold, GPUs too, stays taken; restarting the machine frees it."
        )
    return outcome


def _stopped(ending: Ending, stop: Stop) -> Outcome:
    how = ""
    if ending.killed:
        how = (
            f"; it was killed after {stop.grace:g} s of grace" if stop.grace else "; it was killed"
        )
    return Outcome(
        exit_code=ending.exit.code if ending.exit else 128 + signal.SIGKILL,
        cause=stop.cause,
        message=(stop.message or "stopped on request") + how,
    )


def _by_itself(ending: Ending) -> Outcome:
    ended = ending.exit
    if ended is None:
        return Outcome(
            exit_code=-1,
            cause=Cause.WORKER_LOST,
            message="the process ended while nobody watched it, and its exit code is not known",
            hint="The console has all that it wrote.",
        )
    if ending.memory.beyond and ended.code:
        return _beyond(ending.memory, ended)
    if ended.signal == signal.SIGKILL:
        return _killed(ending, ended)
    if ending.disk_full and ended.code:
        return _out_of_room(ending, ended)
    if ended.signal:
        name = signal.Signals(ended.signal).name if ended.signal in _NUMBERS else ""
        text = f"killed by signal {ended.signal}" + (f" ({name})" if name else "")
        return Outcome(exit_code=ended.code, cause=Cause.USER_CODE, message=text)
    if ended.code == 0:
        return Outcome()
    text = f"exit code {ended.code}"
    if ending.last_line:
        text += f": {ending.last_line}"
    hint = ""
    lost = ending.memory.now.in_group - ending.process.killed_in_group
    if lost > 0:
        hint = (
            f"While it ran, the kernel ended {lost} process(es) of this agent for lack of memory: "
            "if one was a worker of this task, that is the reason. Ask for more memory or use less."
        )
    return Outcome(exit_code=ended.code, cause=Cause.USER_CODE, message=text, hint=hint)


def _out_of_room(ending: Ending, ended: Exit) -> Outcome:
    """It could not write any more, to its console or to files of its own."""
    said = f": {ending.last_line}" if ending.last_line else ""
    return Outcome(
        exit_code=ended.code,
        cause=Cause.DISK_FULL,
        message=f"the disk is full, and the task ended with exit code {ended.code}{said}",
        hint="Free space on the agent's machine. The console has all that could be written.",
    )


def _beyond(facts: Memory, ended: Exit) -> Outcome:
    """The kernel held the run to its limit, and it ended of that, at once or a little later."""
    text = (
        f"out of memory: the kernel ended {facts.beyond} of its processes, because it used more "
        f"than its limit of {in_mib(facts.own_limit)}"
    )
    return Outcome(
        exit_code=ended.code,
        cause=Cause.OUT_OF_MEMORY,
        message=text,
        hint="Use less memory (smaller batches, fewer loader workers) or raise the task's limit.",
    )


def _killed(ending: Ending, ended: Exit) -> Outcome:
    """Signal 9 came, and not from us: lack of memory, as far as the kernel lets us know."""
    facts, before = ending.memory, ending.process
    in_group = facts.now.in_group > before.killed_in_group
    if facts.named or in_group or facts.now.in_machine > before.killed_in_machine:
        bound = f" (limit {in_mib(facts.limit)})" if in_group and facts.limit else ""
        return Outcome(
            exit_code=ended.code,
            cause=Cause.OUT_OF_MEMORY,
            message=f"the kernel ended the process for lack of memory{bound}",
            hint="Use less memory (smaller batches, fewer loader workers) or a larger machine.",
        )
    return Outcome(
        exit_code=ended.code,
        cause=Cause.USER_CODE,
        message="killed by signal 9 (no one here sent it; often the machine ran out of memory)",
    )


def stopped_early(stop: Stop) -> Outcome:
    """It was made to end while it was being prepared."""
    return Outcome(
        exit_code=-1,
        cause=stop.cause,
        message=f"{stop.message or 'stopped on request'}, before the code was started",
    )


def lost(phase: str) -> Outcome:
    """Nobody is left who could say how it ended."""
    return Outcome(
        exit_code=-1,
        cause=Cause.WORKER_LOST,
        message=f"the processes of this run were killed during {phase}, its supervisor too",
        hint="The console has all that was written. The task can run again as a new attempt.",
    )


def rebooted(attempt: int, phase: str) -> Outcome:
    """A restart is nobody's fault: the task goes back to its queue, unless it may be the cause."""
    again = attempt < MOST_RESTARTS
    return Outcome(
        exit_code=-1,
        cause=Cause.INTERRUPTED if again else Cause.WORKER_LOST,
        message=f"the machine was restarted during {phase}",
        hint="" if again else "This task may be what restarts machines: look at its console.",
    )


def fault(error: Exception, log: Path) -> Outcome:
    """Something outside the user's code went wrong. ``log`` has what the supervisor said of it."""
    if isinstance(error, RunError):
        return Outcome(
            exit_code=-1,
            cause=error.cause,
            message=with_last_words(error.what, error.tail),
            hint=error.hint,
        )
    if is_full_disk(error):
        return Outcome(
            exit_code=-1,
            cause=Cause.DISK_FULL,
            message=f"the disk is full: {error.filename or error.strerror}",
            hint="Free space on the agent's machine, or let it keep fewer environments.",
        )
    return Outcome(
        exit_code=-1,
        cause=Cause.AGENT,
        message=f"a fault of the agent itself: {type(error).__name__}: {error}",
        hint=f"Please report it, with {log} from the agent's machine.",
    )


def is_full_disk(error: Exception) -> TypeGuard[OSError]:
    """Whether the system refused to write for lack of space."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def with_last_words(what: str, tail: str) -> str:
    """What failed, and below it the last lines of the tool that did."""
    lines = [line.strip() for line in _CONTROL.sub("", tail).splitlines() if line.strip()]
    new = [line[:LINE_LIMIT] for line in lines[-TAIL_LINES:] if line not in what]
    return "\n".join([what, *new])


_NUMBERS = frozenset(int(number) for number in signal.Signals)


def last_line(console: bytes) -> str:
    """Return the last line with something in it, without colours, at most 300 characters.

    Progress bars rewrite one line over and over: only what stands there at the end counts.
    """
    text = _CONTROL.sub("", console.decode(errors="replace"))
    for line in reversed(re.split(r"[\r\n]+", text)):
        if line.strip():
            line = line.strip()
            return line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 1] + "…"
    return ""
