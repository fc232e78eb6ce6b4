"""Agents that have no room for the tasks of some of their queues."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from tests.beds.server import Api


def make_queues(api: Api, number: int) -> list[str]:
    return [api("queues.create", name=f"queue {uuid.uuid4().hex[:8]}")["id"] for _ in range(number)]


def queued(api: Api, queue: str) -> str:
    id: str = api("tasks.create", name="task", type="training")["id"]
    api("tasks.enqueue", task=id, queue=queue)
    return id


def take(api: Api, queues: list[str], **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = api(
        "attempts.take", worker=f"worker {queues[0]}", queues=queues, **body
    )
    return answer


def test_a_queue_without_room_is_passed_over_and_told_of(api: Api) -> None:
    big, small = make_queues(api, 2)
    queued(api, big)
    task = queued(api, small)
    answer = take(api, [big, small], closed=[big])
    assert [lease["task"] for lease in answer["attempts"]] == [task]
    assert answer["waiting"] == [big]


def test_a_queue_without_room_that_is_empty_or_paused_waits_for_nothing(api: Api) -> None:
    empty, paused = make_queues(api, 2)
    queued(api, paused)
    api("queues.pause", queue=paused)
    assert not take(api, [empty, paused], closed=[empty, paused]).get("waiting")


def test_queues_without_room_are_served_all_the_same(api: Api) -> None:
    (queue,) = make_queues(api, 1)
    take(api, [queue], closed=[queue])
    (worker,) = api("workers.get_all", worker_pattern=f"worker {queue}")["workers"]
    assert [q["id"] for q in worker["queues"]] == [queue]


def test_who_keeps_room_hears_at_once_that_nobody_wants_it(api: Api) -> None:
    (queue,) = make_queues(api, 1)
    task = queued(api, queue)
    threading.Timer(0.3, lambda: api("tasks.dequeue", task=task)).start()
    began = time.monotonic()
    answer = take(api, [queue], closed=[queue], waiting=[queue], wait=50)
    assert not answer.get("waiting")
    assert time.monotonic() - began < 14, "it was not woken but looked again by itself"


def test_an_entry_without_room_wakes_those_that_have_it(api: Api) -> None:
    (queue,) = make_queues(api, 1)
    answers: list[dict[str, Any]] = []
    full = threading.Thread(target=lambda: take(api, [queue], closed=[queue], wait=4))
    free = threading.Thread(
        target=lambda: answers.append(
            api("attempts.take", worker=f"free {queue}", queues=[queue], wait=50)
        )
    )
    for thread in (full, free):
        thread.start()
        time.sleep(0.3)
    task = queued(api, queue)
    free.join(15)
    assert [lease["task"] for lease in answers[0]["attempts"]] == [task]
    full.join()
