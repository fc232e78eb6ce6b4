"""The environments of one machine: built once, shared, never changed, dropped when unused.

``<cache>/environments/<key>/`` holds ``venv/`` (read-only), ``manifest.json`` and, once the
byte-code is there, an empty file ``compiled``. An entry is built aside and renamed into place, or
in its place where its files name it; the manifest comes last, so what has one is whole. One lock
file a key, in ``.locks/``: a builder and an evictor hold it alone, every attempt that uses the
entry holds it shared for as long as it runs. Locks end with their process, however it ends; what
a killed builder left is swept by the next holder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.environments.requirements import Project

MANIFEST = "manifest.json"
VENV = "venv"
COMPILED = "compiled"


class Manifest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an entry is."""

    key: str
    inputs: dict[str, Any]
    """All that decided the key."""
    python: str
    """Full version."""
    own: Interpreter | None = None
    """The interpreter, where the environment brings it."""
    site: str
    """The folder of packages, relative to ``venv``."""
    packages: str
    """Frozen list, one a line."""
    conda_packages: str = ""
    """What conda has installed, and from which channels."""
    projects: list[Project] = []
    """The tree's own projects that each attempt adds in its private layer."""
    commands: list[str] = []
    """Names in ``venv/bin`` that installed packages brought."""
    data: list[str] = []
    """Files that packages put beside code and commands (``share/...``), relative to ``venv``."""
    bytes: int = 0
    """Size of the files when built; they may share disk blocks with the installer's cache."""
    created: float = 0.0
    """Seconds since the epoch."""


class Entry(msgspec.Struct, frozen=True):
    """One environment in the store."""

    path: Path
    manifest: Manifest
    used: float
    """When an attempt last began to use it, in seconds since the epoch."""

    @property
    def site(self) -> Path:
        """The shared folder of packages."""
        return self.path / VENV / self.manifest.site


class Hold:
    """Keeps an entry from being evicted, until released or until this process ends."""

    def __init__(self, descriptor: int = -1) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the entry go. Doing it twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def folder(cache: Path) -> Path:
    """Where the entries of a cache lie."""
    return cache / "environments"


def acquire(
    cache: Path,
    key: str,
    build: Callable[[Path], Manifest],
    say: Callable[[str], None],
    *,
    in_place: bool = False,
) -> tuple[Entry, Hold, bool]:
    """The entry of a key, held for the caller, and whether it was there already.

    ``build(folder)`` fills an empty folder with ``venv/`` and says what it made: the entry's own
    when ``in_place``, else one aside. It is called at
    most once a key among all processes of the machine; the others wait for it.
    Raises whatever ``build`` raises.
    """
    place = folder(cache) / key
    reused = True
    while True:
        descriptor = _open_lock(cache, key)
        try:
            _lock(descriptor, fcntl.LOCK_SH, say)
            if entry := _load(place):
                os.utime(place / MANIFEST)
                return entry, Hold(descriptor), reused
            _lock(descriptor, fcntl.LOCK_EX, say)
            if _load(place) is None:
                _sweep(folder(cache), key)
                _build(place, build, in_place)
                reused = False
        except BaseException:
            os.close(descriptor)
            raise
        # Going from the lone to the shared lock is not atomic: look again under the shared one.
        os.close(descriptor)


def list_entries(cache: Path) -> list[Entry]:
    """All entries, the longest unused first."""
    try:
        names = os.listdir(folder(cache))
    except FileNotFoundError:
        return []
    loaded = (_load(folder(cache) / name) for name in names if not name.startswith("."))
    return sorted((entry for entry in loaded if entry), key=lambda entry: entry.used)


def collect(cache: Path, *, max_bytes: int, min_free: int) -> list[str]:
    """Drop the longest unused entries until all fit and enough is free; returns their keys.

    ``max_bytes``: bytes all entries together may have; ``min_free``: bytes to be free on the disk.
    Both count for nothing when 0. What an attempt uses stays, and so does what is being built.
    """
    root = folder(cache)
    _sweep_all(cache)
    entries = list_entries(cache)
    total = sum(entry.manifest.bytes for entry in entries)
    dropped = []
    for entry in entries:
        too_many = max_bytes and total > max_bytes
        too_full = min_free and shutil.disk_usage(root).free < min_free
        if not (too_many or too_full):
            break
        key = entry.manifest.key
        descriptor = _open_lock(cache, key)
        try:
            if not _try_lock(descriptor, fcntl.LOCK_EX):
                continue
            aside = root / f".removing-{key}-{os.getpid()}"
            (root / key).rename(aside)
            remove(aside)
        finally:
            os.close(descriptor)
        total -= entry.manifest.bytes
        dropped.append(key)
    return dropped


