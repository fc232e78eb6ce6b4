"""A lease whose answer got lost on its way is given again to the agent that it was meant for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.beds.waiting import until


@pytest.fixture
def names(request: pytest.FixtureRequest, api: Api) -> tuple[str, str]:
    """A queue and a worker of this test's own."""
    name = request.node.name
    return str(api("queues.create", name=f"queue of {name}")["id"]), f"worker of {name}"


def give(api: Api, queue: str, worker: str) -> tuple[str, int]:
    """Have a task handed out to an agent that never hears of it."""
    task = api("tasks.create", name="lost on its way", type="training")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    answer = api("attempts.take", worker=worker, queues=[queue], known=[])
    assert [a["task"] for a in answer["attempts"]] == [task]
    return task, answer["attempts"][0]["attempt"]


def taken(api: Api, queue: str, worker: str, **more: Any) -> list[tuple[str, int]]:
    answer = api("attempts.take", worker=worker, queues=[queue], **more)
    return [(a["task"], a["attempt"]) for a in answer["attempts"]]


def again(api: Api, queue: str, worker: str, wait: float = 0) -> list[tuple[str, int]]:
    """Take, until there is something."""
    return until(lambda: taken(api, queue, worker, known=[], wait=wait), "something to take")


def test_it_is_the_same_attempt(api: Api, names: tuple[str, str]) -> None:
    lost = give(api, *names)
    assert again(api, *names) == [lost]
    assert len(api("attempts.get_all", task=lost[0])["attempts"]) == 1


def test_another_agent_does_not_get_it(api: Api, names: tuple[str, str]) -> None:
    queue, worker = names
    lost = give(api, queue, worker)
    assert again(api, queue, worker) == [lost]
    assert taken(api, queue, f"not {worker}", known=[]) == []


def test_what_the_agent_knows_of_is_not_given_again(api: Api, names: tuple[str, str]) -> None:
    queue, worker = names
    lost = give(api, queue, worker)
    assert again(api, queue, worker) == [lost]
    held = [{"task": lost[0], "attempt": lost[1]}]
    assert taken(api, queue, worker, known=held) == []


def test_what_was_spoken_of_is_not_given_again(api: Api, names: tuple[str, str]) -> None:
    queue, worker = names
    task, attempt = give(api, queue, worker)
    assert again(api, queue, worker) == [(task, attempt)]
    api("attempts.report", worker=worker, task=task, attempt=attempt, phase="source")
    assert taken(api, queue, worker, known=[]) == []


def test_an_agent_that_says_nothing_of_what_it_knows_gets_new_tasks_only(
    api: Api, names: tuple[str, str]
) -> None:
    queue, worker = names
    lost = give(api, queue, worker)
    assert again(api, queue, worker) == [lost]
    assert taken(api, queue, worker) == []


def test_an_agent_that_leaves_gives_back_what_it_never_heard_of(
    api: Api, names: tuple[str, str]
) -> None:
    queue, worker = names
    task, _ = give(api, queue, worker)
    api("workers.unregister", worker=worker)
    assert api("tasks.get_by_id", task=task)["task"]["status"] == "queued"
    assert taken(api, queue, f"not {worker}", known=[]) == [(task, 2)]


def test_an_agent_that_waits_is_sent_to_ask_again_when_it_can_have_what_was_lost(
    api: Api, names: tuple[str, str]
) -> None:
    queue, worker = names
    lost = give(api, queue, worker)
    # To wait so long in the server is longer than this client waits for an answer.
    assert again(api, queue, worker, wait=60) == [lost]


def test_what_may_be_on_its_way_keeps_its_room(api: Api, names: tuple[str, str]) -> None:
    queue, worker = names
    lost = give(api, queue, worker)
    task = api("tasks.create", name="the next one", type="training")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    assert again(api, queue, worker) == [lost]
    assert taken(api, queue, worker, known=[{"task": lost[0], "attempt": lost[1]}]) == [(task, 1)]
