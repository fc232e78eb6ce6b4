"""Which of this machine's agents this one is: a worker id that nobody else here has."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import socket
from pathlib import Path
from typing import IO

from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import DELIVERED
from taskyard.api.errors import TaskyardError

MOST = 256
"""The most agents with counted names on one machine."""


class Slot:
    """A worker id and the lock that makes it this process's own, for as long as it lives."""

    def __init__(
        self, worker: str, base: str, folder: Path, lock: IO[str], name: socket.socket
    ) -> None:
        self.worker = worker
        self.base = base
        """What the names of workers that are part of this one begin with."""
        self.folder = folder
        self._lock, self._name = lock, name

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def sign(self) -> None:
        """Write down that this process has it: again after a fork. Raises OSError."""
        self._lock.seek(0)
        self._lock.truncate(0)
        self._lock.write(f"{self.worker} {os.getpid()}")
        self._lock.flush()

    def release(self) -> None:
        self._lock.close()
        self._name.close()


def claim(
    data: Path, *, server: str = "", name: str = "", worker: str = "", suffix: str = ""
) -> Slot:
    """Claim an id: ``worker`` as it is, else ``name`` (the host's) with a suffix or a number.

    A number that was used before is used again, so that a restarted agent finds the runs that
    the one before it left. An id is given once for a server (its address), also to agents of
    other users and with other folders: the server would take them for one worker.
    Raises TaskyardError when the id is in use.
    """
    base = name or socket.gethostname()
    if worker or suffix:
        wanted = worker or f"{base}:{suffix}"
        slot = _try(data, server, wanted, worker or base)
        if slot is None:
            raise TaskyardError(
                f"an agent with the worker id {wanted} runs here already",
                hint="Stop it with `taskyard agent daemon --stop`, or set another name with "
                "CLEARML_WORKER_NAME.",
            )
        return slot
    # First those that an agent left with runs in them: nobody else looks after these.
    for number in sorted(range(MOST), key=lambda n: not _left(_folder(data, f"{base}:{n}"))):
        if slot := _try(data, server, f"{base}:{number}", base):
            return slot
    raise TaskyardError(f"{MOST} agents run on this machine already")


def running(data: Path) -> list[tuple[str, int]]:
    """The agents of this user that run on this machine: worker id and process id."""
    found = []
    for file in sorted((data / "agents").glob("*/lock")):
        with file.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                worker, _, pid = lock.read().rpartition(" ")
                if pid.isdecimal():  # else it is about to sign
                    found.append((worker, int(pid)))
    return found


def all_runs_of(data: Path, task: str) -> list[Path]:
    """The run folders of a task that any agent here has."""
    return list((data / "agents").glob(f"*/runs/{task}.*"))


def _folder(data: Path, worker: str) -> Path:
    return data / "agents" / re.sub(r"[^\w.,:-]", "_", worker)


def _left(folder: Path) -> bool:
    """Whether runs lie there of which the server does not know the end."""
    return any(not (run / DELIVERED).exists() for run in folders.all_runs(folder / "runs"))


def _try(data: Path, server: str, worker: str, base: str) -> Slot | None:
    folder = _folder(data, worker)
    # The kernel gives a name away once, and takes it back when the process is gone.
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    whose = server or str(data)
    digest = hashlib.sha256(f"{whose} {worker}".encode()).hexdigest()[:32]
    try:
        (folder / "runs").mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.bind(f"\0taskyard worker {digest}")
        except OSError as error:
            lock.close()
            held.close()
            if error.errno in {errno.EAGAIN, errno.EADDRINUSE}:
                return None
            raise
        slot = Slot(worker, base, folder, lock, held)
        slot.sign()
    except OSError as error:
        raise TaskyardError(
            f"cannot write to the agent's folder {folder}: {error.strerror}",
            hint="Free space there, or name another folder with --data or TASKYARD_AGENT_DATA.",
        ) from error
    return slot
