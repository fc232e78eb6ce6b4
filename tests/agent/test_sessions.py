"""Sessions that are used again: by one at a time, and not those that were cut."""

from __future__ import annotations

import pytest

from taskyard.agent.sessions import KEPT, Sessions
from taskyard.client.config import Profile


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(Profile(url="http://127.0.0.1:9", access_key="a", secret_key="s"), "worker")


def test_one_that_was_given_back_is_used_again(sessions: Sessions) -> None:
    first = sessions.borrow()
    sessions.give_back(first)
    assert sessions.borrow() is first


def test_nobody_gets_one_that_is_in_use(sessions: Sessions) -> None:
    assert sessions.borrow() is not sessions.borrow()


def test_one_that_was_cut_is_not_used_again(sessions: Sessions) -> None:
    first = sessions.borrow()
    first.cut()
    sessions.give_back(first)
    assert sessions.borrow() is not first


def test_no_more_are_kept_than_are_of_use(sessions: Sessions) -> None:
    borrowed = [sessions.borrow() for _ in range(KEPT + 1)]
    for one in borrowed:
        sessions.give_back(one)
    again = [sessions.borrow() for _ in range(KEPT + 1)]
    assert len([one for one in again if one in borrowed]) == KEPT
