"""Tasks in queues: added, moved, taken and removed."""

from __future__ import annotations

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import UNKNOWN, Document, refused, task_of, waiting
from tests.server.making import filled, new_queue, new_task, run


def test_tasks_leave_in_the_order_they_came(api: Api) -> None:
    queue, tasks = filled(api, 3)
    assert api("queues.get_num_entries", queue=queue) == {"num": 3}
    assert api("queues.peek_task", queue=queue) == {"task": tasks[0]}
    for task in tasks:
        entry = api("queues.get_next_task", queue=queue)["entry"]
        assert entry["task"] == task
        assert isinstance(entry["added"], str)
    assert not api("queues.get_next_task", queue=queue).get("entry")
    assert api("queues.get_num_entries", queue=queue) == {"num": 0}
    assert not api("queues.peek_task", queue=queue).get("task")


def test_the_popped_task_is_described_on_request(api: Api) -> None:
    queue, (task,) = filled(api, 1)
    answer = api("queues.get_next_task", queue=queue, get_task_info=True)
    known = task_of(api, task)
    assert answer["task_info"] == {"company": known["company"], "user": known["user"]}


@pytest.mark.parametrize(
    ("action", "body", "position"),
    [
        ("move_task_forward", {}, 1),
        ("move_task_forward", {"count": 2}, 0),
        ("move_task_forward", {"count": 100}, 0),
        ("move_task_backward", {}, 3),
        ("move_task_backward", {"count": 2}, 4),
        ("move_task_backward", {"count": 100}, 4),
        ("move_task_to_front", {}, 0),
        ("move_task_to_back", {}, 4),
    ],
)
def test_a_task_moves(api: Api, action: str, body: Document, position: int) -> None:
    queue, tasks = filled(api, 5)
    answer = api(f"queues.{action}", queue=queue, task=tasks[2], **body)
    assert answer == {"position": position}
    others = [task for task in tasks if task != tasks[2]]
    assert waiting(api, queue) == [*others[:position], tasks[2], *others[position:]]


@pytest.mark.parametrize(
    ("action", "needs"),
    [
        ("get_by_id", ["queue"]),
        ("update", ["queue"]),
        ("delete", ["queue"]),
        ("add_task", ["queue", "task"]),
        ("get_next_task", ["queue"]),
        ("remove_task", ["queue", "task"]),
        ("clear_queue", ["queue"]),
        ("peek_task", ["queue"]),
        ("get_num_entries", ["queue"]),
        ("move_task_forward", ["queue", "task"]),
        ("move_task_backward", ["queue", "task"]),
        ("move_task_to_front", ["queue", "task"]),
        ("move_task_to_back", ["queue", "task"]),
        ("add_or_update_metadata", ["queue", "metadata"]),
        ("delete_metadata", ["queue", "keys"]),
    ],
)
def test_what_is_needed_and_who_is_unknown(api: Api, action: str, needs: list[str]) -> None:
    samples = {"queue": UNKNOWN, "task": UNKNOWN, "metadata": [{"key": "k"}], "keys": ["k"]}
    whole = {name: samples[name] for name in needs}
    for name in needs:
        rest = {key: value for key, value in whole.items() if key != name}
        refused(errors.MISSING_FIELDS[:2], api, f"queues.{action}", **rest)
    refused(errors.INVALID_QUEUE_ID[:2], api, f"queues.{action}", **whole)


@pytest.mark.parametrize(
    "action",
    [
        "remove_task",
        "move_task_forward",
        "move_task_backward",
        "move_task_to_front",
        "move_task_to_back",
    ],
)
def test_a_task_that_does_not_wait_here_is_refused(api: Api, action: str) -> None:
    queue, _ = filled(api, 1)
    body = {"queue": queue, "task": new_task(api)}
    refused(errors.TASK_NOT_IN_QUEUE[:2], api, f"queues.{action}", **body)


def test_adding_by_hand_needs_a_known_task_that_is_not_there(api: Api) -> None:
    queue, task = new_queue(api), new_task(api)
    assert api("queues.add_task", queue=queue, task=task) == {"added": 1}
    assert task_of(api, task)["execution"]["queue"] == queue
    refused(errors.TASK_ALREADY_QUEUED[:2], api, "queues.add_task", queue=queue, task=task)
    refused(errors.INVALID_TASK_ID[:2], api, "queues.add_task", queue=queue, task=UNKNOWN)
    assert api("queues.remove_task", queue=queue, task=task) == {"removed": 1}


def test_removing_by_hand_may_leave_the_status(api: Api) -> None:
    queue, (first, second) = filled(api, 2)
    assert api("queues.remove_task", queue=queue, task=first) == {"removed": 1}
    assert task_of(api, first)["status"] == "queued"
    api("queues.remove_task", queue=queue, task=second, update_task_status=True)
    found = task_of(api, second)
    assert found["status"] == "created"
    assert "queue" not in found["execution"]


def test_a_queue_with_tasks_needs_force_to_go(api: Api) -> None:
    queue, tasks = filled(api, 2)
    run(api, stopped := new_task(api), "started", "stopped")
    api("tasks.enqueue", task=stopped, queue=queue)
    refused(errors.QUEUE_NOT_EMPTY[:2], api, "queues.delete", queue=queue)
    assert api("queues.delete", queue=queue, force=True) == {"deleted": 1}
    refused(errors.INVALID_QUEUE_ID[:2], api, "queues.get_by_id", queue=queue)
    found = [task_of(api, task) for task in [*tasks, stopped]]
    assert [task["status"] for task in found] == ["created", "created", "stopped"]
    assert not any("queue" in task["execution"] for task in found)


def test_clearing_answers_what_was_there(api: Api) -> None:
    queue, tasks = filled(api, 2)
    assert sorted(api("queues.clear_queue", queue=queue)["removed_tasks"]) == sorted(tasks)
    assert waiting(api, queue) == []
    assert {task_of(api, task)["status"] for task in tasks} == {"created"}
    assert api("queues.clear_queue", queue=queue) == {"removed_tasks": []}


def test_a_task_waits_in_the_last_queue_it_was_sent_to(api: Api) -> None:
    first, (task,) = filled(api, 1)
    second = new_queue(api)
    api("tasks.enqueue", task=task, queue=second)
    assert (waiting(api, first), waiting(api, second)) == ([], [task])
    assert task_of(api, task)["execution"]["queue"] == second
    refused(errors.TASK_ALREADY_QUEUED[:2], api, "tasks.enqueue", task=task, queue=second)


@pytest.mark.parametrize(
    ("action", "removed"),
    [("tasks.dequeue", True), ("tasks.stop", True), ("tasks.reset", True), ("tasks.delete", True)],
)
def test_a_task_that_does_something_else_leaves_its_queue(
    api: Api, action: str, removed: bool
) -> None:
    queue, (task,) = filled(api, 1)
    api(action, task=task, force=True)
    assert (waiting(api, queue) == []) is removed
