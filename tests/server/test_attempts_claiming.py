"""Running a task without a queue."""

from __future__ import annotations

from typing import Any

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import task_of, waiting
from tests.server.leasing import finish, leased, refused, states, take
from tests.server.making import new_queue, queued, unique


def claim(api: Api, task: str, **body: Any) -> dict[str, Any]:
    lease: dict[str, Any] = api("attempts.claim", worker="w:0", task=task, **body)
    return lease


def test_a_draft_can_be_run_without_a_queue(api: Api) -> None:
    task = api("tasks.create", name=unique("task"), type="training")["id"]
    lease = claim(api, task)
    assert (lease["task"], lease["attempt"], lease["queue"]) == (task, 1, "")
    assert lease["document"]["id"] == task
    assert task_of(api, task)["status"] == "in_progress"
    assert finish(api, lease, "completed")["status"] == "completed"


def test_a_claimed_task_leaves_its_queue(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    assert claim(api, task, from_queue=True)["queue"] == queue
    assert waiting(api, queue) == []
    assert take(api, queue) == []


def test_a_task_in_no_queue_is_not_claimed_from_one(api: Api) -> None:
    task = api("tasks.create", name=unique("task"), type="training")["id"]
    assert refused(claim, api, task, from_queue=True) == errors.TASK_NOT_IN_QUEUE[:2]
    assert task_of(api, task)["status"] == "created"


def test_a_running_task_cannot_be_claimed(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    take(api, queue)
    assert refused(claim, api, task) == errors.INVALID_TASK_STATUS[:2]
    assert states(api, task) == ["leased"]


def test_a_failed_task_can_be_claimed_as_its_next_attempt(api: Api) -> None:
    _, task, lease = leased(api)
    finish(api, lease, "failed")
    assert claim(api, task)["attempt"] == 2
