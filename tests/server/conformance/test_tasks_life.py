"""The life cycle of tasks as the protocol has it: moves, side effects, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.making import (
    Document,
    new_model,
    new_project,
    new_queue,
    new_task,
    refused,
    run,
    task_of,
    unique,
)

MISSING = "0" * 32
CHANGED = {
    "status",
    "status_reason",
    "status_message",
    "status_changed",
    "last_update",
    "last_change",
    "last_changed_by",
}


def entries(api: Api, queue: str) -> list[str]:
    return [e["task"] for e in api("queues.get_by_id", queue=queue)["queue"]["entries"]]


def queued(api: Api, queue: str = "", **fields: Any) -> str:
    task = new_task(api, **fields)
    api("tasks.enqueue", task=task, queue=queue or new_queue(api))
    return task


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
    refused((400, 701), api, "tasks.enqueue", task=new_task(api), queue=MISSING)
    refused((400, 101), api, "tasks.enqueue", task=MISSING, queue=queue)
    refused((400, 15), api, "tasks.enqueue", task=new_task(api), queue=queue, queue_name="other")


def test_the_queue_of_the_task_can_be_left_as_it_is(api: Api) -> None:
    task, queue = new_task(api), new_queue(api)
    api("tasks.enqueue", task=task, queue=queue, update_execution_queue=False)
    assert entries(api, queue) == [task]
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
    assert entries(api, queue) == []


def test_dequeueing_can_name_the_new_status(api: Api) -> None:
    task = queued(api)
    answer = api("tasks.dequeue", task=task, new_status="stopped", status_message="m")
    assert answer["fields"]["status"] == "stopped"
    refused((400, 12), api, "tasks.dequeue", task=queued(api), new_status="unheard of")


def test_dequeueing_what_waits_nowhere_updates_nothing(api: Api) -> None:
    answer = api("tasks.dequeue", task=new_task(api))
    assert (answer["updated"], answer.get("fields", {})) == (0, {})


def test_an_unknown_task_is_dequeued_from_everywhere(api: Api) -> None:
    assert api("tasks.dequeue", task=MISSING)["updated"] == 0


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
    assert (entries(api, first), entries(api, second)) == ([], [task])
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
    assert entries(api, queue) == []


def test_stopping_without_words_names_who_stopped(api: Api) -> None:
    task = run(api, new_task(api), "started")
    api("tasks.stop", task=task)
    name = api("users.get_current_user")["user"]["name"]
    assert task_of(api, task)["status_message"] == f"Stopped by {name}"


# --- reset ---------------------------------------------------------------------------------


def test_a_reset_answers_what_it_did(api: Api) -> None:
    task = queued(api)
    answer = api("tasks.reset", task=task)
    assert answer["updated"] == 1
    assert answer["deleted_models"] == 0
    assert answer["fields"]["status"] == "created"
    assert answer["dequeued"]["removed"] == 1
    assert answer.get("urls") is None


def test_a_reset_forgets_the_run_and_keeps_the_making(api: Api) -> None:
    inside: Document = {
        "script": {"repository": "r", "requirements": {"pip": "six"}},
        "hyperparams": {"s": {"n": {"section": "s", "name": "n", "value": "v"}}},
        "configuration": {"c": {"name": "c", "value": "v"}},
        "container": {"image": "i"},
        "runtime": {"k": 1},
        "tags": ["t"],
        "comment": "c",
        "output_dest": "s3://bucket",
    }
    source = new_model(api)
    task = new_task(api, **inside, models={"input": [{"name": "in", "model": source}]})
    made = new_model(api, task=task, ready=False)
    api("tasks.add_or_update_model", task=task, name="out", type="output", model=made, iteration=3)
    run(api, task, "started", "failed")
    api("tasks.update", task=task, output__error="bad")
    assert api("tasks.reset", task=task)["deleted_models"] == 1
    found = task_of(api, task)
    for field in ("hyperparams", "configuration", "container", "tags", "comment"):
        assert found[field] == inside[field]
    assert found["script"]["requirements"] == {"pip": "six"}
    assert [m["model"] for m in found["models"]["input"]] == [source]
    assert found["models"]["output"] == []
    assert (found["runtime"], found["last_metrics"], found["last_iteration"]) == ({}, {}, 0)
    assert "error" not in found["output"]
    assert found["output"]["destination"] == "s3://bucket"
    gone = {"started", "completed", "published", "active_duration", "last_worker"}
    assert not gone & set(found)
    refused((400, 201), api, "models.get_by_id", model=made)


def test_a_reset_can_keep_models(api: Api) -> None:
    task = run(api, new_task(api), "started", "stopped")
    model = new_model(api, task=task, ready=False)
    assert api("tasks.reset", task=task, delete_output_models=False)["deleted_models"] == 0
    assert api("models.get_by_id", model=model)["model"]["id"] == model


def test_published_models_and_children_hold_a_reset_up(api: Api) -> None:
    task = run(api, new_task(api), "started", "stopped")
    new_model(api, task=task, ready=True)
    refused((400, 123), api, "tasks.reset", task=task)
    assert api("tasks.reset", task=task, force=True)["updated"] == 1
    parent = run(api, new_task(api), "started", "stopped")
    run(api, new_task(api, parent=parent), "publish", force=True)
    refused((400, 123), api, "tasks.reset", task=parent)


def test_a_reset_task_runs_again(api: Api) -> None:
    task = run(api, new_task(api), "started", "failed", "reset")
    first = task_of(api, run(api, task, "started"))["started"]
    run(api, task, "stopped", "reset", "started", "completed")
    assert task_of(api, task)["started"] > first


# --- delete and archive --------------------------------------------------------------------


def test_deleting_answers_what_went_and_what_was_changed(api: Api) -> None:
    task = new_task(api)
    child = new_task(api, parent=task)
    draft = new_model(api, task=task, ready=False, uri="file:///draft")
    used = new_model(api, task=task, ready=False)
    new_task(api, models={"input": [{"name": "m", "model": used}]})
    answer = api("tasks.delete", task=task, return_file_urls=True)
    assert answer["deleted"] is True
    assert (answer["updated_children"], answer["updated_models"]) == (1, 1)
    assert answer["deleted_models"] == 1
    assert set(answer["urls"]) == {"model_urls", "event_urls", "artifact_urls"}
    assert answer["urls"]["model_urls"] == ["file:///draft"]
    refused((400, 201), api, "models.get_by_id", model=draft)
    assert task_of(api, child)["parent"].startswith("__DELETED__")
    assert api("models.get_by_id", model=used)["model"]["task"].startswith("__DELETED__")


def test_deletion_needs_force_or_the_archive(api: Api) -> None:
    task = run(api, new_task(api), "started", "stopped")
    refused((400, 123), api, "tasks.delete", task=task)
    api("tasks.archive", tasks=[task])
    assert api("tasks.delete", task=task)["deleted"] is True
    other = run(api, new_task(api), "started", "completed", "publish")
    assert api("tasks.delete", task=other, force=True, move_to_trash=True)["deleted"] is True
    refused((400, 101), api, "tasks.delete", task=other)


def test_published_children_and_models_hold_deletion_up(api: Api) -> None:
    parent, maker = new_task(api), new_task(api)
    run(api, new_task(api, parent=parent), "publish", force=True)
    new_model(api, task=maker, ready=True)
    for task in (parent, maker):
        refused((400, 123), api, "tasks.delete", task=task)
        assert api("tasks.delete", task=task, force=True)["deleted"] is True


def test_archiving_and_back_changes_the_tag_alone(api: Api) -> None:
    task = run(api, new_task(api, system_tags=["other"]), "started", "completed")
    assert api("tasks.archive", tasks=[task]) == {"archived": 1}
    found = task_of(api, task)
    assert (found["status"], found["system_tags"]) == ("completed", ["archived", "other"])
    api("tasks.unarchive_many", ids=[task])
    assert task_of(api, task)["system_tags"] == ["other"]
    refused((400, 101), api, "tasks.archive", tasks=[MISSING])


# --- many ----------------------------------------------------------------------------------


def outcome(answer: Document) -> tuple[list[str], list[tuple[str, list[int]]]]:
    done = [item["id"] for item in answer["succeeded"]]
    return done, [(item["id"], item["error"]["codes"]) for item in answer["failed"]]


def test_many_are_enqueued_and_dequeued(api: Api) -> None:
    queue = new_queue(api)
    tasks = [new_task(api), new_task(api)]
    answer = api("tasks.enqueue_many", ids=[*tasks, MISSING], queue=queue)
    assert outcome(answer) == (tasks, [(MISSING, [400, 101])])
    assert entries(api, queue) == tasks
    for item in answer["succeeded"]:
        assert (item["queued"], item["updated"]) == (True, 1)
        assert item["fields"]["status"] == "queued"
    answer = api("tasks.dequeue_many", ids=tasks)
    assert outcome(answer) == (tasks, [])
    assert all(item["dequeued"] is True for item in answer["succeeded"])
    assert entries(api, queue) == []


def test_many_are_checked_before_they_are_enqueued(api: Api) -> None:
    queue, gone = new_queue(api), new_model(api)
    whole = new_task(api)
    broken = new_task(api, models={"input": [{"name": "base", "model": gone}]})
    api("models.delete", model=gone, force=True)
    tasks = [whole, broken]
    answer = api("tasks.enqueue_many", ids=tasks, queue=queue, validate_tasks=True)
    assert outcome(answer) == ([whole], [(broken, [400, 201])])
    assert entries(api, queue) == [whole]
    assert outcome(api("tasks.enqueue_many", ids=[broken], queue=queue)) == ([broken], [])


def test_many_are_stopped(api: Api) -> None:
    running, draft = run(api, new_task(api), "started"), new_task(api)
    answer = api("tasks.stop_many", ids=[running, draft, MISSING], status_message="m")
    assert outcome(answer) == ([running], [(draft, [400, 110]), (MISSING, [400, 101])])
    assert answer["succeeded"][0]["fields"]["status"] == "stopped"


def test_many_are_published(api: Api) -> None:
    done, draft = run(api, new_task(api), "started", "completed"), new_task(api)
    answer = api("tasks.publish_many", ids=[done, draft], publish_model=False)
    assert outcome(answer) == ([done], [(draft, [400, 110])])
    assert answer["succeeded"][0]["fields"]["status"] == "published"
    assert outcome(api("tasks.publish_many", ids=[draft], force=True)) == ([draft], [])


def test_many_are_reset(api: Api) -> None:
    waiting, published = queued(api), run(api, new_task(api), "publish", force=True)
    answer = api("tasks.reset_many", ids=[waiting, published, MISSING], return_file_urls=True)
    assert outcome(answer) == ([waiting], [(published, [400, 110]), (MISSING, [400, 101])])
    item = answer["succeeded"][0]
    assert (item["dequeued"], item["deleted_models"], item["updated"]) == (True, 0, 1)
    assert set(item["urls"]) == {"model_urls", "event_urls", "artifact_urls"}


def test_many_are_deleted(api: Api) -> None:
    draft, stopped = new_task(api), run(api, new_task(api), "started", "stopped")
    answer = api("tasks.delete_many", ids=[draft, stopped, MISSING])
    assert outcome(answer) == ([draft], [(stopped, [400, 123]), (MISSING, [400, 101])])
    item = answer["succeeded"][0]
    assert item["deleted"] is True
    assert (item["updated_children"], item["updated_models"], item["deleted_models"]) == (0, 0, 0)
    assert outcome(api("tasks.delete_many", ids=[stopped], force=True)) == ([stopped], [])


def test_many_are_archived_and_brought_back(api: Api) -> None:
    tasks = [new_task(api), queued(api)]
    answer = api("tasks.archive_many", ids=[*tasks, MISSING])
    assert outcome(answer) == (tasks, [(MISSING, [400, 101])])
    assert all(item["archived"] is True for item in answer["succeeded"])
    assert [task_of(api, task)["status"] for task in tasks] == ["created", "created"]
    answer = api("tasks.unarchive_many", ids=[*tasks, MISSING])
    assert outcome(answer) == (tasks, [(MISSING, [400, 101])])
    assert all(item["unarchived"] is True for item in answer["succeeded"])


def test_what_is_named_twice_is_done_once(api: Api) -> None:
    task = new_task(api)
    assert outcome(api("tasks.delete_many", ids=[task, task])) == ([task], [])


def test_the_error_of_one_of_many_has_words_and_data(api: Api) -> None:
    (failed,) = api("tasks.publish_many", ids=[MISSING])["failed"]
    assert failed["error"]["msg"]
    assert isinstance(failed["error"]["data"], dict)


# --- clone ---------------------------------------------------------------------------------


def test_every_override_of_a_clone_is_taken(api: Api) -> None:
    parent, project, model = new_task(api), new_project(api), new_model(api)
    source = new_task(
        api,
        tags=["old"],
        comment="old",
        execution={"framework": "old", "model_labels": {"a": 1}},
        hyperparams={"old": {"n": {"value": "1"}}},
    )
    answer = api(
        "tasks.clone",
        task=source,
        new_task_name="new name",
        new_task_comment="new",
        new_task_tags=["new"],
        new_task_system_tags=["sys"],
        new_task_parent=parent,
        new_task_project=project,
        new_task_hyperparams={"s": {"n": {"section": "s", "name": "n", "value": "v"}}},
        new_task_configuration={"c": {"name": "c", "value": "v"}},
        new_task_container={"image": "i"},
        new_task_input_models=[{"name": "m", "model": model}],
        execution_overrides={"framework": "new"},
        validate_references=True,
    )
    assert "new_project" not in answer
    found = task_of(api, answer["id"])
    assert (found["name"], found["comment"]) == ("new name", "new")
    assert (found["tags"], found["system_tags"]) == (["new"], ["sys"])
    assert (found["parent"], found["project"]) == (parent, project)
    assert found["hyperparams"] == {"s": {"n": {"section": "s", "name": "n", "value": "v"}}}
    assert found["configuration"] == {"c": {"name": "c", "value": "v"}}
    assert found["container"] == {"image": "i"}
    assert [(m["name"], m["model"]) for m in found["models"]["input"]] == [("m", model)]
    assert found["execution"]["framework"] == "new"
    assert found["execution"]["model_labels"] == {"a": 1}


def test_the_parent_of_a_clone_is_that_of_its_source_or_the_source(api: Api) -> None:
    source = new_task(api)
    first = api("tasks.clone", task=source)["id"]
    second = api("tasks.clone", task=first)["id"]
    assert [task_of(api, id)["parent"] for id in (first, second)] == [source, source]


def test_a_clone_into_a_new_project_answers_it(api: Api) -> None:
    name = unique("made by clone") + "/below"
    answer = api("tasks.clone", task=new_task(api), new_project_name=name)
    assert answer["new_project"]["name"] == name
    assert task_of(api, answer["id"])["project"] == answer["new_project"]["id"]


@pytest.mark.parametrize(
    ("override", "kind"),
    [
        ({"new_task_parent": MISSING}, (400, 101)),
        ({"new_task_project": MISSING}, (400, 401)),
        ({"new_task_input_models": [{"name": "m", "model": MISSING}]}, (400, 201)),
        ({"new_task_name": "ab"}, (400, 800)),
    ],
)
def test_a_clone_refuses_what_creating_refuses(
    api: Api, override: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, "tasks.clone", task=new_task(api), **override)
