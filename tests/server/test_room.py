"""Agents that have no room for the tasks of some of their queues."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.beds.server import Api, Running
from tests.beds.waiting import until


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


def until_listening(server: Running, topic: str) -> None:
    until(lambda: topic in server.server.signals.waiting, f"somebody who listens to {topic}")


def test_who_keeps_room_hears_at_once_that_nobody_wants_it(api: Api, server: Running) -> None:
    (queue,) = make_queues(api, 1)
    task = queued(api, queue)
    with ThreadPoolExecutor(1) as pool:
        keeper = pool.submit(take, Api(server), [queue], closed=[queue], waiting=[queue], wait=50)
        until_listening(server, f"entries:{queue}")
        api("tasks.dequeue", task=task)
        assert not keeper.result(20).get("waiting")


def test_an_entry_wakes_those_that_have_room_for_it(api: Api, server: Running) -> None:
    (queue,) = make_queues(api, 1)
    with ThreadPoolExecutor(2) as pool:
        full = pool.submit(take, Api(server), [queue], closed=[queue], wait=3)
        until_listening(server, f"worker:worker {queue}")
        free = pool.submit(Api(server), "attempts.take", worker="free", queues=[queue], wait=30)
        until_listening(server, f"queue:{queue}")
        task = queued(api, queue)
        assert [lease["task"] for lease in free.result(20)["attempts"]] == [task]
        full.result(20)


def test_an_agent_hears_at_once_of_a_run_that_is_over(api: Api, server: Running) -> None:
    (queue,) = make_queues(api, 1)
    task = queued(api, queue)
    held = [{"task": task, "attempt": take(api, [queue])["attempts"][0]["attempt"]}]
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), [queue], closed=[queue], known=held, wait=50)
        until_listening(server, f"worker:worker {queue}")
        assert not waiter.done()
        api("attempts.finish", **held[0], outcome="completed")
        assert waiter.result(20)["over"] == held
