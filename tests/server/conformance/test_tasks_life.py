"""The life cycle of tasks as the protocol has it: moves, side effects, and what they answer."""

from __future__ import annotations

import pytest

from tests.beds.server import Api
from tests.server.asking import UNKNOWN, refused, task_of, waiting
from tests.server.making import new_model, new_queue, new_task, queued, run, unique

CHANGED = {
    "status",
    "status_reason",
    "status_message",
    "status_changed",
    "last_update",
    "last_change",
    "last_changed_by",
}


# --- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "move", "status"),
    [
        ((), "started", "in_progress"),
        (("started",), "stop", "stopped"),
        (("started",), "stopped", "stopped"),
        (("started",), "failed", "failed"),
        (("started",), "completed", "completed"),
        (("started", "stopped"), "close", "closed"),
        (("started", "completed"), "publish", "published"),
        (("started", "stopped"), "publish", "published"),
        (("started", "failed"), "publish", "published"),
        (("started", "failed"), "reset", "created"),
        ((), "reset", "created"),
    ],
)
def test_a_move_answers_what_it_changed(
    api: Api, before: tuple[str, ...], move: str, status: str
) -> None:
    task = run(api, new_task(api), *before)
    answer = api(f"tasks.{move}", task=task, status_reason="why", status_message="what")
    assert answer["updated"] == 1
    assert set(answer["fields"]) >= CHANGED
    assert answer["fields"]["status"] == status
    found = task_of(api, task)
    assert (found["status"], found["status_reason"]) == (status, "why")
    assert found["status_message"] == "what"
    assert found["status_changed"] == answer["fields"]["status_changed"]


@pytest.mark.parametrize(
    ("before", "moves"),
    [
        ((), ("stopped", "failed", "completed", "close", "publish", "stop")),
        (("started",), ("close", "publish")),
        (("started", "stopped"), ()),
        (("started", "failed"), ("started", "completed", "close")),
        (("started", "completed"), ("stopped", "failed", "close", "enqueue", "stop")),
        (("started", "stopped", "close"), ("started", "completed", "enqueue")),
        (
            ("started", "completed", "publish"),
            ("started", "stopped", "failed", "completed", "close", "enqueue", "reset", "stop"),
        ),
    ],
)
def test_what_is_no_legal_move_is_refused_and_changes_nothing(
    api: Api, before: tuple[str, ...], moves: tuple[str, ...]
) -> None:
    task = run(api, new_task(api), *before)
    known = task_of(api, task)
    for move in moves:
        refused((400, 110), api, f"tasks.{move}", task=task)
    assert task_of(api, task) == known


@pytest.mark.parametrize("move", ["started", "stopped", "failed", "completed", "close", "publish"])
def test_the_same_status_again_is_legal_and_rewrites_the_words(api: Api, move: str) -> None:
    task = new_task(api)
    api(f"tasks.{move}", task=task, force=True, status_message="first")
    before = task_of(api, task)
    assert api(f"tasks.{move}", task=task, status_message="second")["updated"] == 1
    after = task_of(api, task)
    assert (after["status"], after["status_message"]) == (before["status"], "second")
    assert after["status_changed"] > before["status_changed"]


@pytest.mark.parametrize("move", ["started", "stopped", "failed", "completed", "close", "publish"])
def test_force_makes_any_move(api: Api, move: str) -> None:
    task = run(api, new_task(api), "started", "completed", "publish")
    assert api(f"tasks.{move}", task=task, force=True)["updated"] == 1


def test_the_times_of_a_run_are_kept(api: Api) -> None:
    task = run(api, new_task(api), "started", "completed", "publish")
    found = task_of(api, task)
    assert found["created"] < found["started"] < found["completed"] < found["published"]
    assert isinstance(found["active_duration"], int)


def test_completing_and_publishing_in_one_call(api: Api) -> None:
    task = run(api, new_task(api), "started")
    answer = api("tasks.completed", task=task, publish=True, status_reason="done")
    assert (answer["updated"], answer["published"]) == (1, 1)
    assert answer["fields"]["status"] == "published"
    assert task_of(api, task)["published"]


def test_completing_without_publishing_does_not_speak_of_it(api: Api) -> None:
    answer = api("tasks.completed", task=run(api, new_task(api), "started"))
    assert not answer.get("published")


@pytest.mark.parametrize(("publish_model", "ready"), [(True, True), (False, False)])
def test_publishing_takes_the_last_output_model_along_if_wanted(
    api: Api, publish_model: bool, ready: bool
) -> None:
    task = new_task(api)
    model = new_model(api, task=task, ready=False)
    api("tasks.add_or_update_model", task=task, name="out", type="output", model=model)
    run(api, task, "started", "completed")
    api("tasks.publish", task=task, publish_model=publish_model)
    assert api("models.get_by_id", model=model)["model"]["ready"] is ready


# --- queueing ------------------------------------------------------------------------------


