"""Connections to the server that runs share one after the other: to open one takes time on both
sides."""

from __future__ import annotations

import threading

from taskyard.client.config import Profile
from taskyard.client.session import Session

KEPT = 8
"""The most that are kept open for later."""


class Sessions:
    """Sessions of one worker with its server. For any thread."""

    def __init__(self, profile: Profile, worker: str, timeout: float = 30.0) -> None:
        """``timeout``: seconds for an answer, where a call does not say otherwise."""
        self._profile, self._worker, self._timeout = profile, worker, timeout
        self._idle: list[Session] = []
        self._lock = threading.Lock()

    def new(self) -> Session:
        """One that was never used."""
        profile = self._profile
        return Session(
            profile.url,
            profile.access_key,
            profile.secret_key,
            worker=self._worker,
            timeout=self._timeout,
        )

    def borrow(self) -> Session:
        """One that nobody else uses until it is given back."""
        with self._lock:
            return self._idle.pop() if self._idle else self.new()

    def give_back(self, session: Session) -> None:
        """Keep it for the next one. One that was cut is of no use any more."""
        with self._lock:
            if not session.was_cut and len(self._idle) < KEPT:
                self._idle.append(session)
                return
        session.close()
