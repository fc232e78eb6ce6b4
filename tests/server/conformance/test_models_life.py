"""Models are published, archived, moved and deleted, by themselves or several at once."""

from __future__ import annotations

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import UNKNOWN, ids, model_of, refused, task_of
from tests.server.making import made_by, new_model, new_project, new_task, unique

# --- publishing ----------------------------------------------------------------------------


def test_a_model_and_its_task_are_published_together(api: Api) -> None:
    model, task = made_by(api, "started", "stopped")
    answer = api("models.set_ready", model=model)
    assert answer["updated"] == 1
    assert answer["published_task"]["id"] == task
    assert answer["published_task"]["data"]["updated"] == 1
    assert answer["published_task"]["data"]["fields"]["status"] == "published"
    assert task_of(api, task)["status"] == "published"
    assert model_of(api, model)["ready"] is True
    refused(errors.MODEL_IS_READY[:2], api, "models.set_ready", model=model)


def test_a_model_is_published_alone_on_request(api: Api) -> None:
    model, task = made_by(api, "started", "stopped")
    answer = api("models.set_ready", model=model, publish_task=False)
    assert not answer.get("published_task")
    assert (answer["updated"], task_of(api, task)["status"]) == (1, "stopped")


def test_a_task_that_runs_is_published_with_force_only(api: Api) -> None:
    model, task = made_by(api, "started")
    refused(errors.INVALID_TASK_STATUS[:2], api, "models.set_ready", model=model)
    assert model_of(api, model)["ready"] is False
    api("models.set_ready", model=model, force_publish_task=True)
    assert task_of(api, task)["status"] == "published"


def test_publishing_a_task_publishes_its_model(api: Api) -> None:
    model, task = made_by(api, "started", "completed")
    api("tasks.publish", task=task)
    assert model_of(api, model)["ready"] is True


# --- the end -------------------------------------------------------------------------------


def test_a_deleted_model_tells_where_its_file_is(api: Api) -> None:
    model = new_model(api, uri="s3://b/k")
    assert api("models.delete", model=model) == {"deleted": True, "url": "s3://b/k"}
    refused(errors.INVALID_MODEL_ID[:2], api, "models.get_by_id", model=model)


def test_the_model_of_a_published_task_needs_force(api: Api) -> None:
    model, task = made_by(api, "started", "stopped")
    api("tasks.publish", task=task)
    error = refused(errors.MODEL_CREATING_TASK_EXISTS[:2], api, "models.delete", model=model)
    assert error.data["task"] == task
    assert api("models.delete", model=model, force=True)["deleted"] is True
    (output,) = task_of(api, task)["models"]["output"]
    assert output["model"] == f"__DELETED__{model}"


def test_the_input_of_a_task_needs_force(api: Api) -> None:
    model = new_model(api)
    task = new_task(api, models={"input": [{"name": "in", "model": model}]})
    refused(errors.MODEL_IN_USE[:2], api, "models.delete", model=model)
    api("models.delete", model=model, force=True)
    (used,) = task_of(api, task)["models"]["input"]
    assert used["model"] == f"__DELETED__{model}"


# --- several at once -----------------------------------------------------------------------


def test_many_are_published_each_by_itself(api: Api) -> None:
    (draft, task), ready = made_by(api, "started", "stopped"), new_model(api)
    answer = api("models.publish_many", ids=[draft, ready, UNKNOWN], publish_tasks=True)
    (published,) = answer["succeeded"]
    assert (published["id"], published["updated"]) == (draft, 1)
    assert published["published_task"]["id"] == task
    failed = {item["id"]: item["error"]["codes"] for item in answer["failed"]}
    assert failed == {ready: [400, 203], UNKNOWN: [400, 201]}
    assert {item["error"].keys() >= {"codes", "msg", "data"} for item in answer["failed"]} == {True}


def test_many_are_archived_brought_back_and_deleted(api: Api) -> None:
    made = [new_model(api, uri=f"file:///{n}") for n in range(2)]
    answer = api("models.archive_many", ids=[*made, UNKNOWN])
    assert answer["succeeded"] == [{"id": id, "archived": True} for id in made]
    assert [item["error"]["codes"] for item in answer["failed"]] == [[400, 201]]
    assert model_of(api, made[0])["system_tags"] == ["archived"]
    answer = api("models.unarchive_many", ids=made)
    assert answer == {
        "succeeded": [{"id": id, "unarchived": True} for id in made],
        "failed": [],
    }
    assert model_of(api, made[0])["system_tags"] == []
    new_task(api, models={"input": [{"name": "in", "model": made[0]}]})
    answer = api("models.delete_many", ids=made)
    assert answer["succeeded"] == [{"id": made[1], "deleted": True, "url": "file:///1"}]
    assert [item["error"]["codes"] for item in answer["failed"]] == [[400, 205]]
    answer = api("models.delete_many", ids=made[:1], force=True)
    assert ids(answer, "succeeded") == made[:1]


@pytest.mark.parametrize("action", ["publish", "archive", "unarchive", "delete"])
def test_none_at_all_is_done_at_once(api: Api, action: str) -> None:
    answer = api(f"models.{action}_many", ids=[])
    assert answer == {"succeeded": [], "failed": []}


def test_models_move_to_a_project_by_id_or_name_or_to_none(api: Api) -> None:
    made, project, name = [new_model(api) for _ in range(2)], new_project(api), unique("project")
    assert api("models.move", ids=made, project=project)["project_id"] == project
    assert model_of(api, made[0])["project"] == project
    named = api("models.move", ids=made, project_name=name)["project_id"]
    assert api("projects.get_by_id", project=named)["project"]["name"] == name
    api("models.move", ids=made, project=None)
    assert "project" not in model_of(api, made[1])
    refused(errors.MISSING_FIELDS[:2], api, "models.move", ids=made)
    refused(errors.INVALID_PROJECT_ID[:2], api, "models.move", ids=made, project=UNKNOWN)


def test_models_of_everybody_are_read_only(api: Api) -> None:
    model = new_model(api, ready=False)
    assert api("models.make_public", ids=[model]) == {"updated": 1}
    refused(errors.READ_ONLY[:2], api, "models.edit", model=model, name="other")
    assert ids(api("models.get_all", id=[model]), "models") == [model]
    assert ids(api("models.get_all", id=[model], allow_public=False), "models") == []
    assert api("models.make_private", ids=[model]) == {"updated": 1}
    assert api("models.edit", model=model, name="other")["updated"] == 1
    public = new_model(api, public=True)
    assert model_of(api, public)["company"] == ""
