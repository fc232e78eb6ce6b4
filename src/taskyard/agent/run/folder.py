"""Run folders on disk: made, read and written so that a crash at any moment leaves them readable.

A folder counts as a run once its spec is there; the spec is written last.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
from pathlib import Path
from typing import TypeVar

import msgspec

from taskyard.agent.run import spec as contract
from taskyard.agent.run.spec import Contained, Exit, Process, RunSpec, RunState, Secrets, Stop

T = TypeVar("T", bound=msgspec.Struct)

RESERVED = 256 << 10
"""Bytes that are kept for the last words of runs whose disk gets full."""
_NO_ROOM = 1 << 20
"""Bytes: a disk with less is full, whatever has been given up meanwhile."""

_libc = ctypes.CDLL(None)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def name(task: str, attempt: int) -> str:
    """Return the folder name of an attempt."""
    return f"{task}.{attempt}"


def parse_name(text: str) -> tuple[str, int]:
    """Return the task and the attempt a folder name stands for. Raises ValueError."""
    task, dot, attempt = text.rpartition(".")
    if not (task and dot and attempt.isdecimal()):
        raise ValueError(f"{text!r} is no run folder's name: it should look like <task>.<attempt>")
    return task, int(attempt)


def checkpoints(cache: str | Path, task: str) -> Path:
    """Where a task keeps what its next attempt needs, whichever agent of the machine runs that."""
    return Path(cache) / "checkpoints" / task


def create(runs: Path, spec: RunSpec, secrets: Secrets) -> Path:
    """Make the folder of an attempt below ``runs`` and return it.

    It outlives a loss of power only from :func:`settle` on, which takes longer than all of this.
    Raises FileExistsError when the attempt has one, and ValueError for a task id that is no plain
    file name.
    """
    if not spec.task or "/" in spec.task or spec.task.startswith("."):
        raise ValueError(f"{spec.task!r} cannot be a task's id: it is no plain file name")
    folder = runs / name(spec.task, spec.attempt)
    if folder.exists() and not _written(folder / contract.SPEC):
        shutil.rmtree(folder)  # an agent died while it made this one
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    _write(folder / contract.SECRETS, secrets, durable=False)
    (folder / contract.CONSOLE).touch(mode=0o600)
    _write(folder / contract.SPEC, spec, durable=False)
    return folder


def settle(folder: Path) -> None:
    """Wait until the folder and its spec would survive the loss of power."""
    _sync(folder / contract.SPEC)
    _sync(folder)
    _sync(folder.parent)


def reserve(runs: Path) -> None:
    """Keep some room on the disk of the runs below ``runs``, unless there is too little of it."""
    place = _reserved(runs)
    if place.exists() or no_room(runs.parent):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVED)
        finally:
            os.close(descriptor)


def no_room(folder: Path) -> bool:
    """Whether the disk is as good as full."""
    return shutil.disk_usage(folder).free < _NO_ROOM


def _reserved(runs: Path) -> Path:
    return runs.parent / "reserved"


def all_runs(runs: Path) -> list[Path]:
    """Return the run folders below ``runs``, by task and attempt."""
    found = []
    for path in runs.iterdir() if runs.is_dir() else ():
        with contextlib.suppress(ValueError):
            key = parse_name(path.name)
            if _written(path / contract.SPEC):
                found.append((key, path))
    return [path for _, path in sorted(found)]


def _written(path: Path) -> bool:
    """Whether a file is there and has its content: a power cut may have taken that."""
    try:
        return path.stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False


def read_spec(folder: Path) -> RunSpec:
    """Raises FileNotFoundError when there is no such run."""
    return msgspec.json.decode((folder / contract.SPEC).read_bytes(), type=RunSpec)


def read_secrets(folder: Path) -> Secrets:
    """No file means no secrets."""
    return _read(folder / contract.SECRETS, Secrets) or Secrets()


def read_state(folder: Path) -> RunState:
    """A run that has not started yet has an empty state."""
    return _read(folder / contract.STATE, RunState) or RunState()


def read_process(folder: Path) -> Process | None:
    """None: the user's process was never started."""
    return _read(folder / contract.PROCESS, Process)


def read_contained(folder: Path) -> Contained | None:
    """None: no container was started for the run."""
    return _read(folder / contract.CONTAINED, Contained)


def read_exit(folder: Path) -> Exit | None:
    """None: the user's process has not ended, or nobody was there to see it."""
    return _read(folder / contract.EXIT, Exit)


def read_stop(folder: Path) -> Stop | None:
    """None: nobody asked for an end."""
    return _read(folder / contract.STOP, Stop)


def write_state(
    folder: Path, state: RunState, *, durable: bool = False, hasty: bool = False
) -> None:
    """Replace the state. ``durable`` waits until it would survive the loss of power.

    ``hasty`` is for what will be written again soon: a loss of power may leave no state at all.
    """
    write = _write_last if durable else _write
    write(folder / contract.STATE, state, durable=durable, hasty=hasty)


def write_process(folder: Path, process: Process) -> None:
    """Replace what is known about who runs the user's code."""
    _write(folder / contract.PROCESS, process, durable=False)


def write_contained(folder: Path, contained: Contained) -> None:
    """Replace what is known about the container that runs the user's code."""
    _write(folder / contract.CONTAINED, contained, durable=False)


def write_exit(folder: Path, ended: Exit) -> None:
    """Record how the user's process ended."""
    _write_last(folder / contract.EXIT, ended, durable=False)


def write_stop(folder: Path, stop: Stop) -> None:
    """Leave a wish that the attempt end."""
    _write(folder / contract.STOP, stop, durable=False)


def _read(path: Path, kind: type[T]) -> T | None:
    """Read one file. A power cut may leave one empty that was not written durably: not there."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=kind) if content.strip(b"\0") else None


def _write(path: Path, value: msgspec.Struct, *, durable: bool, hasty: bool = False) -> None:
    # The pid keeps apart two writers of one file: an agent and the one that replaces it.
    # Plain system calls: this happens several times on the way to the user's code.
    aside = f"{path.parent}/.{path.name}.{os.getpid()}"
    descriptor = _create(aside)
    try:
        try:
            _write_all(descriptor, msgspec.json.encode(value))
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if hasty and _exchanged(aside, path):
            os.unlink(aside)
        else:
            os.rename(aside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    if durable:
        _sync(path.parent)


def _write_last(path: Path, value: msgspec.Struct, *, durable: bool, hasty: bool = False) -> None:
    """Write what must not be lost: on a full disk, in the place of what is kept for that."""
    try:
        _write(path, value, durable=durable, hasty=hasty)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _reserved(path.parent.parent).unlink(missing_ok=True)
        _write(path, value, durable=durable, hasty=hasty)


def _exchanged(aside: str, path: Path) -> bool:
    """Let two files change places, where both are there and the system can do it.

    Where a file is renamed over another, some file systems send its data to the disk at once
    (ext4 does), which takes longer than all the rest.
    """
    try:
        failed = _libc.renameat2(
            _AT_FDCWD, os.fsencode(aside), _AT_FDCWD, os.fsencode(path), _RENAME_EXCHANGE
        )
    except AttributeError:  # a C library without it
        return False
    return not failed


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:  # left by a process of the same number that died while it wrote
        os.unlink(path)
        return os.open(path, flags, 0o600)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
