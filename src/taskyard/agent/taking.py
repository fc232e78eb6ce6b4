"""Whose turn it is to ask for tasks, and asking together with the end of a run.

An agent tells with each question what it knows of, and is given again what it does not: so nobody
asks before all that came with the last answer has begun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import structs

from taskyard.api.attempts import Finish, FinishResponse, Take, TakeResponse
from taskyard.api.errors import ApiError
from taskyard.client.session import Session

MOST = 8
"""Tasks that are taken at once, where there is room for so many."""


def room(live: int, at_once: int) -> int:
    """How many tasks to ask for beside ``live`` runs, of which ``at_once`` may run (0: any
    number)."""
    return max(1, min(at_once - live, MOST)) if at_once else MOST


class Turn:
    """The right to ask. It is held from the question until what was given has begun."""

    def __init__(self, tell: Callable[[], None]) -> None:
        """``tell`` is called when something was given with the end of a run."""
        self._changed = threading.Condition()
        self._held = False
        self._given: TakeResponse | None = None
        self._tell = tell

    @property
    def given(self) -> bool:
        """Whether something was given that is still to begin."""
        return self._given is not None

    def begin(self, seconds: float) -> bool:
        """Have the turn, also of what was given with the end of a run; waits a while for it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.given or not self._held, seconds):
                return False
            self._held = True
            return True

    def collect(self) -> TakeResponse | None:
        """What was given with the end of a run. For the one that has the turn."""
        given, self._given = self._given, None
        return given

    def end(self) -> None:
        """All that was given has begun."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def finish(
        self, session: Session, request: Finish, ask: Callable[[], Take | None]
    ) -> FinishResponse:
        """Tell of the end of a run, and take the next one in the same commit where ``ask`` says
        what to ask for and nobody else is asking. For any thread.

        Raises ApiError and ServerUnreachable.
        """
        with self._changed:
            mine, self._held = not self._held, True
        if not mine:
            return session.call(request, FinishResponse)
        try:
            answer = _finish_and_take(session, request, ask())
        except BaseException:
            self.end()
            raise
        if answer.taken is None:
            self.end()
        else:
            with self._changed:
                self._given = answer.taken
                self._changed.notify_all()
            self._tell()
        return answer


def _finish_and_take(session: Session, request: Finish, take: Take | None) -> FinishResponse:
    if take is not None:
        try:
            return session.call(structs.replace(request, take=take), FinishResponse)
        except ApiError:
            # A queue may be gone: the end must be told all the same.
            pass
    return session.call(request, FinishResponse)