def hold(cache: Path, key: str) -> Hold | None:
    """Hold an entry that is there and not locked for building or eviction; else nothing."""
    descriptor = _open_lock(cache, key)
    if _try_lock(descriptor, fcntl.LOCK_SH) and (folder(cache) / key / MANIFEST).exists():
        return Hold(descriptor)
    os.close(descriptor)
    return None


def in_use(cache: Path, key: str) -> bool:
    """Whether an attempt uses or builds the entry now."""
    descriptor = _open_lock(cache, key)
    try:
        return not _try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def remove(tree: Path) -> None:
    """Delete a folder with read-only folders in it; what another process deletes is fine."""
    for path, _, _ in os.walk(tree):
        try:
            os.chmod(path, 0o700)
        except FileNotFoundError:
            continue
    shutil.rmtree(tree, ignore_errors=True)


def seal(venv: Path, *, compiled: bool = False) -> int:
    """Make a tree read-only, but for byte-code folders that are to be filled later.

    Returns the size of its files in bytes.
    """
    total = 0
    folders = [os.fspath(venv)]
    for folder_path in folders:
        with os.scandir(folder_path) as children:
            for child in children:
                if child.is_dir(follow_symlinks=False):
                    folders.append(child.path)
                elif not child.is_symlink():
                    about = child.stat(follow_symlinks=False)
                    total += about.st_size
                    # Most are links of an installer's cache, and closed since its first use.
                    if about.st_mode & 0o222:
                        os.chmod(child.path, about.st_mode & 0o7555)
    for folder_path in folders:
        if compiled or os.path.basename(folder_path) != "__pycache__":
            os.chmod(folder_path, 0o555)
    return total


def seal_bytecode(venv: Path) -> None:
    """Make the byte-code folders read-only as well."""
    for path, _, files in os.walk(venv):
        if os.path.basename(path) == "__pycache__":
            for name in files:
                os.chmod(os.path.join(path, name), 0o444)
            os.chmod(path, 0o555)


def _build(place: Path, build: Callable[[Path], Manifest], in_place: bool) -> None:
    aside = place.with_name(f".building-{place.name}-{os.getpid()}")
    made = place if in_place else aside
    try:
        made.mkdir(parents=True)
        manifest = build(made)
        manifest.created = time.time()
        manifest.bytes = seal(made / VENV, compiled=(made / COMPILED).exists())
        written = made / f".{MANIFEST}"
        written.write_bytes(msgspec.json.encode(manifest))
        written.rename(made / MANIFEST)
        if not in_place:
            made.rename(place)
    except BaseException:
        remove(made)
        raise


def _load(place: Path) -> Entry | None:
    path = place / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        return Entry(place, manifest, path.stat().st_mtime)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def _open_lock(cache: Path, key: str) -> int:
    locks = folder(cache) / ".locks"
    try:
        return os.open(locks / key, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        locks.mkdir(parents=True, exist_ok=True)
        return os.open(locks / key, os.O_RDWR | os.O_CREAT, 0o600)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock(descriptor: int, kind: int, say: Callable[[str], None]) -> None:
    if not _try_lock(descriptor, kind):
        say("another attempt is building this environment: waiting for it")
        fcntl.flock(descriptor, kind)


def _leftovers(root: Path) -> Iterator[tuple[str, Path]]:
    """What builders and evictors left when they were killed, and the keys it is of."""
    for path in root.iterdir():
        if path.name.startswith((".building-", ".removing-")):
            yield path.name.split("-")[1], path
        elif not path.name.startswith(".") and not (path / MANIFEST).exists():
            yield path.name, path


def _sweep(root: Path, key: str) -> None:
    for of_key, path in list(_leftovers(root)):
        if of_key == key:
            remove(path)


def _sweep_all(cache: Path) -> None:
    root = folder(cache)
    for key, path in list(_leftovers(root)) if root.is_dir() else []:
        descriptor = _open_lock(cache, key)
        try:
            if _try_lock(descriptor, fcntl.LOCK_EX):
                remove(path)
        finally:
            os.close(descriptor)
