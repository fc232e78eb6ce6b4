"""The runs that an agent follows now, and waiting for them to come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable

from taskyard.agent.follower import Follower
from taskyard.api.attempts import Held


class Roster:
    """For any thread."""

    def __init__(self) -> None:
        self._followers: dict[str, Follower] = {}
        self._changed = threading.Condition(threading.RLock())

    def add(self, follower: Follower) -> None:
        """Start to follow a run."""
        with self._changed:
            follower.start()
            self._followers[follower.folder.name] = follower
            self._changed.notify_all()

    def live(self) -> list[Follower]:
        """Those with something left to follow, the oldest first."""
        with self._changed:
            return [f for f in self._followers.values() if not f.over]

    def depart(self) -> list[Follower]:
        """Forget those that are over; gives each of them once."""
        with self._changed:
            gone = [f for f in self._followers.values() if f.over]
            for follower in gone:
                del self._followers[follower.folder.name]
            return gone

    def tell(self) -> None:
        """Have everybody who waits look again."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition that depends on the runs, or on what :meth:`tell` was called for."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)


def held(followers: list[Follower]) -> list[Held]:
    """The attempts that are followed, as the server is told of them."""
    return [Held(task=f.task, attempt=f.attempt) for f in followers]
