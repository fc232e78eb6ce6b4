"""What changed lately, numbered, and which of it somebody follows."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.signals import EVERYTHING

KEPT = 20_000
"""Changes remembered for those who resume: minutes of a busy server, about 3 MB."""

MOST_TOPICS = 1000

_GROUPS = {"tasks": "task", "queues": "queue", "workers": "worker"}
_NAMES = {
    "task": "task",
    "queue": "queue",
    "entries": "queue",
    "worker": "worker",
    "seen": "worker",
    "log": "log",
}
"""The signals that are shown, and as what. Those of sessions, keys and users are not."""


class Changes:
    """The latest changes in their order, numbered from the start of this process.

    Lives on the event loop, like the signals it follows.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._last: deque[str] = deque(maxlen=kept)
        self._waiting: set[asyncio.Future[None]] = set()
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        self._epoch, self._number = secrets.token_hex(4), 0
        self._last.clear()

    @property
    def revision(self) -> str:
        return f"{self._epoch}-{self._number}"

    def told(self, topic: str) -> None:
        """Remember what a signal says: follow the server's signals with it."""
        if topic == EVERYTHING:
            self._begin()
        elif (shown := _shown(topic)) is not None:
            self._last.append(shown)
            self._number += 1
        else:
            return
        self._wake()

    def close(self) -> None:
        """Have every stream end."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def since(self, revision: str) -> list[str] | None:
        """What changed after ``revision``, each once; None when that is not known any more."""
        epoch, _, word = revision.rpartition("-")
        if epoch != self._epoch or not word.isdecimal():
            return None
        count = self._number - int(word)
        if not 0 <= count <= len(self._last):
            return None
        newest = (self._last[i] for i in range(len(self._last) - count, len(self._last)))
        return list(dict.fromkeys(newest))

    async def wait_beyond(self, revision: str, timeout: float) -> None:
        """Wait until there is something newer than ``revision``, at most ``timeout`` seconds."""
        if revision != self.revision or self.closed:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait({future}, timeout=timeout)
        finally:
            self._waiting.discard(future)
            future.cancel()

    @property
    def followers(self) -> int:
        """How many wait for news at this moment."""
        return len(self._waiting)


def _shown(topic: str) -> str | None:
    if topic in _GROUPS:
        return topic
    kind, _, id = topic.partition(":")
    return f"{_NAMES[kind]}:{id}" if id and kind in _NAMES else None


@dataclass(frozen=True, slots=True)
class Interest:
    """What a stream is about: whole groups, and single things."""

    groups: frozenset[str]
    single: frozenset[str]

    def of(self, changed: Iterable[str]) -> list[str]:
        """Those of the changes that are asked for."""
        return [one for one in changed if one in self.single or _group(one) in self.groups]


def _group(change: str) -> str:
    kind, colon, _ = change.partition(":")
    return kind if colon else _GROUPS[change]


def interest(words: str) -> Interest:
    """Read ``topics``; nothing means all groups. Raises ApiError(VALIDATION)."""
    topics = [word for word in words.split(",") if word] or list(_GROUPS)
    if len(topics) > MOST_TOPICS:
        raise ApiError(VALIDATION, f"more than {MOST_TOPICS} topics in one stream")
    for topic in topics:
        if topic not in _GROUPS and _shown(topic) != topic:
            raise ApiError(
                VALIDATION,
                f"there is no topic {topic[:80]!r}",
                hint="Topics are tasks, queues, workers, and task:, queue:, worker: or log: "
                "with an id.",
            )
    groups = frozenset(_GROUPS[topic] for topic in topics if topic in _GROUPS)
    return Interest(groups, frozenset(topics))
