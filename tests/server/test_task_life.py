"""How tasks change their status: the moves, their side effects, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api import errors
from taskyard.api.errors import ApiError
from taskyard.api.states import Status, may_move
from taskyard.server.store.documents import many
from tests.beds.server import Api
from tests.server.asking import task_of
from tests.server.making import new_queue, unique

UNKNOWN = "0" * 32


def make_task(api: Api, **fields: Any) -> str:
    id: str = api("tasks.create", name=unique("task"), type="training", **fields)["id"]
    return id


def entries(api: Api, queue: str) -> list[str]:
    found = api("queues.get_by_id", queue=queue)["queue"]["entries"]
    return [entry["task"] for entry in found]


def refused(api: Api, action: str, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        api(action, **body)
    return caught.value.kind


MOVERS = {
    Status.IN_PROGRESS: "started",
    Status.STOPPED: "stopped",
    Status.FAILED: "failed",
    Status.COMPLETED: "completed",
    Status.CLOSED: "close",
    Status.PUBLISHED: "publish",
}


def in_status(api: Api, status: Status) -> str:
    """A task that stands at ``status``."""
    task = make_task(api)
    if status == Status.QUEUED:
        api("tasks.enqueue", task=task, queue=new_queue(api))
    elif status != Status.CREATED:
        api(f"tasks.{MOVERS[status]}", task=task, force=True)
    return task


REACHABLE = [Status.CREATED, Status.QUEUED, *MOVERS]


@pytest.mark.parametrize("old", REACHABLE)
@pytest.mark.parametrize("new", list(MOVERS))
def test_a_move_is_made_if_the_table_allows_it(api: Api, old: Status, new: Status) -> None:
    task = in_status(api, old)
    if may_move(old, new):
        fields = api(f"tasks.{MOVERS[new]}", task=task)["fields"]
        assert fields["status"] == task_of(api, task)["status"] == new
    else:
        assert refused(api, f"tasks.{MOVERS[new]}", task=task) == errors.INVALID_TASK_STATUS[:2]
        assert task_of(api, task)["status"] == old


@pytest.mark.parametrize("action", [*MOVERS.values(), "stop", "enqueue", "reset", "delete"])
def test_an_unknown_task_is_refused_by(api: Api, action: str) -> None:
    assert refused(api, f"tasks.{action}", task=UNKNOWN) == errors.INVALID_TASK_ID[:2]


def test_a_change_replaces_reason_and_message_even_by_nothing(api: Api) -> None:
    task = make_task(api)
    api("tasks.started", task=task, status_reason="why", status_message="what")
    found = task_of(api, task)
    assert (found["status_reason"], found["status_message"]) == ("why", "what")
    api("tasks.stopped", task=task)
    found = task_of(api, task)
    assert (found["status_reason"], found["status_message"]) == ("", "")


def test_starting_again_keeps_the_first_start(api: Api) -> None:
    task = make_task(api)
    api("tasks.started", task=task)
    started = task_of(api, task)["started"]
    assert api("tasks.started", task=task)["started"] == 1
    assert task_of(api, task)["started"] == started


def test_an_ended_task_knows_when_it_ended_and_how_long_it_ran(api: Api) -> None:
    task = make_task(api)
    api("tasks.started", task=task)
    api("tasks.completed", task=task)
    found = task_of(api, task)
    assert found["completed"] >= found["started"]
    assert isinstance(found["active_duration"], int)


def test_a_start_after_the_end_forgets_the_end(api: Api) -> None:
    task = in_status(api, Status.STOPPED)
    api("tasks.started", task=task)
    found = task_of(api, task)
    assert "completed" not in found
    assert "active_duration" not in found


def test_completing_with_publish_does_both(api: Api) -> None:
    task = in_status(api, Status.IN_PROGRESS)
    answer = api("tasks.completed", task=task, publish=True)
    assert (answer["published"], answer["fields"]["status"]) == (1, "published")
    assert task_of(api, task)["published"]


def test_publishing_takes_the_last_output_model_along(api: Api) -> None:
    task = in_status(api, Status.IN_PROGRESS)
    model = api("models.create", name="model", uri="file:///m", task=task, ready=False)["id"]
    api("tasks.add_or_update_model", task=task, name="m", type="output", model=model)
    api("tasks.completed", task=task)
    api("tasks.publish", task=task)
    assert api("models.get_by_id", model=model)["model"]["ready"] is True


# Queueing


def test_enqueueing_says_what_it_changed(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    answer = api("tasks.enqueue", task=task, queue=queue)
    assert (answer["queued"], answer["updated"]) == (1, 1)
    assert answer["fields"]["status"] == "queued"
    assert answer["fields"]["execution.queue"] == queue
    assert entries(api, queue) == [task]
    assert task_of(api, task)["execution"]["queue"] == queue


def test_without_a_queue_the_default_one_is_meant(api: Api) -> None:
    task = make_task(api)
    api("tasks.enqueue", task=task)
    assert task in entries(api, api("queues.get_default")["id"])


def test_a_queue_named_that_does_not_exist_is_made(api: Api) -> None:
    task, name = make_task(api), unique("new queue")
    api("tasks.enqueue", task=task, queue_name=name)
    (queue,) = api("queues.get_all", name=f"^{name}$")["queues"]
    assert [entry["task"] for entry in queue["entries"]] == [task]


def test_a_task_is_queued_in_one_queue_once(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    kind = refused(api, "tasks.enqueue", task=task, queue=queue)
    assert kind == errors.TASK_ALREADY_QUEUED[:2]


def test_another_queue_takes_the_task_out_of_the_first(api: Api) -> None:
    task, first, second = make_task(api), new_queue(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=first)
    api("tasks.enqueue", task=task, queue=second)
    assert (entries(api, first), entries(api, second)) == ([], [task])


def test_an_enqueue_that_fails_changes_nothing(api: Api) -> None:
    task = make_task(api)
    kind = refused(api, "tasks.enqueue", task=task, queue=UNKNOWN)
    assert kind == errors.INVALID_QUEUE_ID[:2]
    assert task_of(api, task)["status"] == "created"


def test_a_completed_task_is_not_enqueued_without_force(api: Api) -> None:
    task = in_status(api, Status.COMPLETED)
    assert refused(api, "tasks.enqueue", task=task) == errors.INVALID_TASK_STATUS[:2]
    assert api("tasks.enqueue", task=task, force=True)["queued"] == 1


def test_enqueueing_ends_development(api: Api) -> None:
    task = make_task(api, system_tags=["development", "other"])
    api("tasks.enqueue", task=task, queue=new_queue(api))
    assert task_of(api, task)["system_tags"] == ["other"]


def test_the_answer_says_on_request_whether_somebody_serves_the_queue(api: Api) -> None:
    queue = new_queue(api)
    body = {"queue": queue, "verify_watched_queue": True}
    assert api("tasks.enqueue", task=make_task(api), **body)["queue_watched"] is False
    api("workers.register", worker=unique("worker"), queues=[queue])
    assert api("tasks.enqueue", task=make_task(api), **body)["queue_watched"] is True


def test_dequeueing_gives_back_the_status_from_before(api: Api) -> None:
    task = in_status(api, Status.STOPPED)
    queue = new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    answer = api("tasks.dequeue", task=task)
    assert (answer["dequeued"], answer["updated"]) == (1, 1)
    assert answer["fields"]["status"] == "stopped"
    assert entries(api, queue) == []


def test_dequeueing_can_say_the_new_status(api: Api) -> None:
    task = in_status(api, Status.QUEUED)
    api("tasks.dequeue", task=task, new_status="in_progress")
    assert task_of(api, task)["status"] == "in_progress"


def test_dequeueing_what_is_not_queued_changes_nothing(api: Api) -> None:
    task = in_status(api, Status.COMPLETED)
    answer = api("tasks.dequeue", task=task)
    assert (answer["updated"], answer["fields"]) == (0, {})


def test_dequeueing_an_unknown_task_is_no_error(api: Api) -> None:
    answer = api("tasks.dequeue", task=UNKNOWN)
    assert (answer["dequeued"], answer["updated"]) == (1, 0)


def test_an_agent_that_knows_no_leases_can_run_a_task(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    assert api("queues.get_next_task", queue=queue)["entry"]["task"] == task
    api("tasks.started", task=task, force=True, status_reason="pulled by agent")
    api("workers.status_report", worker="plain:0", timestamp=1, task=task, queue=queue)
    assert api("tasks.dequeue", task=task, new_status="in_progress")["updated"] == 1
    api("tasks.started", task=task, force=True)
    api("tasks.completed", task=task)
    (attempt,) = api("attempts.get_all", task=task)["attempts"]
    assert (attempt["state"], task_of(api, task)["status"]) == ("completed", "completed")


# Stopping


def test_stopping_a_queued_task_takes_it_out_of_its_queue(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    assert api("tasks.stop", task=task)["fields"]["status"] == "stopped"
    assert entries(api, queue) == []


def test_a_task_without_a_worker_is_stopped_at_once(api: Api) -> None:
    task = in_status(api, Status.IN_PROGRESS)
    fields = api("tasks.stop", task=task)["fields"]
    assert fields["status"] == "stopped"
    assert fields["status_message"].startswith("Stopped by ")


def test_a_task_with_a_live_worker_is_asked_to_stop(api: Api) -> None:
    task = in_status(api, Status.IN_PROGRESS)
    api("workers.status_report", worker="live:0", timestamp=1, task=task)
    api("tasks.stop", task=task)
    found = task_of(api, task)
    assert (found["status"], found["status_message"]) == ("in_progress", "stopping")


def test_a_task_that_runs_by_hand_is_stopped_at_once(api: Api) -> None:
    task = make_task(api, system_tags=["development"])
    api("tasks.started", task=task)
    api("workers.status_report", worker="live:0", timestamp=1, task=task)
    assert api("tasks.stop", task=task)["fields"]["status"] == "stopped"


def test_what_has_ended_cannot_be_stopped(api: Api) -> None:
    task = in_status(api, Status.COMPLETED)
    assert refused(api, "tasks.stop", task=task) == errors.INVALID_TASK_STATUS[:2]


# Reset


def test_a_reset_task_is_a_draft_without_results(api: Api) -> None:
    task = make_task(api, script={"repository": "r"}, runtime={"k": "v"})
    artifacts = [
        {"key": "in", "type": "t", "mode": "input", "uri": "u:in"},
        {"key": "out", "type": "t", "mode": "output", "uri": "u:out"},
    ]
    api("tasks.add_or_update_artifacts", task=task, artifacts=artifacts)
    api("workers.status_report", worker="w:0", timestamp=1, task=task)
    api("tasks.started", task=task, force=True)
    api("tasks.stopped", task=task)
    answer = api("tasks.reset", task=task, return_file_urls=True)
    assert answer["updated"] == 1
    assert answer["urls"]["artifact_urls"] == ["u:out"]
    found = task_of(api, task)
    assert (found["status"], found["status_reason"]) == ("created", "reset")
    assert [a["key"] for a in found["execution"]["artifacts"]] == ["in"]
    assert (found["runtime"], found["last_iteration"]) == ({}, 0)
    assert found["script"]["repository"] == "r"
    gone = {"started", "completed", "active_duration", "last_worker", "last_worker_report"}
    assert not gone & set(found)


def test_clearing_all_takes_the_script_and_the_parameters_too(api: Api) -> None:
    parameter = {"section": "Args", "name": "x", "value": "1"}
    task = make_task(api, script={"repository": "r"}, hyperparams={"Args": {"x": parameter}})
    api("tasks.reset", task=task, clear_all=True)
    found = task_of(api, task)
    assert (found["script"]["repository"], found["hyperparams"]) == ("", {})


def test_a_published_task_is_reset_with_force_only(api: Api) -> None:
    task = in_status(api, Status.PUBLISHED)
    assert refused(api, "tasks.reset", task=task) == errors.INVALID_TASK_STATUS[:2]
    assert api("tasks.reset", task=task, force=True)["fields"]["status"] == "created"


def test_a_task_with_published_children_is_not_reset(api: Api) -> None:
    parent = in_status(api, Status.STOPPED)
    child = make_task(api, parent=parent)
    api("tasks.publish", task=child, force=True)
    kind = refused(api, "tasks.reset", task=parent)
    assert kind == errors.TASK_CANNOT_BE_DELETED[:2]


def test_a_reset_takes_the_task_out_of_its_queue(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    api("tasks.reset", task=task)
    assert entries(api, queue) == []


def test_draft_models_go_with_a_reset_unless_somebody_uses_them(api: Api) -> None:
    task = in_status(api, Status.STOPPED)
    made = {"task": task, "ready": False}
    lost = api("models.create", name="lost", uri="u:lost", **made)["id"]
    used = api("models.create", name="used", uri="u:used", **made)["id"]
    make_task(api, models={"input": [{"name": "m", "model": used}]})
    answer = api("tasks.reset", task=task, return_file_urls=True)
    assert answer["deleted_models"] == 1
    assert answer["urls"]["model_urls"] == ["u:lost"]
    assert refused(api, "models.get_by_id", model=lost) == errors.INVALID_MODEL_ID[:2]
    assert api("models.get_by_id", model=used)["model"]["id"] == used


# Deletion


def test_a_draft_can_be_deleted(api: Api) -> None:
    task = make_task(api)
    answer = api("tasks.delete", task=task)
    assert answer["deleted"] is True
    assert refused(api, "tasks.get_by_id", task=task) == errors.INVALID_TASK_ID[:2]


def test_what_is_no_draft_must_be_archived_or_forced(api: Api) -> None:
    task, other = in_status(api, Status.COMPLETED), in_status(api, Status.COMPLETED)
    assert refused(api, "tasks.delete", task=task) == errors.TASK_CANNOT_BE_DELETED[:2]
    assert api("tasks.delete", task=task, force=True)["deleted"] is True
    api("tasks.archive", tasks=[other])
    assert api("tasks.delete", task=other)["deleted"] is True


def test_children_remember_a_deleted_parent(api: Api) -> None:
    parent = make_task(api)
    child = make_task(api, parent=parent)
    assert api("tasks.delete", task=parent)["updated_children"] == 1
    assert task_of(api, child)["parent"] == f"__DELETED__{parent}"


def test_a_deleted_task_leaves_its_queue(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    api("tasks.delete", task=task, force=True)
    assert entries(api, queue) == []


# Archiving


def test_archiving_takes_a_task_out_of_its_queue(api: Api) -> None:
    task, queue = make_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue)
    assert api("tasks.archive", tasks=[task]) == {"archived": 1}
    found = task_of(api, task)
    assert (found["status"], found["system_tags"]) == ("created", ["archived"])
    assert entries(api, queue) == []


def test_archiving_stops_what_runs(api: Api) -> None:
    task = in_status(api, Status.IN_PROGRESS)
    api("tasks.archive", tasks=[task])
    assert task_of(api, task)["status"] == "stopped"


def test_unarchiving_brings_a_task_back(api: Api) -> None:
    task = make_task(api)
    api("tasks.archive_many", ids=[task])
    answer = api("tasks.unarchive_many", ids=[task])
    assert answer["succeeded"] == [{"id": task, "unarchived": True}]
    assert task_of(api, task)["system_tags"] == []


# Many at a time


@pytest.mark.parametrize(
    ("action", "status", "sign"),
    [
        ("enqueue_many", Status.CREATED, ("queued", True)),
        ("dequeue_many", Status.QUEUED, ("dequeued", True)),
        ("stop_many", Status.IN_PROGRESS, ("updated", 1)),
        ("publish_many", Status.COMPLETED, ("updated", 1)),
        ("reset_many", Status.STOPPED, ("updated", 1)),
        ("archive_many", Status.STOPPED, ("archived", True)),
        ("unarchive_many", Status.STOPPED, ("unarchived", True)),
        ("delete_many", Status.CREATED, ("deleted", True)),
    ],
)
def test_each_of_many_succeeds_or_fails_by_itself(
    api: Api, action: str, status: Status, sign: tuple[str, Any]
) -> None:
    task = in_status(api, status)
    api("tasks.edit", task=task, comment="seen", force=True)
    answer = api(f"tasks.{action}", ids=[UNKNOWN, task])
    (done,) = [item for item in answer["succeeded"] if item["id"] == task]
    assert (sign[0], done[sign[0]]) == sign
    if action != "dequeue_many":
        (failed,) = answer["failed"]
        assert failed["id"] == UNKNOWN
        assert failed["error"]["codes"] == [400, 101]
        assert failed["error"]["msg"]


def test_a_failure_among_many_undoes_nothing_of_the_others(api: Api) -> None:
    published, other = in_status(api, Status.PUBLISHED), in_status(api, Status.STOPPED)
    queue = new_queue(api)
    answer = api("tasks.enqueue_many", ids=[published, other], queue=queue)
    assert [item["id"] for item in answer["failed"]] == [published]
    assert entries(api, queue) == [other]


@pytest.mark.parametrize("action", ["enqueue_many", "archive_many", "reset_many", "delete_many"])
def test_more_tasks_at_once_than_others_can_wait_for_are_refused(api: Api, action: str) -> None:
    with pytest.raises(ApiError) as caught:
        api(f"tasks.{action}", ids=[f"{n:032x}" for n in range(many.MOST + 1)])

    assert caught.value.kind == errors.VALIDATION[:2]
    assert str(many.MOST) in caught.value.what
