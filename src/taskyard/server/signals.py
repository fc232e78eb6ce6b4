"""Waking those who wait: agents in a long poll, pages that follow changes.

A topic is a word such as ``queue:<id>``. A queue's topic wakes one waiter, the one that has
waited longest, because one new entry is work for one; all other topics wake everybody.
``entries:<id>`` (the entries of a queue changed otherwise) and ``seen:<id>`` (a worker does
something else now) are for those who look on, and wake no agent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable

EVERYTHING = "*"
"""The topic that wakes all: what was announced for a while may not have come through."""

REMEMBERED = 20_000
"""The most topics of which the last announcement is remembered."""


class Signals:
    """Lives on one event loop; nothing here is thread-safe."""

    def __init__(self) -> None:
        self.waiting: dict[str, deque[asyncio.Future[str]]] = {}
        """Who waits, by topic; those who have waited longest come first."""
        self._followers: list[Callable[[str], None]] = []
        self.moment = 0
        """Grows with every announcement."""
        self._heard: dict[str, int] = {}
        """The moment of each topic's last announcement, of those announced after the oldest."""
        self._oldest = 0

    def follow(self, told: Callable[[str], None]) -> None:
        """Have ``told`` called with every topic announced from now on."""
        self._followers.append(told)

    def announced(self, topics: Iterable[str], since: int) -> bool:
        """Whether one of ``topics`` was announced after that moment. May say so in vain."""
        return any(self._heard.get(topic, self._oldest) > since for topic in topics)

    def _note(self, topic: str) -> None:
        self.moment += 1
        if topic == EVERYTHING or len(self._heard) >= REMEMBERED:
            self._heard.clear()
            self._oldest = self.moment
        self._heard[topic] = self.moment

    def announce(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._note(topic)
            if topic == EVERYTHING:
                for waited_for in list(self.waiting):
                    self._wake(waited_for, all_of_them=True)
            else:
                self._wake(topic)
            for told in self._followers:
                told(topic)

    def _wake(self, topic: str, *, all_of_them: bool = False) -> None:
        waiting = self.waiting.get(topic)
        while waiting:
            future = waiting.popleft()
            if not future.done():
                future.set_result(topic)
                if topic.startswith("queue:") and not all_of_them:
                    return

    async def wait(self, topics: set[str], timeout: float) -> bool:
        """Wait until one of ``topics`` is announced; False when ``timeout`` seconds passed.

        A caller that is cancelled after it was woken passes the wake-up on to the next.
        """
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        for topic in topics:
            self.waiting.setdefault(topic, deque()).append(future)
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(future)
            return True
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                woken = future.result()
                asyncio.get_running_loop().call_soon(self._wake, woken)
            raise
        finally:
            future.cancel()
            for topic in topics:
                self._forget(topic, future)

    def _forget(self, topic: str, future: asyncio.Future[str]) -> None:
        waiting = self.waiting.get(topic)
        if waiting is None:
            return
        with contextlib.suppress(ValueError):
            waiting.remove(future)
        if not waiting:
            del self.waiting[topic]
