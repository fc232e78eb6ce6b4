"""Files that tasks upload: artifacts, models, images.

A store is anything with the methods of :class:`Blobs`. Paths are what clients name files by:
``/``-separated, relative, exactly as given; :func:`checked` says which are taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from taskyard.api.errors import BAD_VALUE, INSUFFICIENT_STORAGE, ApiError, TaskyardError

LONGEST_NAME = 255
LONGEST_PATH = 3800
"""Bytes: what common file systems take, with room for the data folder's own path."""


class NotFound(TaskyardError):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class Stat:
    """``size`` in bytes, ``modified`` in seconds since the epoch."""

    size: int
    modified: float


class Upload(Protocol):
    """A file on its way in. It is seen by nobody until it is finished."""

    async def write(self, data: bytes) -> None: ...
    async def end(self) -> None:
        """Say that all has been written: memory and handles are given back."""
        ...

    async def finish(self) -> None:
        """Put the whole file in its place, durably; one that was there is replaced."""
        ...

    async def discard(self) -> None:
        """Drop what has been written. Does nothing after :meth:`finish`."""
        ...


class Blobs(Protocol):
    """A place for files."""

    async def check(self) -> None:
        """Raises TaskyardError, with what to do, when no file can be kept here."""
        ...

    async def begin(self, path: str) -> Upload:
        """Start writing a file. Raises ApiError(BAD_VALUE) for a path that is not taken."""
        ...

    async def stat(self, path: str) -> Stat:
        """Raises NotFound."""
        ...

    def read(self, path: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Bytes of a file in pieces. Raises NotFound with the first."""
        ...

    async def delete(self, path: str) -> bool:
        """Delete a file, or a folder with all in it; False when there is neither."""
        ...

    def list(self, prefix: str) -> AsyncIterator[str]:
        """Paths of all files below a folder (``""`` for all)."""
        ...


def checked(path: str) -> str:
    """``path`` without leading slashes. Raises ApiError(BAD_VALUE) for one that is not taken."""
    relative = path.lstrip("/")
    parts = relative.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise _refused("it must name a file below the root", path)
    if any(ord(letter) < 32 or letter == "\x7f" for letter in relative):
        raise _refused("it holds control characters", path)
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    if sum(map(len, encoded)) + len(encoded) > LONGEST_PATH:
        raise _refused(f"it is longer than {LONGEST_PATH} bytes", path[:80] + "...")
    if any(len(part) > LONGEST_NAME for part in encoded):
        raise _refused(f"a name in it is longer than {LONGEST_NAME} bytes", path[:80] + "...")
    return relative


def _refused(why: str, path: str) -> ApiError:
    return ApiError(BAD_VALUE, f"this path is not taken: {why}", path=path)


def no_space() -> ApiError:
    return ApiError(
        INSUFFICIENT_STORAGE, hint="Free space where the server keeps its files, and try again."
    )
