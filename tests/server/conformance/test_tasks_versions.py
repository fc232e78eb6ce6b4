"""Tasks as older versions of the protocol see them."""

from __future__ import annotations

import pytest

from tests.beds.server import Api
from tests.server.asking import ids, refused, task_of
from tests.server.making import new_model, new_project, new_task, unique

LEGACY = {"execution": {"parameters": {"a": 1, "s/b": "2"}, "model_desc": {"design": "text"}}}


@pytest.mark.parametrize("version", ["2.1", "2.5", "2.8"])
def test_flat_parameters_and_the_design_come_back_flat(api: Api, version: str) -> None:
    old = api.as_version(version)
    task = new_task(old, **LEGACY)
    execution = task_of(old, task)["execution"]
    assert execution["parameters"] == {"a": "1", "s/b": "2"}
    assert execution["model_desc"] == {"design": "text"}
    found = task_of(api, task)
    assert found["hyperparams"]["Args"]["a"]["value"] == "1"
    assert found["hyperparams"]["s"]["b"]["value"] == "2"
    assert found["configuration"]["design"]["value"] == "text"
    assert not {"parameters", "model_desc"} & set(found["execution"])


def test_flat_parameters_are_edited_and_cloned(api: Api) -> None:
    old = api.as_version("2.8")
    task = new_task(old, **LEGACY)
    old("tasks.edit", task=task, execution={"parameters": {"c": "3"}})
    assert task_of(old, task)["execution"]["parameters"] == {"c": "3"}
    assert task_of(old, task)["execution"]["model_desc"] == {"design": "text"}
    override = {"parameters": {"d": "4"}, "model_desc": {"design": "new"}}
    execution = task_of(old, old("tasks.clone", task=task, execution_overrides=override)["id"])
    assert execution["execution"]["parameters"] == {"d": "4"}
    assert execution["execution"]["model_desc"] == {"design": "new"}


def test_flat_parameters_are_projected(api: Api) -> None:
    old = api.as_version("2.8")
    task = new_task(old, **LEGACY)
    for action in ("tasks.get_all", "tasks.get_all_ex"):
        (found,) = old(action, id=[task], only_fields=["execution.parameters.a"])["tasks"]
        assert found == {"id": task, "execution": {"parameters": {"a": "1"}}}


def test_the_container_was_a_command(api: Api) -> None:
    old = api.as_version("2.12")
    task = new_task(old, execution={"docker_cmd": "image -e A=1"})
    assert task_of(api, task)["container"] == {"image": "image", "arguments": "-e A=1"}
    old("tasks.edit", task=task, execution={"docker_cmd": "other"})
    assert task_of(old, task)["execution"]["docker_cmd"] == "other"


def test_a_task_had_one_model_in_and_one_out(api: Api) -> None:
    old = api.as_version("2.12")
    used, made = new_model(api, name="used"), new_model(api, name="made")
    task = new_task(old, execution={"model": used}, output={"model": made})
    found = task_of(api, task)["models"]
    assert [m["model"] for m in found["input"]] == [used]
    assert [m["model"] for m in found["output"]] == [made]
    seen = task_of(old, task)
    assert (seen["execution"]["model"], seen["output"]["model"]) == (used, made)
    only = ["execution.model.name", "output.model.name"]
    (joined,) = old("tasks.get_all_ex", id=[task], only_fields=only)["tasks"]
    assert joined["execution"]["model"] == {"id": used, "name": "used"}
    assert joined["output"]["model"] == {"id": made, "name": "made"}


def test_tags_were_one_list(api: Api) -> None:
    old = api.as_version("2.2")
    task = new_task(old, tags=["development", "mine"])
    found = task_of(api, task)
    assert (found["tags"], found["system_tags"]) == (["mine"], ["development"])
    assert task_of(old, task)["tags"] == ["development", "mine"]
    for action in ("tasks.update", "tasks.edit"):
        old(action, task=task, tags=["archived", "other"])
        found = task_of(api, task)
        assert (found["tags"], found["system_tags"]) == (["other"], ["archived"])
        old(action, task=task, tags=["development", "mine"])


def test_tags_were_filtered_as_one_list(api: Api) -> None:
    old, project = api.as_version("2.2"), new_project(api)
    plain, archived = new_task(api, project=project), new_task(api, project=project)
    api("tasks.archive", tasks=[archived])
    assert ids(old("tasks.get_all", project=[project], tags=["archived"])) == [archived]
    assert ids(old("tasks.get_all_ex", project=[project], tags=["-archived"])) == [plain]


@pytest.mark.parametrize(
    ("action", "version"),
    [
        ("tasks.clone", "2.4"),
        ("tasks.add_or_update_artifacts", "2.5"),
        ("tasks.get_types", "2.7"),
        ("tasks.get_hyper_params", "2.8"),
        ("tasks.make_public", "2.8"),
        ("tasks.delete_artifacts", "2.9"),
        ("tasks.move", "2.11"),
        ("tasks.add_or_update_model", "2.12"),
        ("tasks.enqueue_many", "2.12"),
        ("reports.create", "2.22"),
    ],
)
def test_an_action_is_unknown_before_its_version(api: Api, action: str, version: str) -> None:
    refused((404, 0), api.as_version(version), action)


@pytest.mark.parametrize("version", ["2.1", "2.13", "2.34", "2.99", "999.0"])
def test_every_later_version_knows_what_an_early_one_did(api: Api, version: str) -> None:
    newer, name = api.as_version(version), unique("task")
    task = newer("tasks.create", name=name, type="testing")["id"]
    assert task_of(newer, task)["name"] == name
