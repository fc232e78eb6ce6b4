"""Runs that nobody hears of any more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api import errors
from taskyard.server.jobs import reaper, watchdog
from taskyard.server.store.tables import attempts, tasks
from taskyard.server.store.tasks import attempts as store
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.server.asking import task_of, waiting
from tests.server.leasing import ANY, finish, leased, refused, renew, run_out, states, take
from tests.server.making import new_queue, queued, unique


def test_a_lost_run_fails_its_task_and_says_so(api: Api, server: Running) -> None:
    _, task, lease = leased(api)
    renew(api, lease)
    run_out(server, task)
    found = task_of(api, task)
    assert (found["status"], found["status_reason"]) == ("failed", "worker lost")
    assert "w:0" in found["status_message"]
    assert states(api, task) == ["lost"]


def test_what_to_do_about_a_lost_run_is_told_once(api: Api, server: Running) -> None:
    _, task, lease = leased(api)
    renew(api, lease)
    run_out(server, task)
    found = api("tasks.explain", task=task)
    assert found["reason"]["text"] == "worker w:0 fell silent"
    assert "retry policy" in found["hint"]


def test_a_lost_worker_no_longer_has_its_task(api: Api, server: Running) -> None:
    queue, worker = new_queue(api), unique("w")
    task = queued(api, queue)
    (lease,) = take(api, queue, worker=worker)
    api("attempts.renew", worker=worker, attempts=[{"task": task, "attempt": lease["attempt"]}])
    run_out(server, task)
    (found,) = api("workers.get_all", worker_pattern=worker)["workers"]
    assert "task" not in found


def test_a_lost_run_is_tried_again_if_the_policy_says_so(api: Api, server: Running) -> None:
    queue, task, lease = leased(api, retry={"max": 1, "causes": ["worker lost"]})
    renew(api, lease)
    run_out(server, task)
    assert waiting(api, queue) == [task]
    assert take(api, queue)[0]["attempt"] == 2


def test_a_loss_that_the_agent_itself_reports_is_final(api: Api) -> None:
    _, task, lease = leased(api)
    renew(api, lease)
    finish(api, lease, "failed", cause="worker lost", message="its engine died", exit_code=-1)
    # A renewal that was under way meanwhile must not bring it back.
    assert renew(api, lease)["order"] == "gone"
    found = task_of(api, task)
    assert (found["status"], found["status_reason"]) == ("failed", "worker lost")
    assert "its engine died" in found["status_message"]


def test_a_lease_that_never_arrived_costs_no_retry(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    take(api, queue)
    run_out(server, task)
    assert waiting(api, queue) == [task]
    assert states(api, task) == ["returned"]


def test_a_run_lost_while_it_was_stopped_is_stopped(api: Api, server: Running) -> None:
    _, task, lease = leased(api, retry=ANY)
    renew(api, lease)
    api("tasks.stop", task=task)
    run_out(server, task)
    assert task_of(api, task)["status"] == "stopped"


def test_who_waits_is_woken_by_a_lost_run(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    take(api, queue)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(take, Api(server), queue, worker="other:0", wait=30)
        until(lambda: f"queue:{queue}" in server.server.signals.waiting)
        run_out(server, task)
        assert [lease["task"] for lease in waiter.result(20)] == [task]


@pytest.mark.parametrize("retry", [None, ANY])
def test_an_agent_that_comes_back_in_time_goes_on(
    api: Api, server: Running, retry: dict[str, Any] | None
) -> None:
    queue, task, lease = leased(api, retry=retry)
    renew(api, lease)
    started = task_of(api, task)["started"]
    run_out(server, task)
    assert renew(api, lease)["order"] == "go"
    found = task_of(api, task)
    assert (found["status"], found["started"]) == ("in_progress", started)
    assert waiting(api, queue) == []
    assert finish(api, lease, "completed")["status"] == "completed"


def test_an_agent_that_comes_back_too_late_is_told_to_let_go(api: Api, server: Running) -> None:
    queue, task, lease = leased(api, retry=ANY)
    renew(api, lease)
    run_out(server, task)
    (second,) = take(api, queue, worker="other:0")
    assert renew(api, lease)["order"] == "gone"
    assert refused(finish, api, lease, "completed") == errors.STALE_ATTEMPT[:2]
    assert finish(api, second, "completed")["status"] == "completed"


def test_the_result_of_a_run_given_up_too_early_counts(api: Api, server: Running) -> None:
    queue, task, lease = leased(api, retry=ANY)
    renew(api, lease)
    run_out(server, task)
    assert finish(api, lease, "completed") == {"status": "completed", "next": "done"}
    assert waiting(api, queue) == []


def test_leases_are_whole_again_after_the_server_was_away(api: Api, server: Running) -> None:
    _, task, lease = leased(api)
    renew(api, lease)
    past = update(attempts).where(attempts.c.task == task)
    control = server.server.control
    server.await_(control.write(lambda tx: tx.execute(past.values(deadline=tx.now - 1))))
    server.await_(control.write(store.extend_all))
    server.await_(reaper.run(server.server))
    assert task_of(api, task)["status"] == "in_progress"


def test_a_task_popped_by_an_agent_that_died_goes_back(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    api("queues.get_next_task", queue=queue)
    assert api("tasks.explain", task=task)["reason"]["code"] == "handed out"
    run_out(server, task)
    assert waiting(api, queue) == [task]
    assert task_of(api, task)["status"] == "queued"


# The watchdog


def silence(server: Running, task: str) -> None:
    long_ago = update(tasks).where(tasks.c.id == task).values(last_update=1)
    server.await_(server.server.control.write(lambda tx: tx.execute(long_ago)))
    server.await_(watchdog.run(server.server))


def test_a_silent_task_without_a_lease_is_stopped(api: Api, server: Running) -> None:
    task = api("tasks.create", name=unique("silent"), type="training")["id"]
    api("tasks.started", task=task)
    silence(server, task)
    found = task_of(api, task)
    assert found["status"] == "stopped"
    assert found["status_reason"] == "Forced stop (non-responsive)"


def test_a_silent_task_under_a_lease_goes_on(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    take(api, queue)
    silence(server, task)
    assert task_of(api, task)["status"] == "in_progress"
