"""Files in a folder of the server's machine.

``data`` holds them under their own names; ``incoming`` what is still being written, to be moved
over in one step when it is whole.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from taskyard.api.errors import BAD_VALUE, ApiError, TaskyardError
from taskyard.server.store.blobs import NotFound, Stat, checked, no_space

T = TypeVar("T")

DATA, INCOMING = "data", "incoming"

PIECE = 256 << 10
"""Bytes read at a time."""

BUFFER = 1 << 20
"""Bytes gathered before they are written: small pieces from the network cost no thread each."""


class LocalBlobs:
    """A folder as a store; implements :class:`taskyard.server.store.blobs.Blobs`."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / DATA
        self._incoming = folder / INCOMING
        try:
            for made in (self._data, self._incoming):
                made.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A server that was killed in the middle of an upload left its half behind.
            for half in self._incoming.iterdir():
                half.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> TaskyardError:
        return TaskyardError(
            f"cannot write to the folder of files {self._data.parent}: {error.strerror}",
            hint="Change who owns it, or name another with the setting files.",
        )

    async def check(self) -> None:
        probe = self._incoming / uuid.uuid4().hex
        try:
            await _off_loop(probe.touch)
            await _off_loop(probe.unlink)
        except OSError as error:
            raise self._unwritable(error) from error

    async def begin(self, path: str) -> LocalUpload:
        target = self._data / checked(path)
        return LocalUpload(self._incoming / uuid.uuid4().hex, target, self._data)

    async def stat(self, path: str) -> Stat:
        found = await _off_loop(lambda: self._existing(path).stat())
        return Stat(found.st_size, found.st_mtime)

    async def read(self, path: str, start: int, length: int) -> AsyncIterator[bytes]:
        file = await _off_loop(lambda: self._existing(path).open("rb"))
        try:
            await _off_loop(lambda: file.seek(start))
            while length > 0:
                size = min(PIECE, length)
                data = await _off_loop(partial(file.read, size))
                if not data:
                    return
                length -= len(data)
                yield data
        finally:
            file.close()

    def _existing(self, path: str) -> Path:
        try:
            found = self._data / checked(path)
        except ApiError:
            raise NotFound(f"no such file: {path}") from None
        if not found.is_file():
            raise NotFound(f"no such file: {path}")
        return found

    async def delete(self, path: str) -> bool:
        try:
            found = self._data / checked(path.rstrip("/"))
        except ApiError:
            return False
        return await _off_loop(lambda: self._delete(found))

    def _delete(self, found: Path) -> bool:
        try:
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        _drop_empty(found.parent, self._data)
        return True

    async def list(self, prefix: str) -> AsyncIterator[str]:
        root = self._data / checked(prefix) if prefix.strip("/") else self._data
        for path in await _off_loop(lambda: sorted(p for p in root.rglob("*") if p.is_file())):
            yield path.relative_to(self._data).as_posix()


class LocalUpload:
    """A file being written in ``incoming``."""

    def __init__(self, aside: Path, target: Path, root: Path) -> None:
        self._aside, self._target, self._root = aside, target, root
        self._file: BinaryIO | None = None
        self._waiting: list[bytes] = []
        self._held = 0
        self._ended = self._placed = False

    async def write(self, data: bytes) -> None:
        self._waiting.append(data)
        self._held += len(data)
        if self._held >= BUFFER:
            await self._flush()

    async def _flush(self) -> None:
        data, self._waiting, self._held = b"".join(self._waiting), [], 0
        await _off_loop(lambda: self._put(data))

    def _put(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._aside.open("xb")
        self._file.write(data)

    async def end(self) -> None:
        await self._flush()
        await _off_loop(self._close)

    def _close(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
            self._ended = True

    async def finish(self) -> None:
        if not self._ended:
            await self.end()
        await _off_loop(lambda: _place(self._aside, self._target, self._root))
        self._placed = True

    async def discard(self) -> None:
        if not self._placed:
            self._waiting, self._held = [], 0
            await asyncio.to_thread(self._drop)

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
        self._aside.unlink(missing_ok=True)


def _place(aside: Path, target: Path, root: Path) -> None:
    """Move a file to its place; somebody may be deleting the folder as empty meanwhile."""
    try:
        for attempt in range(10):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                os.replace(aside, target)
                break
            except FileNotFoundError:
                if attempt == 9:
                    raise
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        raise ApiError(
            BAD_VALUE,
            "a folder and a file cannot have one name",
            path=target.relative_to(root).as_posix(),
        ) from error
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _drop_empty(folder: Path, root: Path) -> None:
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


async def _off_loop(work: Callable[[], T]) -> T:
    """Do what may wait for the disk in a thread. Raises ApiError when the disk is full."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_space() from error
        raise
