"""Models as the suites of the protocol use them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import UNKNOWN, Document, ids, model_of, refused, task_of
from tests.server.making import made_by, new_model, new_project, new_task, unique

# --- documents -----------------------------------------------------------------------------


def test_every_field_of_a_new_model_is_there(api: Api) -> None:
    fields = {
        "name": unique("model"),
        "uri": "s3://bucket/model.bin",
        "comment": "c",
        "tags": ["b", "a"],
        "system_tags": ["s"],
        "framework": "Caffe",
        "design": {"layers": [1, 2]},
        "labels": {"dog": 0, "cat": 1},
        "project": new_project(api),
        "parent": new_model(api),
        "task": new_task(api),
        "ready": False,
    }
    answer = api("models.create", **fields, input={"view": {}})
    assert answer["created"] is True
    found = model_of(api, answer["id"])
    assert {**fields, "tags": ["a", "b"]}.items() <= found.items()
    assert found["metadata"] == found["ui_cache"] == {}
    for field in ("created", "last_update", "last_change"):
        assert re.fullmatch(r"[-\d]{10}T[:\d]{8}\.\d+\+00:00", found[field])
    for field in ("user", "company"):
        assert isinstance(found[field], str)


def test_a_model_is_ready_unless_said_otherwise(api: Api) -> None:
    found = model_of(api, new_model(api))
    assert found["ready"] is True
    assert (found["tags"], found["system_tags"], found["labels"]) == ([], [], {})


def test_two_models_may_share_name_and_address(api: Api) -> None:
    same = {"name": unique("model"), "uri": "file:///same"}
    assert new_model(api, **same) != new_model(api, **same)


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("models.create", "uri"),
        ("models.create", "name"),
        ("models.get_by_id", "model"),
        ("models.edit", "model"),
        ("models.update", "model"),
        ("models.set_ready", "model"),
        ("models.delete", "model"),
        ("models.publish_many", "ids"),
        ("models.archive_many", "ids"),
        ("models.unarchive_many", "ids"),
        ("models.delete_many", "ids"),
        ("models.move", "ids"),
        ("models.make_public", "ids"),
        ("models.make_private", "ids"),
        ("models.add_or_update_metadata", "model"),
        ("models.add_or_update_metadata", "metadata"),
        ("models.delete_metadata", "model"),
        ("models.delete_metadata", "keys"),
    ],
)
def test_what_is_needed(api: Api, action: str, field: str) -> None:
    whole = {
        "uri": "file:///x",
        "name": "name",
        "model": UNKNOWN,
        "ids": [UNKNOWN],
        "metadata": [{"key": "k"}],
        "keys": ["k"],
    }
    del whole[field]
    refused(errors.MISSING_FIELDS[:2], api, action, **whole)


@pytest.mark.parametrize(
    ("action", "rest"),
    [
        ("get_by_id", {}),
        ("edit", {"name": "x"}),
        ("update", {"name": "x"}),
        ("set_ready", {}),
        ("delete", {}),
        ("add_or_update_metadata", {"metadata": [{"key": "k"}]}),
        ("delete_metadata", {"keys": ["k"]}),
    ],
)
def test_an_unknown_model_is_refused(api: Api, action: str, rest: Document) -> None:
    refused(errors.INVALID_MODEL_ID[:2], api, f"models.{action}", model=UNKNOWN, **rest)


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("project", errors.INVALID_PROJECT_ID),
        ("task", errors.INVALID_TASK_ID),
        ("parent", errors.INVALID_MODEL_ID),
    ],
)
def test_what_a_model_refers_to_must_exist(api: Api, field: str, error: Any) -> None:
    body = {"name": "model", "uri": "file:///x", field: UNKNOWN}
    refused(error[:2], api, "models.create", **body)
    refused(error[:2], api, "models.edit", model=new_model(api), **{field: UNKNOWN})


# --- changes -------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["models.edit", "models.update"])
def test_a_change_answers_the_changed_fields(api: Api, action: str) -> None:
    model = new_model(api, ready=False)
    changes = {
        "name": "new name",
        "comment": "c",
        "tags": ["t"],
        "system_tags": ["s"],
        "project": new_project(api),
        "task": new_task(api),
    }
    answer = api(action, model=model, **changes)
    assert answer["updated"] == 1
    assert changes.items() <= answer["fields"].items()
    assert changes.items() <= model_of(api, model).items()


def test_edit_changes_what_update_does_not(api: Api) -> None:
    model = new_model(api, ready=False)
    changes = {
        "uri": "file:///other",
        "framework": "Keras",
        "design": {"x": 1},
        "labels": {"a": 1},
        "parent": new_model(api),
        "ready": True,
    }
    api("models.edit", model=model, **changes)
    assert changes.items() <= model_of(api, model).items()


def test_updates_keep_the_cache_of_the_page(api: Api) -> None:
    model = new_model(api)
    assert api("models.update", model=model, ui_cache={"a": {"b": 1}})["updated"] == 1
    assert model_of(api, model)["ui_cache"] == {"a": {"b": 1}}


@pytest.mark.parametrize("action", ["models.edit", "models.update"])
def test_the_iteration_goes_to_the_task_and_only_up(api: Api, action: str) -> None:
    model, task = made_by(api)
    for iteration in (10, 5):
        api(action, model=model, iteration=iteration)
        assert task_of(api, task)["last_iteration"] == 10


def test_a_published_models_task_cannot_be_updated(api: Api) -> None:
    model = new_model(api, ready=True)
    refused(errors.MODEL_IS_READY[:2], api, "models.update", model=model, task=new_task(api))
    assert api("models.update", model=model, comment="still open")["updated"] == 1


# --- remarks and words ---------------------------------------------------------------------


def test_remarks_are_set_at_any_time(api: Api) -> None:
    one = {"key": "a.$b %", "type": "t", "value": "1"}
    two = {"key": "other", "type": "t", "value": "2"}
    model = new_model(api, metadata=[one])
    assert model_of(api, model)["metadata"] == {one["key"]: one}
    body = {"model": model}
    changed = {**one, "value": "3"}
    assert api("models.add_or_update_metadata", **body, metadata=[changed, two]) == {"updated": 1}
    assert model_of(api, model)["metadata"] == {one["key"]: changed, "other": two}
    assert api("models.delete_metadata", **body, keys=[one["key"]]) == {"updated": 1}
    assert model_of(api, model)["metadata"] == {"other": two}
    api("models.add_or_update_metadata", **body, metadata=[one], replace_metadata=True)
    assert model_of(api, model)["metadata"] == {one["key"]: one}
    api("models.edit", **body, metadata=[two])
    assert model_of(api, model)["metadata"] == {"other": two}
    (found,) = api("models.get_all_ex", id=[model], only_fields=["metadata.other"])["models"]
    assert found["metadata"] == {"other": two}


def test_frameworks_in_use(api: Api) -> None:
    top = unique("top")
    above, below = new_project(api, top), new_project(api, f"{top}/below")
    new_model(api, project=above, framework="B")
    new_model(api, project=below, framework="A")
    new_model(api, project=below)
    assert api("models.get_frameworks", projects=[above]) == {"frameworks": ["A", "B"]}
    assert {"A", "B"} <= set(api("models.get_frameworks")["frameworks"])


# --- older versions ------------------------------------------------------------------------


def test_old_clients_record_the_model_of_a_task(api: Api) -> None:
    old, task = api.as_version("2.5"), new_task(api)
    body = {"task": task, "uri": "file:///m", "name": "first", "iteration": 3}
    answer = old("models.update_for_task", **body, tags=["t"], comment="c")
    assert answer["created"] is True
    found = model_of(api, answer["id"])
    assert (found["task"], found["ready"], found["uri"]) == (task, False, "file:///m")
    assert (found["tags"], found["comment"]) == (["t"], "c")
    assert task_of(api, task)["last_iteration"] == 3
    again = old("models.update_for_task", task=task, uri="file:///n", name="second")
    assert (again["id"], again["created"], again["updated"]) == (answer["id"], False, 1)
    assert again["fields"]["uri"] == "file:///n"
    assert old("models.get_by_task_id", task=task)["model"]["name"] == "second"
    refused(errors.MISSING_FIELDS[:2], old, "models.update_for_task", task=task)


@pytest.mark.parametrize("action", ["models.update_for_task", "models.get_by_task_id"])
def test_what_old_clients_call_is_retired_for_new_ones(api: Api, action: str) -> None:
    refused(errors.RETIRED[:2], api.as_version("2.13"), action, task=UNKNOWN)


@pytest.mark.parametrize("version", ["2.1", "2.5", "2.12", "2.20", "2.30"])
def test_the_basics_work_in_every_version(api: Api, version: str) -> None:
    old = api.as_version(version)
    model = new_model(old, labels={}, ready=False)
    assert ids(old("models.get_all", id=[model]), "models") == [model]
    assert old("models.edit", model=model, name="other")["updated"] == 1
    assert old("models.set_ready", model=model)["updated"] == 1
    assert old("models.delete", model=model)["deleted"] is True


def test_old_versions_have_one_list_of_tags(api: Api) -> None:
    old = api.as_version("2.2")
    model = new_model(old, tags=["t", "archived"])
    assert model_of(old, model)["tags"] == ["archived", "t"]
    assert model_of(api, model)["system_tags"] == ["archived"]
    assert ids(old("models.get_all", id=[model], tags=["-archived"]), "models") == []
    old("models.edit", model=model, tags=["u"])
    assert model_of(api, model)["system_tags"] == []
