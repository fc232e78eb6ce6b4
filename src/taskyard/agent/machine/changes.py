"""Hearing from the kernel that something changed in a folder, rather than looking again and again.

Another process may write a thousand times a second: a file is heard of once, and then no more
until it is listened for again.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_MODIFY, _MOVED_TO, _ONCE = 0x2, 0x80, 0x80000000
_EVENT = struct.Struct("iIII")
"""Which watch, what happened, a number that matters not, and the length of the name after it."""


class Changes:
    """What happens in one folder from now on. Not for use by several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Listen for files that are put into ``folder`` by a rename.

        Where the kernel has no more listeners to give, or no such thing, nothing is heard.
        """
        self._folder = folder
        self._written: dict[int, str] = {}
        self._descriptor = _started()
        if self._descriptor >= 0 and _watch(self._descriptor, folder, _MOVED_TO) < 0:
            self.close()

    @property
    def hears(self) -> bool:
        """Whether anything will ever be heard."""
        return self._descriptor >= 0

    def listen_for_writing(self, name: str) -> None:
        """Hear of the next time that this file, which is there, is written to."""
        if self.hears:
            watch = _watch(self._descriptor, self._folder / name, _MODIFY | _ONCE)
            self._written[watch] = name

    def heard(self, seconds: float) -> set[str]:
        """Names of the files that changed since the last time of asking; waits for one."""
        if not self.hears:
            time.sleep(seconds)
            return set()
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.poll(seconds * 1000)
        found = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                found |= self._names(os.read(self._descriptor, 1 << 14))
        return found

    def _names(self, events: bytes) -> set[str]:
        found = set()
        place = 0
        while place < len(events):
            watch, happened, _, length = _EVENT.unpack_from(events, place)
            place += _EVENT.size
            if happened & _MOVED_TO:
                found.add(os.fsdecode(events[place : place + length].rstrip(b"\0")))
            elif happened & _MODIFY and watch in self._written:
                found.add(self._written.pop(watch))
            place += length
        return found

    def close(self) -> None:
        """Listen no more. Doing it twice is fine."""
        if self.hears:
            os.close(self._descriptor)
            self._descriptor = -1


def _started() -> int:
    try:
        return int(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    except AttributeError:  # not the kernel that this is of
        return -1


def _watch(descriptor: int, path: Path, what: int) -> int:
    return int(_libc.inotify_add_watch(descriptor, os.fsencode(path), ctypes.c_uint32(what)))
