"""Ending runs: what becomes of the task, and which are tried again."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api import errors
from taskyard.api.errors import ApiError, Cause
from tests.beds.server import Api
from tests.server.asking import task_of, waiting
from tests.server.leasing import (
    ANY,
    console,
    finish,
    history,
    leased,
    refused,
    report,
    states,
    take,
)
from tests.server.making import new_queue, queued


def test_a_completed_run_completes_its_task(api: Api) -> None:
    _, task, lease = leased(api)
    assert finish(api, lease, "completed", exit_code=0) == {"status": "completed", "next": "done"}
    assert states(api, task) == ["completed"]
    assert task_of(api, task)["status"] == "completed"


def finish_and_take(api: Api, lease: dict[str, Any], queue: str) -> dict[str, Any]:
    named = {"task": lease["task"], "attempt": lease["attempt"], "outcome": "completed"}
    found: dict[str, Any] = api(
        "attempts.finish", **named, take={"worker": "w:0", "queues": [queue], "wait": 60}
    )
    return found


def test_the_end_of_a_run_and_the_next_task_may_be_one_call(api: Api) -> None:
    queue = new_queue(api)
    first, second = queued(api, queue), queued(api, queue)
    (lease,) = take(api, queue)
    answer = finish_and_take(api, lease, queue)
    assert (answer["status"], task_of(api, first)["status"]) == ("completed", "completed")
    assert [one["task"] for one in answer["taken"]["attempts"]] == [second]


def test_who_ends_a_run_does_not_wait_for_the_next_task(api: Api) -> None:
    queue, _, lease = leased(api)
    assert finish_and_take(api, lease, queue)["taken"]["attempts"] == []


def test_who_may_not_end_a_run_takes_nothing_with_it(api: Api) -> None:
    queue = new_queue(api)
    queued(api, queue)
    second = queued(api, queue)
    (lease,) = take(api, queue)
    with pytest.raises(ApiError) as refused:
        finish_and_take(api, {**lease, "attempt": 7}, queue)
    assert refused.value.kind == errors.STALE_ATTEMPT[:2]
    assert waiting(api, queue) == [second]


def test_the_same_ending_may_be_said_twice(api: Api) -> None:
    *_, lease = leased(api, retry=ANY)
    first = finish(api, lease, "failed", exit_code=1)
    assert finish(api, lease, "failed", exit_code=1) == first


def test_a_failed_run_says_why(api: Api) -> None:
    _, task, lease = leased(api)
    words = {"cause": Cause.GIT, "message": "no such commit", "hint": "Push it."}
    assert finish(api, lease, "failed", **words) == {"status": "failed", "next": "done"}
    found = task_of(api, task)
    assert found["status_reason"] == "git"
    assert found["status_message"] == "no such commit\nPush it."
    assert api("tasks.explain", task=task)["reason"]["code"] == "git"
    (attempt,) = history(api, task)
    assert (attempt["cause"], attempt["hint"]) == ("git", "Push it.")


def test_a_retry_goes_to_the_front_and_only_as_often_as_allowed(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue, retry=ANY)
    other = queued(api, queue)
    (lease,) = take(api, queue)
    assert finish(api, lease, "failed", exit_code=1) == {"status": "queued", "next": "requeued"}
    assert waiting(api, queue) == [task, other]
    (again,) = take(api, queue)
    assert (again["task"], again["attempt"]) == (task, 2)
    assert finish(api, again, "failed", exit_code=1)["status"] == "failed"


def test_a_user_who_enqueues_again_gives_new_retries(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue, retry=ANY)
    for _ in range(2):
        finish(api, take(api, queue)[0], "failed", exit_code=1)
    api("tasks.enqueue", task=task, queue=queue)
    assert finish(api, take(api, queue)[0], "failed", exit_code=1)["next"] == "requeued"


def test_a_cause_that_the_policy_does_not_name_is_final(api: Api) -> None:
    *_, lease = leased(api, retry={"max": 3, "causes": ["infrastructure"]})
    assert finish(api, lease, "failed", cause=Cause.USER_CODE)["status"] == "failed"


def test_a_returned_task_waits_at_the_front_as_if_never_taken(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    queued(api, queue)
    (lease,) = take(api, queue)
    assert finish(api, lease, "returned")["next"] == "requeued"
    assert waiting(api, queue)[0] == task
    assert states(api, task) == ["returned"]


def test_a_stopped_run_stops_its_task(api: Api) -> None:
    _, task, lease = leased(api, retry=ANY)
    api("tasks.stop", task=task, status_reason="enough")
    assert finish(api, lease, "stopped")["status"] == "stopped"
    assert task_of(api, task)["status_reason"] == "enough"


def test_a_run_that_fails_while_it_is_stopped_is_not_tried_again(api: Api) -> None:
    _, task, lease = leased(api, retry=ANY)
    api("tasks.stop", task=task)
    assert finish(api, lease, "failed", exit_code=1) == {"status": "stopped", "next": "done"}


def test_a_task_whose_queue_is_gone_goes_back_to_the_default_one(api: Api) -> None:
    queue, task, lease = leased(api)
    api("queues.delete", queue=queue)
    finish(api, lease, "returned")
    assert task in waiting(api, api("queues.get_default")["id"])


def ended_with(api: Api, lease: dict[str, Any], offset: int, text: str, **last: Any) -> Any:
    """End a run together with its last report."""
    named = {"task": lease["task"], "attempt": lease["attempt"], "worker": "w:0"}
    said = {**named, **last, "console": {"offset": offset, "text": text}}
    return finish(api, lease, "completed", last=said)


def test_the_last_report_may_come_with_the_end(api: Api) -> None:
    _, task, lease = leased(api)
    report(api, lease, console={"offset": 0, "text": "one\n"})
    phases = [{"name": "launch", "started": 1.0, "ended": 2.0}]
    answer = ended_with(api, lease, 4, "two\n", phases=phases)
    assert (answer["status"], answer["console"]) == ("completed", 8)
    assert console(api, task) == ["one", "two"]
    assert history(api, task)[0]["phases"] == phases


def test_an_end_with_a_report_that_is_told_twice_is_kept_once(api: Api) -> None:
    _, task, lease = leased(api)
    for _ in range(2):
        assert ended_with(api, lease, 0, "bye\n")["status"] == "completed"
    assert console(api, task) == ["bye"]
    assert states(api, task) == ["completed"]


def test_a_run_does_not_end_while_output_before_its_last_is_missing(api: Api) -> None:
    _, task, lease = leased(api)
    assert refused(ended_with, api, lease, 99, "far\n") == errors.VALIDATION[:2]
    assert task_of(api, task)["status"] == "in_progress"
    assert console(api, task) == []


def test_the_last_report_of_an_attempt_that_is_out_of_date_is_not_kept(api: Api) -> None:
    queue, task, lease = leased(api)
    finish(api, lease, "returned")
    take(api, queue, worker="w:1")
    assert refused(ended_with, api, lease, 0, "late\n") == errors.STALE_ATTEMPT[:2]
    assert console(api, task) == []
