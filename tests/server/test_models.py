"""The models service, as clients see it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from taskyard.api import errors
from taskyard.api.errors import ApiError
from taskyard.server.domain.company import COMPANY
from tests.beds.server import Api


def refusal(api: Api, action: str, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as refused:
        api(action, **body)
    return refused.value.kind


def make(api: Api, **fields: Any) -> str:
    body = {"uri": "http://files/m", "name": "model", "ready": False, **fields}
    return str(api("models.create", **body)["id"])


def read(api: Api, id: str) -> dict[str, Any]:
    document: dict[str, Any] = api("models.get_by_id", model=id)["model"]
    return document


def task(api: Api, *moves: str, **fields: Any) -> str:
    id = str(api("tasks.create", name="task", type="training", **fields)["id"])
    for move in moves:
        api(f"tasks.{move}", task=id)
    return id


def test_a_model_comes_back_as_it_was_made(api: Api) -> None:
    item = {"key": "k.1", "type": "int", "value": "1"}
    answer = api(
        "models.create",
        uri="http://files/m",
        name=" model ",
        labels={"cat": 1},
        design={"a": {"b": 2}},
        framework="PyTorch",
        tags=["b", "a"],
        metadata=[item],
    )
    model = read(api, answer["id"])
    assert answer["created"] is True
    assert (model["name"], model["uri"], model["ready"]) == ("model", "http://files/m", True)
    assert (model["labels"], model["design"]) == ({"cat": 1}, {"a": {"b": 2}})
    assert (model["tags"], model["system_tags"]) == (["a", "b"], [])
    assert model["metadata"] == {"k.1": item}
    assert model["company"] == COMPANY
    for time in ("created", "last_update", "last_change"):
        assert model[time].endswith("+00:00")


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("task", errors.INVALID_TASK_ID),
        ("project", errors.INVALID_PROJECT_ID),
        ("parent", errors.INVALID_MODEL_ID),
    ],
)
def test_what_a_model_refers_to_must_exist(api: Api, field: str, error: Any) -> None:
    body = {"uri": "u", "name": "model", field: "nowhere"}
    assert refusal(api, "models.create", **body) == error[:2]


@pytest.mark.parametrize("missing", ["uri", "name"])
def test_address_and_name_are_required(api: Api, missing: str) -> None:
    body = {"uri": "u", "name": "model"}
    del body[missing]
    assert refusal(api, "models.create", **body) == errors.MISSING_FIELDS[:2]


def test_an_unknown_model_is_refused(api: Api) -> None:
    assert refusal(api, "models.get_by_id", model="nowhere") == errors.INVALID_MODEL_ID[:2]
    assert refusal(api, "models.delete", model="nowhere") == errors.INVALID_MODEL_ID[:2]


def test_models_are_found_by_filter(api: Api) -> None:
    name = f"m {uuid.uuid4().hex}"
    made_by = task(api)
    item = {"key": "a.b", "type": "str", "value": "x"}
    one = make(api, name=name, task=made_by, framework="X", metadata=[item])
    two = make(api, name=name, uri="http://files/other", ready=True)
    queries: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [one, two]),
        ({"task": [made_by]}, [one]),
        ({"ready": True}, [two]),
        ({"ready": False}, [one]),
        ({"uri": ["http://files/other"]}, [two]),
        ({"framework": ["X"]}, [one]),
        ({"metadata.a.b.value": ["x"]}, [one]),
        ({"last_update": [">2000-01-01"]}, [one, two]),
    ]
    for query, wanted in queries:
        found = api("models.get_all", name=f"^{name}$", only_fields=["id"], **query)["models"]
        assert [model["id"] for model in found] == wanted, query


@pytest.mark.parametrize("action", ["models.get_all", "models.get_all_ex"])
def test_scrolling_goes_on_from_where_it_was(api: Api, action: str) -> None:
    name = f"m {uuid.uuid4().hex}"
    made = [make(api, name=name) for _ in range(3)]
    query = {"name": name, "size": 2}
    first = api(action, **query)
    second = api(action, **query, scroll_id=first["scroll_id"])
    assert [model["id"] for model in first["models"] + second["models"]] == made


def test_get_all_ex_names_what_is_referred_to(api: Api) -> None:
    made_by = task(api)
    id = make(api, task=made_by, labels={"a": 1, "b": 2})
    (model,) = api("models.get_all_ex", id=[id], include_stats=True)["models"]
    assert model["task"] == {"id": made_by, "name": "task"}
    assert set(model["user"]) == {"id", "name"}
    assert model["stats"] == {"labels_count": 2}
    only = ["task.status", "name"]
    (same,) = api("models.get_by_id_ex", id=[id], only_fields=only)["models"]
    assert same == {
        "id": id,
        "name": "model",
        "task": {"id": made_by, "name": "task", "status": "created"},
    }


def test_edit_sets_any_field(api: Api) -> None:
    id = make(api, ready=True)
    answer = api("models.edit", model=id, uri="http://new", labels={"x": 3}, method="get")
    assert answer["updated"] == 1
    assert answer["fields"]["uri"] == "http://new"
    assert (read(api, id)["uri"], read(api, id)["labels"]) == ("http://new", {"x": 3})


def test_the_iteration_of_a_model_raises_its_tasks(api: Api) -> None:
    made_by = task(api)
    id = make(api, task=made_by)
    for iteration in (7, 5):
        api("models.edit", model=id, iteration=iteration)
    assert api("tasks.get_by_id", task=made_by)["task"]["last_iteration"] == 7


def test_where_a_published_model_comes_from_is_fixed(api: Api) -> None:
    id = make(api, ready=True)
    refused = refusal(api, "models.update", model=id, task=task(api))
    assert refused == errors.MODEL_IS_READY[:2]
    assert api("models.update", model=id, name="renamed", ready=False)["updated"] == 1
    assert (read(api, id)["name"], read(api, id)["ready"]) == ("renamed", True)


def test_publishing_a_model_publishes_its_task(api: Api) -> None:
    made_by = task(api, "started", "stopped")
    id = make(api, task=made_by)
    answer = api("models.set_ready", model=id)
    assert answer["updated"] == 1
    assert answer["published_task"]["id"] == made_by
    assert answer["published_task"]["data"]["fields"]["status"] == "published"
    assert read(api, id)["ready"] is True
    assert refusal(api, "models.set_ready", model=id) == errors.MODEL_IS_READY[:2]


def test_a_task_that_cannot_be_published_keeps_its_model_a_draft(api: Api) -> None:
    made_by = task(api)
    id = make(api, task=made_by)
    assert refusal(api, "models.set_ready", model=id) == errors.INVALID_TASK_STATUS[:2]
    assert read(api, id)["ready"] is False
    assert "published_task" not in api("models.set_ready", model=id, publish_task=False)
    assert read(api, id)["ready"] is True


def test_force_publishes_any_task(api: Api) -> None:
    made_by = task(api)
    api("models.set_ready", model=make(api, task=made_by), force_publish_task=True)
    assert api("tasks.get_by_id", task=made_by)["task"]["status"] == "published"


def test_a_model_in_use_is_deleted_with_force_only(api: Api) -> None:
    id = make(api)
    user = task(api, models={"input": [{"name": "m", "model": id}]})
    assert refusal(api, "models.delete", model=id) == errors.MODEL_IN_USE[:2]
    assert api("models.delete", model=id, force=True) == {
        "deleted": True,
        "url": "http://files/m",
    }
    (used,) = api("tasks.get_by_id", task=user)["task"]["models"]["input"]
    assert used["model"] == f"__DELETED__{id}"


def test_the_model_of_a_published_task_is_deleted_with_force_only(api: Api) -> None:
    made_by = task(api, "started", "stopped", "publish")
    id = make(api, task=made_by)
    assert refusal(api, "models.delete", model=id) == errors.MODEL_CREATING_TASK_EXISTS[:2]
    assert api("models.delete", model=id, force=True)["deleted"] is True


def test_archiving_is_a_system_tag(api: Api) -> None:
    id = make(api, system_tags=["kept"])
    answer = api("models.archive_many", ids=[id, "nowhere"])
    assert answer["succeeded"] == [{"id": id, "archived": True}]
    assert [item["id"] for item in answer["failed"]] == ["nowhere"]
    assert answer["failed"][0]["error"]["codes"] == [400, 201]
    assert read(api, id)["system_tags"] == ["archived", "kept"]
    answer = api("models.unarchive_many", ids=[id])
    assert answer == {"succeeded": [{"id": id, "unarchived": True}], "failed": []}
    assert read(api, id)["system_tags"] == ["kept"]


def test_many_are_published_and_deleted_each_by_itself(api: Api) -> None:
    draft, published = make(api), make(api, ready=True)
    answer = api("models.publish_many", ids=[published, draft])
    assert answer["succeeded"] == [{"id": draft, "updated": 1}]
    assert answer["failed"][0]["error"]["codes"] == [400, 203]
    answer = api("models.delete_many", ids=[draft, "nowhere", published])
    assert [item["id"] for item in answer["succeeded"]] == [draft, published]
    assert answer["succeeded"][0]["url"] == "http://files/m"


def test_models_move_by_name_or_id(api: Api) -> None:
    id, name = make(api), f"place {uuid.uuid4().hex}"
    project = api("models.move", ids=[id], project_name=name)["project_id"]
    assert read(api, id)["project"] == project
    assert api("projects.get_by_id", project=project)["project"]["name"] == name
    api("models.move", ids=[id], project=None)
    assert "project" not in read(api, id)
    api("models.move", ids=[id], project=project)
    assert read(api, id)["project"] == project
    assert refusal(api, "models.move", ids=[id]) == errors.MISSING_FIELDS[:2]


def test_public_models_are_read_only(api: Api) -> None:
    id = make(api)
    assert api("models.make_public", ids=[id])["updated"] == 1
    assert refusal(api, "models.edit", model=id, name="x") == errors.READ_ONLY[:2]
    assert api("models.make_private", ids=[id])["updated"] == 1
    assert read(api, id)["company"] == COMPANY


def test_frameworks_of_a_project(api: Api) -> None:
    project = api("projects.create", name=f"frameworks {uuid.uuid4().hex}")["id"]
    for framework in ("b", "a", "b", ""):
        make(api, project=project, framework=framework)
    assert api("models.get_frameworks", projects=[project]) == {"frameworks": ["a", "b"]}


def test_metadata_is_merged_replaced_and_deleted(api: Api) -> None:
    id = make(api)
    one, two = ({"key": k, "type": "str", "value": k} for k in ("one", "t.w$o"))
    api("models.add_or_update_metadata", model=id, metadata=[one])
    assert api("models.add_or_update_metadata", model=id, metadata=[two])["updated"] == 1
    assert read(api, id)["metadata"] == {"one": one, "t.w$o": two}
    api("models.add_or_update_metadata", model=id, metadata=[two], replace_metadata=True)
    assert read(api, id)["metadata"] == {"t.w$o": two}
    assert api("models.delete_metadata", model=id, keys=["t.w$o"])["updated"] == 1
    assert api("models.delete_metadata", model=id, keys=["t.w$o"])["updated"] == 0
    assert read(api, id)["metadata"] == {}


def test_old_clients_record_a_tasks_model_in_one_call(api: Api) -> None:
    old, made_by = api.as_version("2.9"), task(api)
    made = old("models.update_for_task", task=made_by, uri="http://one", iteration=3)
    again = old("models.update_for_task", task=made_by, uri="http://two", tags=["t"])
    assert (made["created"], again["created"]) == (True, False)
    assert made["id"] == again["id"]
    model = old("models.get_by_task_id", task=made_by)["model"]
    assert (model["uri"], model["tags"], model["task"]) == ("http://two", ["t"], made_by)
    assert api("tasks.get_by_id", task=made_by)["task"]["last_iteration"] == 3


@pytest.mark.parametrize("action", ["models.update_for_task", "models.get_by_task_id"])
def test_the_calls_of_old_clients_are_retired_for_new_ones(api: Api, action: str) -> None:
    assert refusal(api, action, task="x") == errors.RETIRED[:2]
