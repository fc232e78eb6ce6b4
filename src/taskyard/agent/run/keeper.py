"""The keeper: the smallest process that can be the parent of the user's process.

The supervisor forks it. It starts the user's process, waits, and writes down how that one ended;
it stays until everything the process started has ended, too. Being all that stands between the
user's process and the kernel's init, it makes two things true even when the supervisor is killed:
the exit code is known, and the whole tree of processes can be found below one pid.

A copy of the supervisor's own memory costs less, and starts faster, than a program of its own.
Even the copying takes a moment: it can happen before there is a run, see :func:`stand_by`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from taskyard.agent.machine import memory, memory_group, processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import spec as contract
from taskyard.agent.run.spec import Exit, Process

_PR_SET_CHILD_SUBREAPER = 36
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_libc = ctypes.CDLL(None, use_errno=True)


class Launch(msgspec.Struct, frozen=True):
    """What to start."""

    argv: list[str]
    folder: Path
    """The working directory."""
    environment: Mapping[str, str]
    memory: int = 0
    """Bytes that it may use with all that it starts; 0: no limit."""


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends: none escapes to init."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become the reaper of orphaned processes")


class _Order(msgspec.Struct, array_like=True):
    """A run and what to start for it, on its way to a keeper that stands by."""

    folder: str
    argv: list[str]
    working_folder: str
    environment: dict[str, str]
    memory: int


class _Standby(NamedTuple):
    """A keeper to be: forked already, and waiting to be told what to start."""

    pid: int
    connection: socket.socket


_standby: _Standby | None = None
"""This supervisor's, if it has one."""


def stand_by(*not_inherited: socket.socket, ready: Callable[[], None]) -> None:
    """Fork the keeper of a run that is yet to come. It ends when this process does without one.

    It closes the sockets ``not_inherited``, and calls ``ready`` before it waits.
    """
    global _standby
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            for other in (ours, *not_inherited):
                other.close()
            ready()
            _wait_for_order(theirs)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    theirs.close()
    _standby = _Standby(pid, ours)


def stand_down() -> None:
    """End the keeper that stands by, if there is one."""
    global _standby
    if _standby is not None:
        _standby.connection.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(_standby.pid, 0)
        _standby = None


def start(folder: Path, launch: Launch, *, not_inherited: int) -> Process:
    """Start the user's process under a keeper of its own and return who they are.

    ``failure`` of the answer says why there is none. The keeper closes the file descriptor
    ``not_inherited``: the lock that must not outlive the supervisor.
    """
    told = _ask_standby(folder, launch)
    if told is None:
        told = _ask_new(folder, launch, not_inherited)
    if told:
        return msgspec.json.decode(told, type=Process)
    raise OSError("the process that was to start the user's code died on the way")


def _ask_standby(folder: Path, launch: Launch) -> bytes | None:
    """Have the keeper that stands by start it; None where there is none, or it was killed."""
    global _standby
    if _standby is None:
        return None
    (_, connection), _standby = _standby, None
    with connection:
        try:
            connection.sendall(write_order(folder, launch))
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            # It acts on nothing but a whole order.
            return None
        # From here on it may have started something, even where it does not say so.
        with contextlib.suppress(ConnectionResetError):
            return _all_of(connection)
    return b""


def _wait_for_order(connection: socket.socket) -> None:
    os.setsid()
    adopt_orphans()
    given = _all_of(connection)
    if given:
        folder, launch = read_order(given)
        log = os.open(folder / contract.LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        _keep(folder, launch, connection.detach())


def write_order(folder: Path, launch: Launch) -> bytes:
    """A run and what to start for it, for a keeper that stands by."""
    order = _Order(
        str(folder), launch.argv, str(launch.folder), dict(launch.environment), launch.memory
    )
    return msgspec.msgpack.encode(order)


def read_order(given: bytes) -> tuple[Path, Launch]:
    """What :func:`write_order` wrote."""
    order = msgspec.msgpack.decode(given, type=_Order)
    launch = Launch(order.argv, Path(order.working_folder), order.environment, order.memory)
    return Path(order.folder), launch


def _all_of(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def _ask_new(folder: Path, launch: Launch, not_inherited: int) -> bytes:
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.close(reader)
            os.close(not_inherited)
            # A session of its own: a signal to the supervisor's group, or to the user's, is not
            # for us.
            os.setsid()
            adopt_orphans()
            _keep(folder, launch, writer)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        return pipe.read()


def _keep(folder: Path, launch: Launch, tell: int) -> None:
    # With handlers rather than "ignored": exec resets handlers, but would pass "ignored" on.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    own = os.getpid()
    process = Process(
        boot_id=processes.boot_id(),
        keeper=own,
        keeper_start=processes.start_time(own),
        console_from=(folder / contract.CONSOLE).stat().st_size,
    )
    if launch.memory:
        group = memory_group.make(f"taskyard-{folder.name}-{own}", launch.memory)
        process.memory_group = str(group or "")
    # Before anything of the user's runs: from here on nothing can be started and not be found.
    folders.write_process(folder, process)
    try:
        if process.memory_group:
            memory_group.enter(Path(process.memory_group))
        process.pid = _spawn(folder, launch)
    except OSError as error:
        process.failure = f"{error.filename or launch.argv[0]}: {error.strerror}"
    else:
        process.pid_start = processes.start_time(process.pid)
        # Counting takes a moment, and the user's code is under way by now.
        counted = memory.kills()
        process.killed_in_group, process.killed_in_machine = counted.in_group, counted.in_machine
    folders.write_process(folder, process)
    os.write(tell, msgspec.json.encode(process))
    os.close(tell)
    if process.pid:
        _reap(folder, process.pid)


def _spawn(folder: Path, launch: Launch) -> int:
    """Start the user's process, writing straight to the console file: nobody stands between."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    console = os.open(folder / contract.CONSOLE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.chdir(launch.folder)
    # Not through subprocess: that takes longer, and has a mind of its own about exit codes.
    # All other descriptors close by themselves, as Python opens them so.
    return os.posix_spawn(
        launch.argv[0],
        launch.argv,
        launch.environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, nothing, 0),
            (os.POSIX_SPAWN_DUP2, console, 1),
            (os.POSIX_SPAWN_DUP2, console, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=_IGNORED_BY_PYTHON,
    )


def _reap(folder: Path, pid: int) -> None:
    """Collect all that ends below us; write down how the user's process itself did."""
    with contextlib.suppress(ChildProcessError):
        while True:
            ended, status = os.wait()
            if ended == pid:
                folders.write_exit(folder, describe(status, alone=not _children_left()))


def _children_left() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def describe(status: int, *, alone: bool) -> Exit:
    """Turn a wait status into what the run folder keeps."""
    code = os.waitstatus_to_exitcode(status)
    number = -code if code < 0 else 0
    return Exit(
        code=128 + number if number else code, signal=number, alone=alone, ended=time.time()
    )
