"""Whose turn it is to ask for tasks: nobody asks twice, and an end is told in any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from taskyard.agent.taking import MOST, Turn, room
from taskyard.api.attempts import Finish, FinishResponse, Take, TakeResponse
from taskyard.api.errors import INVALID_QUEUE_ID, ApiError
from taskyard.client.http import ServerUnreachable
from taskyard.client.session import Session

END = Finish(task="task", attempt=1, outcome="completed")
QUESTION = Take(worker="worker", queues=["queue"])


class Calls:
    """In place of a session: notes what is sent, and answers."""

    def __init__(self, *errors: Exception) -> None:
        self.sent: list[Finish] = []
        self._errors = list(errors)

    def call(self, request: Finish, _answer: type[FinishResponse]) -> FinishResponse:
        self.sent.append(request)
        if self._errors:
            raise self._errors.pop(0)
        taken = TakeResponse(attempts=[], missing=[]) if request.take else None
        return FinishResponse(status="completed", next="done", taken=taken)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def turn(told: list[str]) -> Turn:
    return Turn(lambda: told.append("given"))


def finish(turn: Turn, calls: Calls, ask: Callable[[], Take | None] = lambda: QUESTION) -> None:
    turn.finish(cast(Session, calls), END, ask)


def test_the_end_of_a_run_and_the_question_are_one_call(turn: Turn, told: list[str]) -> None:
    calls = Calls()
    finish(turn, calls)
    assert [request.take for request in calls.sent] == [QUESTION]
    assert told == ["given"]
    assert turn.begin(0)
    assert turn.collect() is not None


def test_while_somebody_asks_the_end_is_told_alone(turn: Turn) -> None:
    calls = Calls()
    assert turn.begin(0)
    finish(turn, calls)
    assert [request.take for request in calls.sent] == [None]
    assert not turn.given


def test_nothing_more_is_asked_for_before_what_was_given_has_begun(turn: Turn) -> None:
    calls = Calls()
    finish(turn, calls)
    finish(turn, calls)
    assert turn.begin(0)
    turn.collect()
    finish(turn, calls)
    turn.end()
    finish(turn, calls)
    assert [request.take for request in calls.sent] == [QUESTION, None, None, QUESTION]


def test_an_agent_that_wants_no_more_tells_the_end_alone_and_keeps_no_turn(turn: Turn) -> None:
    calls = Calls()
    finish(turn, calls, lambda: None)
    assert [request.take for request in calls.sent] == [None]
    assert turn.begin(0)


def test_where_the_question_is_refused_the_end_is_told_without_it(turn: Turn) -> None:
    calls = Calls(ApiError(INVALID_QUEUE_ID))
    finish(turn, calls)
    assert [request.take for request in calls.sent] == [QUESTION, None]
    assert not turn.given
    assert turn.begin(0)


def test_a_server_that_is_away_keeps_no_turn(turn: Turn) -> None:
    with pytest.raises(ServerUnreachable):
        finish(turn, Calls(ServerUnreachable("away")))
    assert turn.begin(0)


def test_the_turn_is_one_threads(turn: Turn) -> None:
    assert turn.begin(0)
    assert not turn.begin(0)
    turn.end()
    assert turn.begin(0)


@pytest.mark.parametrize(
    ("live", "at_once", "expected"),
    [(0, 1, 1), (1, 4, 3), (4, 4, 1), (0, 100, MOST), (50, 0, MOST)],
)
def test_as_many_are_asked_for_as_there_is_room_for(live: int, at_once: int, expected: int) -> None:
    assert room(live, at_once) == expected
