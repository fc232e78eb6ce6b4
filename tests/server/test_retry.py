"""Tasks that are run again by themselves: for which causes, how often, and when."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api.errors import Cause
from taskyard.server.domain.retry import LONGEST_PAUSE, Policy
from taskyard.server.jobs import reaper
from taskyard.server.store.tables import entries
from tests.beds.server import Api, Running
from tests.server.asking import task_of, waiting
from tests.server.leasing import finish, take
from tests.server.making import new_queue, queued


@pytest.mark.parametrize(
    ("retries", "seconds"), [(0, 10.0), (1, 20.0), (3, 80.0), (10, LONGEST_PAUSE), (10**6, 3600.0)]
)
def test_each_pause_is_twice_as_long_as_the_one_before(retries: int, seconds: float) -> None:
    assert Policy(max=10**7, delay=10.0).pause(retries) == seconds


def failed(api: Api, queue: str, **retry: Any) -> str:
    """A task whose first attempt failed."""
    task = queued(api, queue, retry={"max": 3, "causes": ["git"], **retry})
    finish(api, take(api, queue)[0], "failed", cause=Cause.GIT, message="no host")
    return task


def pass_time(server: Running, task: str) -> None:
    """Let a task's pause end, and the reaper see it."""
    past = update(entries).where(entries.c.task == task)
    server.await_(server.server.control.write(lambda tx: tx.execute(past.values(due=tx.now - 1))))
    server.await_(reaper.run(server.server))


def test_a_retry_with_a_delay_is_not_handed_out_before_its_time(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = failed(api, queue, delay=600)
    assert task_of(api, task)["status"] == "queued"
    assert take(api, queue) == []
    pass_time(server, task)
    assert [lease["attempt"] for lease in take(api, queue)] == [2]


def test_those_behind_a_task_that_backs_off_are_handed_out(api: Api) -> None:
    queue = new_queue(api)
    failed(api, queue, delay=600)
    other = queued(api, queue)
    assert [lease["task"] for lease in take(api, queue)] == [other]


def test_an_agent_that_waits_gets_it_when_it_is_due(api: Api, server: Running) -> None:
    queue = new_queue(api)
    task = failed(api, queue, delay=0.5)
    server.await_(reaper.run(server.server))
    assert [lease["task"] for lease in take(api, queue, wait=30)] == [task]


def test_without_a_delay_it_is_handed_out_at_once(api: Api) -> None:
    queue = new_queue(api)
    failed(api, queue)
    assert [lease["attempt"] for lease in take(api, queue)] == [2]


def test_a_retry_that_waits_can_be_run_at_once_by_hand(api: Api) -> None:
    queue = new_queue(api)
    task = failed(api, queue, delay=600)
    api("tasks.dequeue", task=task)
    api("tasks.enqueue", task=task, queue=queue)
    assert [lease["task"] for lease in take(api, queue)] == [task]


def test_why_it_waits_is_told(api: Api) -> None:
    queue = new_queue(api)
    task = failed(api, queue, delay=600)
    told = api("tasks.explain", task=task)
    assert told["reason"]["code"] == "backing off"
    assert "attempt 1 failed: git; the next begins in " in told["reason"]["text"]
    assert waiting(api, queue) == [task]
