"""Starting supervisors in milliseconds: a small process that has imported all they need.

A fresh interpreter that imports the supervisor takes ten times as long as the rest of a start.
So the agent keeps one such process, the spawner, which does nothing but fork. It has a single
thread, as a process that forks should, while the agent has many.

Forking takes a moment, too, and so one process is always forked already and waits for the next run.
It rehearses while it waits: what it touches first it touches then.

They talk over a socket pair, a line a message: ``run "<folder>"`` down, ``started <pid>`` or
``failed: <why>`` up. The spawner ends when the agent's end of the socket closes; its supervisors,
each in a session of its own, do not notice.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from taskyard.agent.run import keeper

ANSWER_LIMIT = 20.0
"""Seconds for the spawner to answer; the first answer includes its imports."""
HEAD_START = 0.1
"""Seconds after a start until the process for the next one is forked."""
PATH_LIMIT = 1 << 16
"""Bytes of a run folder's path, at the most."""


class SpawnerError(OSError):
    """No supervisor could be started."""


class Spawner:
    """The agent's side. Safe to use from several threads."""

    def __init__(self, command: list[str] | None = None) -> None:
        self._command = command or [sys.executable, "-m", "taskyard.agent.run.spawner"]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Start the spawner already, so that the first supervisor need not wait for it."""
        with self._lock:
            self._ensure()

    def start(self, folder: Path) -> int:
        """Start a supervisor on a run folder and return its pid.

        A spawner that died is replaced. Asking twice for one folder is harmless: the second
        supervisor sees the first one's lock and leaves. Raises SpawnerError.
        """
        with self._lock:
            for last in (False, True):
                try:
                    answer = self._ask(folder)
                except OSError as error:
                    self._discard()
                    if last:
                        raise SpawnerError(f"no supervisor for {folder.name}: {error}") from error
                else:
                    break
        word, _, rest = answer.partition(" ")
        if word != "started":
            raise SpawnerError(f"no supervisor for {folder.name}: {rest}")
        return int(rest)

    def close(self) -> None:
        """End the spawner. Its supervisors live on."""
        with self._lock:
            self._discard()

    def _ensure(self) -> socket.socket:
        if self._socket is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    self._command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL
                )
            ours.settimeout(ANSWER_LIMIT)
            self._socket = ours
        return self._socket

    def _ask(self, folder: Path) -> str:
        connection = self._ensure()
        connection.sendall(b"run " + msgspec.json.encode(str(folder.resolve())) + b"\n")
        received = b""
        while not received.endswith(b"\n"):
            part = connection.recv(4096)
            if not part:
                raise ConnectionResetError("the spawner died")
            received += part
        return received.decode().strip()

    def _discard(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._process = None


class _Spare(NamedTuple):
    """A supervisor to be: forked already, and waiting to be told its run."""

    pid: int
    connection: socket.socket


class Warmth(NamedTuple):
    """What a process does while it waits to become something."""

    supervisor: Callable[[], None]
    keeper: Callable[[], None]


def _nothing() -> None:
    pass


COLD = Warmth(_nothing, _nothing)


def serve(supervise: Callable[[Path], int], warmth: Warmth = COLD) -> None:
    """Be the spawner: a supervisor for each line, until the agent closes its end.

    The agent's socket is the standard input; a supervisor puts something else in its place.
    """
    # A key pressed at the terminal to stop the agent is not for the supervisors.
    os.setsid()
    # Nobody waits for supervisors here: the kernel collects them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # What is there now is shared with all that is forked, as long as nobody writes to it.
    gc.collect()
    gc.freeze()
    spare: _Spare | None = None
    with socket.socket(fileno=0) as connection, connection.makefile("rb") as lines:
        while True:
            if not _waits(connection, 0):  # else somebody wants one now: there is no time to lose
                with contextlib.suppress(OSError):
                    spare = spare or _fork(supervise, warmth)
            line = lines.readline()
            if not line:
                return
            word, _, rest = line.partition(b" ")
            if word == b"run":
                answer = _start(Path(msgspec.json.decode(rest)), spare, supervise)
            else:
                answer = "failed: unknown request"
            spare = None
            connection.sendall(f"{answer}\n".encode())
            # The run that begins now needs the processors more than the next one does.
            _waits(connection, HEAD_START)


def _waits(connection: socket.socket, seconds: float) -> bool:
    return bool(select.select([connection], [], [], seconds)[0])


def _start(folder: Path, spare: _Spare | None, supervise: Callable[[Path], int]) -> str:
    try:
        for ready in (spare, None):  # the spare one may have been killed while it waited
            chosen = ready or _fork(supervise, COLD)
            if _hand_over(chosen, folder):
                return f"started {chosen.pid}"
    except OSError as error:
        return f"failed: {error}"
    return "failed: the new process died at once"


def _hand_over(spare: _Spare, folder: Path) -> bool:
    """Give a run to a process that waits; whether it has taken it."""
    with spare.connection as connection:
        try:
            connection.sendall(os.fsencode(folder))
            return connection.recv(1) != b""
        except (BrokenPipeError, ConnectionResetError):
            return False


def _fork(supervise: Callable[[Path], int], warmth: Warmth) -> _Spare:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # Held back until the supervisor is ready to hear them: it must not die of one before.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    try:
        pid = os.fork()
        if pid == 0:
            ours.close()
            _become(theirs, supervise, warmth)
    except OSError:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        theirs.close()
    return _Spare(pid, ours)


def _become(connection: socket.socket, supervise: Callable[[Path], int], warmth: Warmth) -> None:
    """Wait for a run and supervise it; or end, when the spawner does."""
    code = 1
    try:
        # The agent must see its socket close when the spawner dies: nobody else holds it open.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Here, as the scheduler sets a process back that begins a session.
        os.setsid()
        keeper.stand_by(connection, ready=warmth.keeper)
        warmth.supervisor()
        folder = connection.recv(PATH_LIMIT)
        if folder:
            connection.sendall(b"!")
            connection.close()
            code = supervise(Path(os.fsdecode(folder)))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main() -> int:
    """Be the spawner of an agent, with all imported that a run may need."""
    for step in ("source", "patch", "setup", "environment"):
        importlib.import_module(f"taskyard.agent.run.{step}")
    from taskyard.agent.run import rehearsal
    from taskyard.agent.run.supervisor import supervise

    with rehearsal.stage() as stage:

        def rehearse(part: Callable[[Path], None]) -> None:
            # It makes starts faster and nothing else: where it fails, a run will say why.
            with contextlib.suppress(Exception):
                part(stage)

        rehearse(rehearsal.rehearse)
        serve(
            supervise,
            Warmth(
                supervisor=lambda: rehearse(rehearsal.rehearse),
                keeper=lambda: rehearse(rehearsal.rehearse_keeping),
            ),
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