def test_enqueueing_by_id_by_name_and_by_default(api: Api) -> None:
    queue, name = new_queue(api), unique("named queue")
    answer = api("tasks.enqueue", task=new_task(api), queue=queue)
    assert (answer["queued"], answer["updated"]) == (1, 1)
    assert answer["fields"]["execution.queue"] == queue
    assert set(answer["fields"]) >= CHANGED
    made = api("tasks.enqueue", task=new_task(api), queue_name=name)["fields"]["execution.queue"]
    assert api("queues.get_by_id", queue=made)["queue"]["name"] == name
    default = api("tasks.enqueue", task=new_task(api))["fields"]["execution.queue"]
    assert default == api("queues.get_default")["id"]


def test_what_cannot_be_enqueued_has_its_own_code(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    refused((400, 706), api, "tasks.enqueue", task=task, queue=queue)
    refused((400, 701), api, "tasks.enqueue", task=new_task(api), queue=UNKNOWN)
    refused((400, 101), api, "tasks.enqueue", task=UNKNOWN, queue=queue)
    refused((400, 15), api, "tasks.enqueue", task=new_task(api), queue=queue, queue_name="other")


def test_the_queue_of_the_task_can_be_left_as_it_is(api: Api) -> None:
    task, queue = new_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue, update_execution_queue=False)
    assert waiting(api, queue) == [task]
    assert "queue" not in task_of(api, task)["execution"]


@pytest.mark.parametrize(
    ("before", "after"),
    [((), "created"), (("started", "stopped"), "stopped"), (("started", "failed"), "failed")],
)
def test_dequeueing_gives_the_status_from_before_back(
    api: Api, before: tuple[str, ...], after: str
) -> None:
    queue = new_queue(api)
    task = run(api, new_task(api), *before)
    api("tasks.enqueue", task=task, queue=queue)
    answer = api("tasks.dequeue", task=task)
    assert (answer["dequeued"], answer["updated"]) == (1, 1)
    assert answer["fields"]["status"] == after
    assert waiting(api, queue) == []


def test_a_task_that_waited_in_vain_ended_when_it_ran(api: Api) -> None:
    task = run(api, new_task(api), "started", "stopped")
    ended = task_of(api, task)["completed"]
    for leave in ("dequeue", "stop"):
        api("tasks.enqueue", task=task, queue=new_queue(api))
        api(f"tasks.{leave}", task=task)
        assert task_of(api, task)["completed"] == ended


def test_dequeueing_can_name_the_new_status(api: Api) -> None:
    task = queued(api)
    answer = api("tasks.dequeue", task=task, new_status="stopped", status_message="m")
    assert answer["fields"]["status"] == "stopped"
    refused((400, 12), api, "tasks.dequeue", task=queued(api), new_status="unheard of")


def test_dequeueing_what_waits_nowhere_updates_nothing(api: Api) -> None:
    answer = api("tasks.dequeue", task=new_task(api))
    assert (answer["updated"], answer.get("fields", {})) == (0, {})


def test_an_unknown_task_is_dequeued_from_everywhere(api: Api) -> None:
    assert api("tasks.dequeue", task=UNKNOWN)["updated"] == 0


def test_a_worker_takes_a_task_and_its_status_stays_queued(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    answer = api("queues.get_next_task", queue=queue, get_task_info=True)
    assert answer["entry"]["task"] == task
    assert task_of(api, task)["status"] == "queued"
    assert api("tasks.dequeue", task=task, new_status="in_progress")["updated"] == 1
    assert task_of(api, task)["started"]


def test_enqueueing_again_elsewhere_moves_the_task(api: Api) -> None:
    first, second = new_queue(api), new_queue(api)
    task = queued(api, first)
    api("tasks.enqueue", task=task, queue=second)
    assert (waiting(api, first), waiting(api, second)) == ([], [task])
    assert api("tasks.dequeue", task=task)["fields"]["status"] == "created"


# --- stop ----------------------------------------------------------------------------------


def test_stopping_is_a_request_where_a_worker_runs_the_task(api: Api) -> None:
    task = run(api, new_task(api), "started")
    api("workers.status_report", worker=unique("w"), timestamp=1, task=task)
    answer = api("tasks.stop", task=task, status_reason="enough")
    assert answer["updated"] == 1
    assert answer["fields"]["status_message"] == "stopping"
    found = task_of(api, task)
    assert (found["status"], found["status_message"]) == ("in_progress", "stopping")
    assert found["status_reason"] == "enough"
    assert api("tasks.stopped", task=task)["fields"]["status"] == "stopped"


def test_stopping_a_queued_task_takes_it_out(api: Api) -> None:
    queue = new_queue(api)
    task = queued(api, queue)
    assert api("tasks.stop", task=task)["fields"]["status"] == "stopped"
    assert waiting(api, queue) == []


def test_stopping_without_words_names_who_stopped(api: Api) -> None:
    task = run(api, new_task(api), "started")
    api("tasks.stop", task=task)
    name = api("users.get_current_user")["user"]["name"]
    assert task_of(api, task)["status_message"] == f"Stopped by {name}"
