"""Models as the suites of the protocol use them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.making import (
    Document,
    ids,
    new_model,
    new_project,
    new_task,
    refused,
    run,
    task_of,
    unique,
)

UNKNOWN = "f" * 32
LISTS = pytest.mark.parametrize("action", ["models.get_all", "models.get_all_ex"])


def model_of(api: Api, id: str) -> Document:
    found: Document = api("models.get_by_id", model=id)["model"]
    return found


def made_by(api: Api, *moves: str, **fields: Any) -> tuple[str, str]:
    """A draft model and the task that made it, after these moves."""
    task = new_task(api)
    model = new_model(api, task=task, ready=False, **fields)
    api("tasks.add_or_update_model", task=task, model=model, name="out", type="output")
    return model, run(api, task, *moves)


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


# --- lists ---------------------------------------------------------------------------------


@LISTS
def test_models_are_paged_scrolled_ordered_and_projected(api: Api, action: str) -> None:
    word = unique("list")
    made = [new_model(api, name=f"{word} {n}") for n in range(5)]
    query = {"name": word, "order_by": ["-name"], "only_fields": ["id", "name"]}
    pages = [api(action, **query, page=page, page_size=2) for page in range(3)]
    assert [id for page in pages for id in ids(page, "models")] == made[::-1]
    assert all(m.keys() == {"id", "name"} for page in pages for m in page["models"])
    first = api(action, **query, size=3)
    rest = api(action, **query, size=3, scroll_id=first["scroll_id"])
    assert ids(first, "models") + ids(rest, "models") == made[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"ready": True}, "bc"),
        ({"ready": False}, "a"),
        ({"framework": ["Torch"]}, "ab"),
        ({"framework": ["Torch", None]}, "abc"),
        ({"uri": ["file:///a"]}, "a"),
        ({"tags": ["t"]}, "b"),
        ({"tags": ["-t"]}, "ac"),
        ({"system_tags": ["-archived"]}, "ab"),
        ({"system_tags": ["archived"]}, "c"),
        ({"metadata.k%2E1.value": ["one"]}, "a"),
        ({"metadata.k.1.value": ["one", "two"]}, "ab"),
        ({"last_update": ">2020-01-01T00:00:00"}, "abc"),
        ({"last_change": ["<2020-01-01 00:00:00"]}, ""),
        ({"_any_": {"fields": ["name", "comment"], "pattern": "NOTE"}}, "b"),
        ({"_or_": {"fields": ["last_update"], "datetime": [">2020-01-01T00:00:00+00:00"]}}, "abc"),
        ({"comment": "^note$"}, "b"),
        ({"search_text": "note"}, "b"),
        ({"filters": {"tags": {"any": {"include": ["t"]}}}}, "b"),
        ({"no_such_key": "x"}, "abc"),
    ],
)
@LISTS
def test_models_are_found_by(api: Api, action: str, query: Document, found: str) -> None:
    project = new_project(api)
    own: dict[str, Document] = {
        "a": {"ready": False, "framework": "Torch", "uri": "file:///a"},
        "b": {"framework": "Torch", "tags": ["t"], "comment": "note"},
        "c": {"system_tags": ["archived"]},
    }
    for letter, value in (("a", "one"), ("b", "two")):
        own[letter]["metadata"] = [{"key": "k.1", "type": "t", "value": value}]
    made = {new_model(api, project=project, **fields): letter for letter, fields in own.items()}
    answer = api(action, project=[project], **query)
    assert sorted(made[id] for id in ids(answer, "models")) == list(found)


def test_models_below_a_project_and_of_a_task(api: Api) -> None:
    top = unique("top")
    above, below = new_project(api, top), new_project(api, f"{top}/below")
    task = new_task(api)
    model = new_model(api, project=below, task=task)
    child = new_model(api, parent=model)
    assert ids(api("models.get_all", project=[above]), "models") == []
    wide = api("models.get_all_ex", project=[above], include_subprojects=True)
    assert ids(wide, "models") == [model]
    assert ids(api("models.get_all", task=[task]), "models") == [model]
    assert ids(api("models.get_all", parent=[model]), "models") == [child]


def test_models_are_ordered_by_remarks_as_numbers(api: Api) -> None:
    project = new_project(api)
    made = {
        value: new_model(
            api, project=project, metadata=[{"key": "n.$", "type": "int", "value": value}]
        )
        for value in ("10", "9", "100")
    }
    answer = api("models.get_all_ex", project=[project], order_by=["metadata.n%2E%24.value"])
    assert ids(answer, "models") == [made["9"], made["10"], made["100"]]


def test_get_all_ex_joins_what_models_refer_to(api: Api) -> None:
    project, task, parent = new_project(api), new_task(api), new_model(api)
    model = new_model(api, project=project, task=task, parent=parent, labels={"a": 1, "b": 2})
    (found,) = api("models.get_all_ex", id=[model], include_stats=True)["models"]
    for field, id in (("project", project), ("task", task), ("parent", parent)):
        assert found[field]["id"] == id
        assert found[field]["name"]
    assert found["user"].keys() == {"id", "name"}
    assert found["stats"] == {"labels_count": 2}
    fields = ["name", "project.name", "task.name", "user.name"]
    (found,) = api("models.get_all_ex", id=[model], only_fields=fields)["models"]
    assert found.keys() == {"id", "name", "project", "task", "user"}
    (found,) = api("models.get_by_id_ex", id=[model])["models"]
    assert found["task"]["id"] == task


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
