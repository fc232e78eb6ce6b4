"""Leases: taking tasks, keeping them, losing them, and ending them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api import errors
from taskyard.api.attempts import LEASE, Take
from taskyard.api.errors import ApiError, Cause
from taskyard.server.call import Call
from taskyard.server.jobs import reaper, watchdog
from taskyard.server.services import attempt_taking
from taskyard.server.store import attempts as store
from taskyard.server.store.tables import attempts, tasks
from taskyard.server.store.times import from_wire
from tests.beds.server import Api, Running
from tests.beds.waiting import until


def unique(word: str) -> str:
    return f"{word} {uuid.uuid4().hex[:8]}"


def make_queue(api: Api) -> str:
    id: str = api("queues.create", name=unique("queue"))["id"]
    return id


def queued(api: Api, queue: str, **fields: Any) -> str:
    id: str = api("tasks.create", name=unique("task"), type="training", **fields)["id"]
    api("tasks.enqueue", task=id, queue=queue)
    return id


def read(api: Api, task: str) -> dict[str, Any]:
    found: dict[str, Any] = api("tasks.get_by_id", task=task)["task"]
    return found


def waiting(api: Api, queue: str) -> list[str]:
    found = api("queues.get_by_id", queue=queue)["queue"]["entries"]
    return [entry["task"] for entry in found]


def take(api: Api, *queues: str, worker: str = "w:0", **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("attempts.take", worker=worker, queues=list(queues), **body)[
        "attempts"
    ]
    return found


def renew(api: Api, lease: dict[str, Any], **body: Any) -> dict[str, Any]:
    held = {"task": lease["task"], "attempt": lease["attempt"]}
    answer = api("attempts.renew", worker="w:0", attempts=[held], **body)
    result: dict[str, Any] = answer["results"][0]
    return result


def report(api: Api, lease: dict[str, Any], **body: Any) -> int:
    held = {"task": lease["task"], "attempt": lease["attempt"], "worker": "w:0"}
    kept: int = api("attempts.report", **held, **body)["console"]
    return kept


def finish(api: Api, lease: dict[str, Any], outcome: str, **body: Any) -> dict[str, Any]:
    held = {"task": lease["task"], "attempt": lease["attempt"]}
    answer: dict[str, Any] = api("attempts.finish", **held, outcome=outcome, **body)
    return answer


def history(api: Api, task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("attempts.get_all", task=task)["attempts"]
    return found


def states(api: Api, task: str) -> list[str]:
    return [attempt["state"] for attempt in history(api, task)]


def refused(do: Callable[..., Any], *args: Any, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        do(*args, **body)
    return caught.value.kind


def run_out(server: Running, task: str) -> None:
    """Let the lease on a task end, and the reaper see it."""
    past = update(attempts).where(attempts.c.task == task, attempts.c.deadline.is_not(None))
    server.await_(
        server.server.control.write(lambda tx: tx.execute(past.values(deadline=tx.now - 1)))
    )
    server.await_(reaper.run(server.server))


ANY = {"max": 1, "causes": []}


# Taking


def test_taking_a_task_starts_it_under_a_lease(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    assert (lease["task"], lease["attempt"], lease["queue"]) == (task, 1, queue)
    assert lease["lease_seconds"] == LEASE
    assert lease["document"]["id"] == task
    found = read(api, task)
    assert (found["status"], found["status_reason"]) == ("in_progress", "taken by w:0")
    assert found["last_worker"] == "w:0"
    assert found["started"]
    assert waiting(api, queue) == []


def test_queues_may_be_named_and_missing_ones_are_told(api: Api) -> None:
    queue = make_queue(api)
    name = api("queues.get_by_id", queue=queue)["queue"]["name"]
    answer = api("attempts.take", worker="w:0", queues=[name, "no such queue"])
    assert (answer["attempts"], answer["missing"]) == ([], ["no such queue"])


def test_taking_from_queues_none_of_which_exists_is_refused(api: Api) -> None:
    assert refused(take, api, "no such queue") == errors.INVALID_QUEUE_ID[:2]


def test_an_earlier_queue_is_emptied_first(api: Api) -> None:
    first, second = make_queue(api), make_queue(api)
    late = queued(api, second)
    early = [queued(api, first), queued(api, first)]
    taken = [take(api, first, second)[0]["task"] for _ in range(3)]
    assert taken == [*early, late]


def test_round_robin_goes_on_after_the_last_queue(api: Api) -> None:
    first, second = make_queue(api), make_queue(api)
    tasks = {queue: [queued(api, queue), queued(api, queue)] for queue in (first, second)}
    taken, last = [], None
    for _ in range(4):
        (lease,) = take(api, first, second, policy="round_robin", last_queue=last)
        taken.append(lease["task"])
        last = lease["queue"]
    assert taken == [tasks[first][0], tasks[second][0], tasks[first][1], tasks[second][1]]


def test_as_many_tasks_as_fit_are_given_at_once(api: Api) -> None:
    queue = make_queue(api)
    tasks = [queued(api, queue) for _ in range(3)]
    assert [lease["task"] for lease in take(api, queue, capacity=2)] == tasks[:2]


def test_a_paused_queue_is_passed_over(api: Api) -> None:
    paused, other = make_queue(api), make_queue(api)
    queued(api, paused)
    task = queued(api, other)
    api("queues.pause", queue=paused)
    assert [lease["task"] for lease in take(api, paused, other, capacity=2)] == [task]


def test_who_waits_gets_a_task_that_comes_later(api: Api, server: Running) -> None:
    queue = make_queue(api)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), queue, wait=30)
        until(lambda: f"queue:{queue}" in server.server.signals._waiting)
        task = queued(api, queue)
        assert [lease["task"] for lease in waiter.result(20)] == [task]


def test_who_waits_gets_a_task_when_its_queue_is_resumed(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    api("queues.pause", queue=queue)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), queue, wait=30)
        until(lambda: f"queue:{queue}" in server.server.signals._waiting)
        api("queues.resume", queue=queue)
        assert [lease["task"] for lease in waiter.result(20)] == [task]


def test_a_task_taken_for_an_agent_that_has_gone_goes_back(api: Api, server: Running) -> None:
    queue = make_queue(api)
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
    queue = make_queue(api)
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
    queue, worker = make_queue(api), unique("taker")
    take(api, queue, worker=worker)
    (found,) = api("workers.get_all", worker_pattern=worker)["workers"]
    assert [q["id"] for q in found["queues"]] == [queue]


def test_a_paused_worker_gets_nothing_and_is_told_why(api: Api) -> None:
    queue, worker = make_queue(api), unique("paused")
    task = queued(api, queue)
    api("workers.register", worker=worker, queues=[queue])
    api("workers.pause", worker=worker, reason="new disk")
    answer = api("attempts.take", worker=worker, queues=[queue])
    assert (answer["attempts"], answer["order"]) == ([], "pause")
    assert answer["order_reason"] == "new disk"
    api("workers.resume", worker=worker)
    assert take(api, queue, worker=worker)[0]["task"] == task


def test_a_task_wakes_another_worker_while_one_is_paused(api: Api, server: Running) -> None:
    queue, paused, other = make_queue(api), unique("paused"), unique("other")
    api("workers.register", worker=paused, queues=[queue])
    api("workers.pause", worker=paused)
    waiting_on = server.server.signals._waiting
    with ThreadPoolExecutor(2) as pool:
        pool.submit(take, Api(server), queue, worker=paused, wait=30)
        until(lambda: f"worker:{paused}" in waiting_on)
        waiter = pool.submit(take, Api(server), queue, worker=other, wait=30)
        until(lambda: f"queue:{queue}" in waiting_on)
        task = queued(api, queue)
        assert [lease["task"] for lease in waiter.result(60)] == [task]
        api("workers.resume", worker=paused)
        queued(api, queue)


# Renewing


def test_a_renewed_lease_ends_later(api: Api) -> None:
    queue = make_queue(api)
    queued(api, queue)
    (lease,) = take(api, queue)
    result = renew(api, lease)
    assert result["order"] == "go"
    assert from_wire(result["deadline"]) > from_wire(lease["deadline"])


def test_a_stop_is_told_with_the_next_renewal(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    api("tasks.stop", task=task)
    assert read(api, task)["status_message"] == "stopping"
    assert renew(api, lease)["order"] == "abort"


def test_a_renewal_that_waits_hears_of_a_stop_at_once(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(renew, Api(server), lease, wait=30)
        until(lambda: "worker:w:0" in server.server.signals._waiting)
        api("tasks.stop", task=task)
        assert waiter.result(20)["order"] == "abort"


@pytest.mark.parametrize("action", ["reset", "delete", "dequeue"])
def test_a_run_whose_task_was_taken_away_is_gone(api: Api, action: str) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    body = {} if action == "dequeue" else {"force": True}
    api(f"tasks.{action}", task=task, **body)
    assert renew(api, lease)["order"] == "gone"


def test_a_run_that_its_own_code_called_completed_may_end_in_peace(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    api("tasks.completed", task=task)
    assert renew(api, lease)["order"] == "go"
    assert finish(api, lease, "completed") == {"status": "completed", "next": "done"}


def test_a_renewal_can_bring_the_machines_load(api: Api) -> None:
    queue = make_queue(api)
    queued(api, queue)
    (lease,) = take(api, queue)
    api(
        "attempts.renew",
        worker=(worker := unique("loaded")),
        attempts=[{"task": lease["task"], "attempt": lease["attempt"]}],
        machine_stats={"cpu_usage": [10, 20]},
    )
    found = api("workers.get_metric_keys", worker_ids=[worker])["categories"]
    assert found == [{"name": "cpu", "metric_keys": ["cpu_usage"]}]


# Reporting


def test_what_really_ran_is_written_back_to_the_task(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue, script={"repository": "r", "requirements": {"pip": "six"}})
    (lease,) = take(api, queue)
    report(api, lease, commit="abc", packages="six==1.16.0")
    script = read(api, task)["script"]
    assert script["version_num"] == "abc"
    assert script["requirements"] == {"pip": "six==1.16.0", "org_pip": "six"}
    assert script["repository"] == "r"


def test_what_conda_installed_is_asked_of_conda_again(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue, script={"repository": "r", "requirements": {"pip": "six"}})
    (lease,) = take(api, queue)
    report(api, lease, packages="six==1.16.0", conda_packages="numpy[version='==2.1']")
    requirements = read(api, task)["script"]["requirements"]
    assert (requirements["conda"], requirements["manager"]) == ("numpy[version='==2.1']", "conda")


def test_phases_are_kept_with_the_attempt(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    phases = [{"name": "source", "started": 1.0, "ended": 2.0}, {"name": "launch", "started": 2.0}]
    report(api, lease, phases=phases)
    (attempt,) = history(api, task)
    assert (attempt["state"], attempt["phases"]) == ("running", phases)


def test_where_a_run_has_its_place_is_kept_with_the_attempt(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    place = {"worker": "host:gpu0,1", "gpus": ["GPU-a", "GPU-b"]}
    report(api, lease, place=place)
    report(api, lease, phase="launch")
    assert history(api, task)[0]["place"] == place


def console(api: Api, task: str) -> list[str]:
    found = api("events.get_task_log", task=task, order="asc", batch_size=100)["events"]
    return [event["msg"] for event in found]


def test_output_is_kept_once_however_often_it_is_sent(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    assert report(api, lease, console={"offset": 0, "text": "one\n"}) == 4
    assert report(api, lease, console={"offset": 0, "text": "one\n"}) == 4
    assert report(api, lease, console={"offset": 99, "text": "far\n"}) == 4
    assert report(api, lease, console={"offset": 4, "text": "zwei ü\n", "size": 8}) == 12
    assert report(api, lease) == 12
    assert console(api, task) == ["one", "zwei ü"]


def test_the_last_output_may_come_after_the_end(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    finish(api, lease, "completed")
    assert report(api, lease, console={"offset": 0, "text": "bye\n"}) == 4
    assert console(api, task) == ["bye"]


def test_reports_of_an_attempt_that_is_out_of_date_are_refused(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    api("tasks.reset", task=task, force=True)
    said = {"console": {"offset": 0, "text": "x"}}
    assert refused(report, api, lease, **said) == errors.STALE_ATTEMPT[:2]
    api("tasks.enqueue", task=task, queue=queue)
    take(api, queue)
    assert refused(report, api, lease, commit="x") == errors.STALE_ATTEMPT[:2]
    assert refused(finish, api, lease, "completed") == errors.STALE_ATTEMPT[:2]


# Ending


def test_a_completed_run_completes_its_task(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    assert finish(api, lease, "completed", exit_code=0) == {"status": "completed", "next": "done"}
    assert states(api, task) == ["completed"]
    assert read(api, task)["status"] == "completed"


def finish_and_take(api: Api, lease: dict[str, Any], queue: str) -> dict[str, Any]:
    named = {"task": lease["task"], "attempt": lease["attempt"], "outcome": "completed"}
    found: dict[str, Any] = api(
        "attempts.finish", **named, take={"worker": "w:0", "queues": [queue], "wait": 60}
    )
    return found


def test_the_end_of_a_run_and_the_next_task_may_be_one_call(api: Api) -> None:
    queue = make_queue(api)
    first, second = queued(api, queue), queued(api, queue)
    (lease,) = take(api, queue)
    answer = finish_and_take(api, lease, queue)
    assert (answer["status"], read(api, first)["status"]) == ("completed", "completed")
    assert [one["task"] for one in answer["taken"]["attempts"]] == [second]


def test_who_ends_a_run_does_not_wait_for_the_next_task(api: Api) -> None:
    queue = make_queue(api)
    queued(api, queue)
    (lease,) = take(api, queue)
    assert finish_and_take(api, lease, queue)["taken"]["attempts"] == []


def test_who_may_not_end_a_run_takes_nothing_with_it(api: Api) -> None:
    queue = make_queue(api)
    queued(api, queue)
    second = queued(api, queue)
    (lease,) = take(api, queue)
    with pytest.raises(ApiError) as refused:
        finish_and_take(api, {**lease, "attempt": 7}, queue)
    assert refused.value.kind == errors.STALE_ATTEMPT[:2]
    assert waiting(api, queue) == [second]


def test_the_same_ending_may_be_said_twice(api: Api) -> None:
    queue = make_queue(api)
    queued(api, queue, retry=ANY)
    (lease,) = take(api, queue)
    first = finish(api, lease, "failed", exit_code=1)
    assert finish(api, lease, "failed", exit_code=1) == first


def test_a_failed_run_says_why(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    words = {"cause": Cause.GIT, "message": "no such commit", "hint": "Push it."}
    assert finish(api, lease, "failed", **words) == {"status": "failed", "next": "done"}
    found = read(api, task)
    assert found["status_reason"] == "git"
    assert found["status_message"] == "no such commit\nPush it."
    assert api("tasks.explain", task=task)["reason"]["code"] == "git"
    (attempt,) = history(api, task)
    assert (attempt["cause"], attempt["hint"]) == ("git", "Push it.")


def test_a_retry_goes_to_the_front_and_only_as_often_as_allowed(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    other = queued(api, queue)
    (lease,) = take(api, queue)
    assert finish(api, lease, "failed", exit_code=1) == {"status": "queued", "next": "requeued"}
    assert waiting(api, queue) == [task, other]
    (again,) = take(api, queue)
    assert (again["task"], again["attempt"]) == (task, 2)
    assert finish(api, again, "failed", exit_code=1)["status"] == "failed"


def test_a_user_who_enqueues_again_gives_new_retries(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    for _ in range(2):
        finish(api, take(api, queue)[0], "failed", exit_code=1)
    api("tasks.enqueue", task=task, queue=queue)
    assert finish(api, take(api, queue)[0], "failed", exit_code=1)["next"] == "requeued"


def test_a_cause_that_the_policy_does_not_name_is_final(api: Api) -> None:
    queue = make_queue(api)
    queued(api, queue, retry={"max": 3, "causes": ["infrastructure"]})
    (lease,) = take(api, queue)
    assert finish(api, lease, "failed", cause=Cause.USER_CODE)["status"] == "failed"


def test_a_returned_task_waits_at_the_front_as_if_never_taken(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    queued(api, queue)
    (lease,) = take(api, queue)
    assert finish(api, lease, "returned")["next"] == "requeued"
    assert waiting(api, queue)[0] == task
    assert states(api, task) == ["returned"]


def test_a_stopped_run_stops_its_task(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    (lease,) = take(api, queue)
    api("tasks.stop", task=task, status_reason="enough")
    assert finish(api, lease, "stopped")["status"] == "stopped"
    assert read(api, task)["status_reason"] == "enough"


def test_a_run_that_fails_while_it_is_stopped_is_not_tried_again(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    (lease,) = take(api, queue)
    api("tasks.stop", task=task)
    assert finish(api, lease, "failed", exit_code=1) == {"status": "stopped", "next": "done"}


def test_a_task_whose_queue_is_gone_goes_back_to_the_default_one(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    api("queues.delete", queue=queue)
    finish(api, lease, "returned")
    assert task in waiting(api, api("queues.get_default")["id"])


# Losing


def test_a_lost_run_fails_its_task_and_says_so(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    renew(api, lease)
    run_out(server, task)
    found = read(api, task)
    assert (found["status"], found["status_reason"]) == ("failed", "worker lost")
    assert "w:0" in found["status_message"]
    assert states(api, task) == ["lost"]


def test_a_lost_run_is_tried_again_if_the_policy_says_so(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry={"max": 1, "causes": ["worker lost"]})
    (lease,) = take(api, queue)
    renew(api, lease)
    run_out(server, task)
    assert waiting(api, queue) == [task]
    assert take(api, queue)[0]["attempt"] == 2


def test_a_loss_that_the_agent_itself_reports_is_final(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    renew(api, lease)
    finish(api, lease, "failed", cause="worker lost", message="its engine died", exit_code=-1)
    # A renewal that was under way meanwhile must not bring it back.
    assert renew(api, lease)["order"] == "gone"
    found = read(api, task)
    assert (found["status"], found["status_reason"]) == ("failed", "worker lost")
    assert "its engine died" in found["status_message"]


def test_a_lease_that_never_arrived_costs_no_retry(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    take(api, queue)
    run_out(server, task)
    assert waiting(api, queue) == [task]
    assert states(api, task) == ["returned"]


def test_a_run_lost_while_it_was_stopped_is_stopped(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    (lease,) = take(api, queue)
    renew(api, lease)
    api("tasks.stop", task=task)
    run_out(server, task)
    assert read(api, task)["status"] == "stopped"


def test_who_waits_is_woken_by_a_lost_run(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    take(api, queue)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), queue, worker="other:0", wait=30)
        until(lambda: f"queue:{queue}" in server.server.signals._waiting)
        run_out(server, task)
        assert [lease["task"] for lease in waiter.result(20)] == [task]


@pytest.mark.parametrize("retry", [None, ANY])
def test_an_agent_that_comes_back_in_time_goes_on(
    api: Api, server: Running, retry: dict[str, Any] | None
) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=retry)
    (lease,) = take(api, queue)
    renew(api, lease)
    started = read(api, task)["started"]
    run_out(server, task)
    assert renew(api, lease)["order"] == "go"
    found = read(api, task)
    assert (found["status"], found["started"]) == ("in_progress", started)
    assert waiting(api, queue) == []
    assert finish(api, lease, "completed")["status"] == "completed"


def test_an_agent_that_comes_back_too_late_is_told_to_let_go(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    (lease,) = take(api, queue)
    renew(api, lease)
    run_out(server, task)
    (second,) = take(api, queue, worker="other:0")
    assert renew(api, lease)["order"] == "gone"
    assert refused(finish, api, lease, "completed") == errors.STALE_ATTEMPT[:2]
    assert finish(api, second, "completed")["status"] == "completed"


def test_the_result_of_a_run_given_up_too_early_counts(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue, retry=ANY)
    (lease,) = take(api, queue)
    renew(api, lease)
    run_out(server, task)
    assert finish(api, lease, "completed") == {"status": "completed", "next": "done"}
    assert waiting(api, queue) == []


def test_leases_are_whole_again_after_the_server_was_away(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    renew(api, lease)
    past = update(attempts).where(attempts.c.task == task)
    control = server.server.control
    server.await_(control.write(lambda tx: tx.execute(past.values(deadline=tx.now - 1))))
    server.await_(control.write(store.extend_all))
    server.await_(reaper.run(server.server))
    assert read(api, task)["status"] == "in_progress"


def test_a_task_popped_by_an_agent_that_died_goes_back(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    api("queues.get_next_task", queue=queue)
    assert api("tasks.explain", task=task)["reason"]["code"] == "handed out"
    run_out(server, task)
    assert waiting(api, queue) == [task]
    assert read(api, task)["status"] == "queued"


# The watchdog


def silence(server: Running, task: str) -> None:
    long_ago = update(tasks).where(tasks.c.id == task).values(last_update=1)
    server.await_(server.server.control.write(lambda tx: tx.execute(long_ago)))
    server.await_(watchdog.run(server.server))


def test_a_silent_task_without_a_lease_is_stopped(api: Api, server: Running) -> None:
    task = api("tasks.create", name=unique("silent"), type="training")["id"]
    api("tasks.started", task=task)
    silence(server, task)
    found = read(api, task)
    assert found["status"] == "stopped"
    assert found["status_reason"] == "Forced stop (non-responsive)"


def test_a_silent_task_under_a_lease_goes_on(api: Api, server: Running) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    take(api, queue)
    silence(server, task)
    assert read(api, task)["status"] == "in_progress"


# Claiming


def claim(api: Api, task: str, **body: Any) -> dict[str, Any]:
    lease: dict[str, Any] = api("attempts.claim", worker="w:0", task=task, **body)
    return lease


def test_a_draft_can_be_run_without_a_queue(api: Api) -> None:
    task = api("tasks.create", name=unique("task"), type="training")["id"]
    lease = claim(api, task)
    assert (lease["task"], lease["attempt"], lease["queue"]) == (task, 1, "")
    assert lease["document"]["id"] == task
    assert read(api, task)["status"] == "in_progress"
    assert finish(api, lease, "completed")["status"] == "completed"


def test_a_claimed_task_leaves_its_queue(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    assert claim(api, task, from_queue=True)["queue"] == queue
    assert waiting(api, queue) == []
    assert take(api, queue) == []


def test_a_task_in_no_queue_is_not_claimed_from_one(api: Api) -> None:
    task = api("tasks.create", name=unique("task"), type="training")["id"]
    assert refused(claim, api, task, from_queue=True) == errors.TASK_NOT_IN_QUEUE[:2]
    assert read(api, task)["status"] == "created"


def test_a_running_task_cannot_be_claimed(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    take(api, queue)
    assert refused(claim, api, task) == errors.INVALID_TASK_STATUS[:2]
    assert states(api, task) == ["leased"]


def test_a_failed_task_can_be_claimed_as_its_next_attempt(api: Api) -> None:
    queue = make_queue(api)
    task = queued(api, queue)
    (lease,) = take(api, queue)
    finish(api, lease, "failed")
    assert claim(api, task)["attempt"] == 2
