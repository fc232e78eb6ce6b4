"""Starting supervisors in milliseconds: a small process that has imported all they need.

A fresh interpreter that imports the supervisor takes ten times as long as the rest of a start.
So the agent keeps one such process, the spawner, which does nothing but fork. It has a single
thread, as a process that forks should, while the agent has many.

Forking takes a moment, too, and so one process is always forked already and waits for the next run.
It rehearses while it waits: what it touches first it touches then. A supervisor whose run has
ended, with nothing left of it, waits for another one itself: under a steady load nothing is forked.

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
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from taskyard.agent.run import keeper, signals

ANSWER_LIMIT = 20.0
"""Seconds for the spawner to answer; the first answer includes its imports."""
HEAD_START = 0.1
"""Seconds after a start until the process for the next one is forked."""
KEPT = 4
"""The most supervisors that wait for another run."""
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


class _Supervisor(NamedTuple):
    """A process that waits to be told its run, or has one."""

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
    crew = _Crew(supervise, warmth)
    fork_at = 0.0
    with socket.socket(fileno=0) as connection, connection.makefile("rb") as lines:
        while True:
            pause = None if crew.waiting else max(0.0, fork_at - time.monotonic())
            if connection in crew.listen(connection, pause):
                line = lines.readline()
                if not line:
                    return
                connection.sendall(f"{_answer(line, crew)}\n".encode())
                # The run that begins now needs the processors more than the next one does.
                fork_at = time.monotonic() + HEAD_START
            elif not crew.waiting and time.monotonic() >= fork_at:
                fork_at = time.monotonic() + HEAD_START  # should it fail
                with contextlib.suppress(OSError):
                    crew.waiting.append(crew.fork())


def _answer(line: bytes, crew: _Crew) -> str:
    word, _, rest = line.partition(b" ")
    if word != b"run":
        return "failed: unknown request"
    try:
        return f"started {crew.give(Path(msgspec.json.decode(rest)))}"
    except OSError as error:
        return f"failed: {error}"


class _Crew:
    """The supervisors of a spawner."""

    def __init__(self, supervise: Callable[[Path], int], warmth: Warmth) -> None:
        self.waiting: list[_Supervisor] = []
        """For a run; the one that had one last comes last, and is the warmest."""
        self._working: list[_Supervisor] = []
        self._supervise, self._warmth = supervise, warmth

    def listen(self, connection: socket.socket, seconds: float | None) -> list[socket.socket]:
        """Wait until somebody says something, and hear which supervisors have nothing to do now.

        Returns who may be read from, of them and ``connection``. ``seconds``: None for ever.
        """
        talking = [connection, *(one.connection for one in self._working)]
        heard = select.select(talking, [], [], seconds)[0]
        for one in [one for one in self._working if one.connection in heard]:
            self._working.remove(one)
            if _says(one) and len(self.waiting) < KEPT:
                self.waiting.append(one)
            else:
                one.connection.close()
        return heard

    def give(self, folder: Path) -> int:
        """Give a run to a supervisor that waits, else to a new one; gives its pid. Raises OSError.

        Those that were killed while they waited are forgotten.
        """
        while True:
            new = not self.waiting
            chosen = self.fork(COLD) if new else self.waiting.pop()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                chosen.connection.sendall(os.fsencode(folder))
                if _says(chosen):
                    self._working.append(chosen)
                    return chosen.pid
            chosen.connection.close()
            if new:
                raise ChildProcessError("the new process died at once")

    def fork(self, warmth: Warmth | None = None) -> _Supervisor:
        """A new supervisor, which waits for a run. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Held back until the supervisor is ready to hear them: it must not die of one before.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        try:
            pid = os.fork()
            if pid == 0:
                # Each must see its own connection close when the spawner dies.
                for other in (ours, *(one.connection for one in self.waiting + self._working)):
                    other.close()
                _become(theirs, self._supervise, warmth or self._warmth)
        except OSError:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            theirs.close()
        return _Supervisor(pid, ours)


def _says(one: _Supervisor) -> bool:
    """Whether a supervisor says yes; it may be gone instead."""
    try:
        return one.connection.recv(1) != b""
    except ConnectionResetError:
        return False


def _become(connection: socket.socket, supervise: Callable[[Path], int], warmth: Warmth) -> None:
    """Wait for runs and supervise them; end when the spawner does, or when unfit for another."""
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
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the spawner died
            while folder := connection.recv(PATH_LIMIT):
                signals.forget()
                connection.sendall(b"!")
                code = supervise(Path(os.fsdecode(folder)))
                if code or not keeper.ready():
                    break
                connection.sendall(b"!")
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
