"""The keeper: the smallest process that can be the parent of the user's process.

The supervisor forks it. It starts the user's process, waits, and writes down how that one ended;
it stays until everything the process started has ended, too. Being all that stands between the
user's process and the kernel's init, it makes two things true even when the supervisor is killed:
the exit code is known, and the whole tree of processes can be found below one pid.

A copy of the supervisor's own memory costs less, and starts faster, than a program of its own.
Even the copying takes a moment: it can happen before there is a run, see :func:`stand_by`. Such a
keeper serves one run after the other, as its supervisor does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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


@dataclass
class _Standby:
    """A keeper that was forked before there was a run for it. It is told what to start, answers
    who it is, and says so when all of that has ended; then it can be told again.

    What is said is a message: its length, and that many bytes.
    """

    pid: int
    connection: socket.socket
    busy: bool = False


_LENGTH = struct.Struct("!I")
_ALL_ENDED = b""
"""What a keeper says last of a run."""

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
            _wait_for_orders(theirs)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    theirs.close()
    _standby = _Standby(pid, ours)


def stand_down() -> None:
    """End the keeper that stands by, if there is one."""
    if _standby is not None:
        pid = _standby.pid
        _forget()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


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


def ready() -> bool:
    """Whether a keeper stands by, and is all that this process has below it."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    below = processes.living(processes.descendants(os.getpid()))
    return _standby is not None and not _standby.busy and below == [_standby.pid]


def wait(process: Process, timeout: float, *, wake: int = -1) -> bool:
    """Wait until all that a run's keeper started has ended, and whether it has.

    ``timeout`` is in seconds. Returns early (False) when the file descriptor ``wake`` has
    something to read.
    """
    own = _standby
    if own is None or own.pid != process.keeper:
        return processes.wait(process.keeper, process.keeper_start, timeout, wake=wake)
    if not own.busy:
        return True
    poll = select.poll()
    poll.register(own.connection, select.POLLIN)
    if wake >= 0:
        poll.register(wake, select.POLLIN)
    found = [descriptor for descriptor, _ in poll.poll(max(0.0, timeout) * 1000)]
    if own.connection.fileno() in found:
        if _hear() is None:  # it ends after such a run, or was killed
            return processes.wait(process.keeper, process.keeper_start, timeout, wake=wake)
        own.busy = False
    return not own.busy


def _ask_standby(folder: Path, launch: Launch) -> bytes | None:
    """Have the keeper that stands by start it; None where there is none, or it was killed."""
    if _standby is None:
        return None
    try:
        _tell(_standby.connection, write_order(folder, launch))
    except OSError:
        # It acts on nothing but a whole order.
        _forget()
        return None
    # From here on it may have started something, even where it does not say so.
    _standby.busy = True
    return _hear() or b""


def _hear() -> bytes | None:
    """What the keeper that stands by says; None when it is gone."""
    assert _standby is not None
    said = _receive(_standby.connection)
    if said is None:
        _forget()
    return said


def _forget() -> None:
    global _standby
    if _standby is not None:
        _standby.connection.close()
        _standby = None


def _wait_for_orders(connection: socket.socket) -> None:
    os.setsid()
    adopt_orphans()
    while given := _receive(connection):
        folder, launch = read_order(given)
        speak_into(folder / contract.LOG)
        _keep(folder, launch, lambda said: _tell(connection, said))
        if launch.memory:
            return  # we are in the group of that run, which goes with it
        os.chdir("/")
        speak_into(Path(os.devnull))
        try:
            _tell(connection, _ALL_ENDED)
        except OSError:
            return  # the supervisor was killed


def speak_into(file: Path) -> None:
    """Have what this process says about itself go to the end of a file."""
    log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


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


def _tell(connection: socket.socket, message: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(message)) + message)


def _receive(connection: socket.socket) -> bytes | None:
    """The next message; None when the other side is gone."""
    head = _exactly(connection, _LENGTH.size)
    return None if head is None else _exactly(connection, *_LENGTH.unpack(head))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        try:
            part = connection.recv(size - len(received))
        except ConnectionResetError:
            return None
        if not part:
            return None
        received += part
    return bytes(received)


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

            def tell(said: bytes) -> None:
                os.write(writer, said)
                os.close(writer)

            _keep(folder, launch, tell)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        return pipe.read()


def _keep(folder: Path, launch: Launch, tell: Callable[[bytes], None]) -> None:
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
    with contextlib.suppress(OSError):  # a supervisor that was killed: another one reads the file
        tell(msgspec.json.encode(process))
    if process.pid:
        _reap(folder, process.pid)


def _spawn(folder: Path, launch: Launch) -> int:
    """Start the user's process, writing straight to the console file: nobody stands between."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    console = os.open(folder / contract.CONSOLE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.chdir(launch.folder)
    try:
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
    finally:
        os.close(nothing)
        os.close(console)


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
