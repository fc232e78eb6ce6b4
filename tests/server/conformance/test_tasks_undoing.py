"""What resets, deletions and the archive take away from tasks, and what holds them up."""

from __future__ import annotations

from tests.beds.server import Api
from tests.server.asking import UNKNOWN, Document, refused, task_of
from tests.server.making import new_model, new_task, queued, run

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
    refused((400, 101), api, "tasks.archive", tasks=[UNKNOWN])
