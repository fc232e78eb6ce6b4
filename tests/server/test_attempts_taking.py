"""Taking tasks under leases, at once and after a wait."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskyard.api import errors
from taskyard.api.attempts import LEASE, Take
from taskyard.server.call import Call
from taskyard.server.services import attempt_taking
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.server.asking import task_of, waiting
from tests.server.leasing import leased, refused, states, take
from tests.server.making import new_queue, queued, unique


def test_taking_a_task_starts_it_under_a_lease(api: Api) -> None:
    queue, task, lease = leased(api)
    assert (lease["task"], lease["attempt"], lease["queue"]) == (task, 1, queue)
    assert lease["lease_seconds"] == LEASE
    assert lease["document"]["id"] == task
    found = task_of(api, task)
    assert (found["status"], found["status_reason"]) == ("in_progress", "taken by w:0")
    assert found["last_worker"] == "w:0"
    assert found["started"]
    assert waiting(api, queue) == []


def test_queues_may_be_named_and_missing_ones_are_told(api: Api) -> None:
    queue = new_queue(api)
    name = api("queues.get_by_id", queue=queue)["queue"]["name"]
    answer = api("attempts.take", worker="w:0", queues=[name, "no such queue"])
    assert (answer["attempts"], answer["missing"]) == ([], ["no such queue"])


def test_taking_from_queues_none_of_which_exists_is_refused(api: Api) -> None:
    assert refused(take, api, "no such queue") == errors.INVALID_QUEUE_ID[:2]


def test_an_earlier_queue_is_emptied_first(api: Api) -> None:
    first, second = new_queue(api), new_queue(api)
    late = queued(api, second)
    early = [queued(api, first), queued(api, first)]
    taken = [take(api, first, second)[0]["task"] for _ in range(3)]
    assert taken == [*early, late]


def test_round_robin_goes_on_after_the_last_queue(api: Api) -> None:
    first, second = new_queue(api), new_queue(api)
    tasks = {queue: [queued(api, queue), queued(api, queue)] for queue in (first, second)}
    taken, last = [], None
    for _ in range(4):
        (lease,) = take(api, first, second, policy="round_robin", last_queue=last)
        taken.append(lease["task"])
        last = lease["queue"]
    assert taken == [tasks[first][0], tasks[second][0], tasks[first][1], tasks[second][1]]


def test_as_many_tasks_as_fit_are_given_at_once(api: Api) -> None:
    queue = new_queue(api)
    tasks = [queued(api, queue) for _ in range(3)]
    assert [lease["task"] for lease in take(api, queue, capacity=2)] == tasks[:2]


def test_a_paused_queue_is_passed_over(api: Api) -> None:
    paused, other = new_queue(api), new_queue(api)
    queued(api, paused)
    task = queued(api, other)
    api("queues.pause", queue=paused)
    assert [lease["task"] for lease in take(api, paused, other, capacity=2)] == [task]


def test_who_waits_gets_a_task_that_comes_later(api: Api, server: Running) -> None:
    queue = new_queue(api)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), queue, wait=30)
        until(lambda: f"queue:{queue}" in server.server.signals.waiting)
        task = queued(api, queue)
        assert [lease["task"] for lease in waiter.result(20)] == [task]


def test_who_waits_gets_a_task_when_its_queue_is_resumed(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    api("queues.pause", queue=queue)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), queue, wait=30)
        until(lambda: f"queue:{queue}" in server.server.signals.waiting)
        api("queues.resume", queue=queue)
        assert [lease["task"] for lease in waiter.result(20)] == [task]


def test_a_task_taken_for_an_agent_that_has_gone_goes_back(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = queued(api, queue)

    async def leave_at_once() -> None:
        call = Call(server.server, worker="gone:0")
        waits = Take(worker="gone:0", queues=[queue], wait=30)
        asking = asyncio.ensure_future(attempt_taking.take(call, waits))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    server.await_(leave_at_once())
    assert waiting(api, queue) == [task]
    assert states(api, task) == ["returned"]


def test_no_task_is_given_twice(api: Api, server: Running) -> None:
    queue = new_queue(api)
    tasks = [queued(api, queue) for _ in range(24)]

    def agent(number: int) -> list[str]:
        mine, found = Api(server), []
        while leases := take(mine, queue, worker=f"many:{number}", wait=0.2):
            found += [lease["task"] for lease in leases]
        return found

    with ThreadPoolExecutor(6) as pool:
        taken = [task for found in pool.map(agent, range(6)) for task in found]
    assert sorted(taken) == sorted(tasks)


def test_a_worker_that_takes_is_there(api: Api) -> None:
    queue, worker = new_queue(api), unique("taker")
    take(api, queue, worker=worker)
    (found,) = api("workers.get_all", worker_pattern=worker)["workers"]
    assert [q["id"] for q in found["queues"]] == [queue]


def test_a_paused_worker_gets_nothing_and_is_told_why(api: Api) -> None:
    queue, worker = new_queue(api), unique("paused")
    task = queued(api, queue)
    api("workers.register", worker=worker, queues=[queue])
    api("workers.pause", worker=worker, reason="new disk")
    answer = api("attempts.take", worker=worker, queues=[queue])
    assert (answer["attempts"], answer["order"]) == ([], "pause")
    assert answer["order_reason"] == "new disk"
    api("workers.resume", worker=worker)
    assert take(api, queue, worker=worker)[0]["task"] == task


def test_a_task_wakes_another_worker_while_one_is_paused(api: Api, server: Running) -> None:
    queue, paused, other = new_queue(api), unique("paused"), unique("other")
    api("workers.register", worker=paused, queues=[queue])
    api("workers.pause", worker=paused)
    waiting_on = server.server.signals.waiting
    with ThreadPoolExecutor(2) as pool:
        pool.submit(take, Api(server), queue, worker=paused, wait=30)
        until(lambda: f"worker:{paused}" in waiting_on)
        waiter = pool.submit(take, Api(server), queue, worker=other, wait=30)
        until(lambda: f"queue:{queue}" in waiting_on)
        task = queued(api, queue)
        assert [lease["task"] for lease in waiter.result(60)] == [task]
        api("workers.resume", worker=paused)
        queued(api, queue)
