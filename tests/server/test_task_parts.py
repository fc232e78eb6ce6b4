"""Parts of tasks, clones, and how older versions of the protocol see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from taskyard.api.errors import (
    INVALID_MODEL_ID,
    INVALID_TASK_ID,
    INVALID_TASK_STATUS,
    MISSING_FIELDS,
    ApiError,
)
from tests.beds.server import Api
from tests.server.test_tasks import create, get, refused

ODD_NAMES = ["a.b", "$x", "x__y", "100%", "_x", "a/b", 'q"uote']


def param(section: str, name: str, value: str = "1") -> dict[str, str]:
    return {"section": section, "name": name, "value": value}


def artifact(key: str, mode: str = "output", **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "file", "mode": mode, **more}


def model(api: Api, name: str = "a model") -> str:
    made: str = api("models.create", name=name, uri="file:///m.bin")["id"]
    return made


# --- hyper-parameters ----------------------------------------------------------------------


def test_hyperparams_with_odd_names_are_edited_read_and_deleted(api: Api) -> None:
    task = create(api)
    items = sorted((param("My.Args", name) for name in ODD_NAMES), key=lambda p: p["name"])
    assert api("tasks.edit_hyper_params", task=task, hyperparams=items) == {"updated": 1}
    found = api("tasks.get_hyper_params", tasks=[task])["params"]
    assert found == [{"task": task, "hyperparams": items}]
    keys = [{"section": "My.Args", "name": name} for name in ODD_NAMES[1:]]
    assert api("tasks.delete_hyper_params", task=task, hyperparams=keys) == {"deleted": 1}
    assert get(api, task)["hyperparams"] == {"My.Args": {"a.b": param("My.Args", "a.b")}}


@pytest.mark.parametrize(
    ("replace", "left"),
    [
        ("none", {"Args": ["a", "b"], "Other": ["x"]}),
        ("section", {"Args": ["b"], "Other": ["x"]}),
        ("all", {"Args": ["b"]}),
    ],
)
def test_hyperparams_are_merged_or_replaced(
    api: Api, replace: str, left: dict[str, list[str]]
) -> None:
    task = create(api, hyperparams={"Args": {"a": {"value": ""}}, "Other": {"x": {"value": ""}}})
    api(
        "tasks.edit_hyper_params",
        task=task,
        hyperparams=[param("Args", "b")],
        replace_hyperparams=replace,
    )
    found = get(api, task)["hyperparams"]
    assert {section: sorted(items) for section, items in found.items()} == left


def test_a_whole_section_is_deleted(api: Api) -> None:
    task = create(api, hyperparams={"Args": {"a": {"value": ""}}, "Other": {"x": {"value": ""}}})
    api("tasks.delete_hyper_params", task=task, hyperparams=[{"section": "Args"}])
    assert set(get(api, task)["hyperparams"]) == {"Other"}


def test_an_item_without_a_section_is_refused(api: Api) -> None:
    task = create(api)
    refused(MISSING_FIELDS, api, "tasks.edit_hyper_params", task=task, hyperparams=[{"name": "a"}])


def test_properties_are_edited_at_any_time(api: Api) -> None:
    task = create(api)
    api("tasks.started", task=task)
    api("tasks.completed", task=task)
    note = [param("properties", "note")]
    api("tasks.edit_hyper_params", task=task, hyperparams=note)
    assert set(get(api, task)["hyperparams"]) == {"properties"}
    api("tasks.delete_hyper_params", task=task, hyperparams=note)
    assert get(api, task)["hyperparams"] == {}


PARTS: list[tuple[str, dict[str, Any]]] = [
    ("tasks.edit_hyper_params", {"hyperparams": [param("Args", "a")]}),
    ("tasks.delete_hyper_params", {"hyperparams": [param("Args", "a")]}),
    ("tasks.edit_configuration", {"configuration": [{"name": "c", "value": "v"}]}),
    ("tasks.delete_configuration", {"configuration": ["c"]}),
    ("tasks.add_or_update_artifacts", {"artifacts": [artifact("a")]}),
    ("tasks.delete_artifacts", {"artifacts": [{"key": "a"}]}),
]


@pytest.mark.parametrize(("action", "body"), PARTS)
def test_parts_of_a_running_task_need_force(api: Api, action: str, body: dict[str, Any]) -> None:
    task = create(api)
    api("tasks.started", task=task)
    refused(INVALID_TASK_STATUS, api, action, task=task, **body)
    api(action, task=task, force=True, **body)


@pytest.mark.parametrize(("action", "body"), PARTS)
def test_parts_of_a_finished_task_are_closed(api: Api, action: str, body: dict[str, Any]) -> None:
    task = create(api)
    api("tasks.started", task=task)
    api("tasks.completed", task=task)
    refused(INVALID_TASK_STATUS, api, action, task=task, force=True, **body)


@pytest.mark.parametrize(("action", "body"), PARTS)
def test_parts_of_an_unknown_task_are_refused(api: Api, action: str, body: dict[str, Any]) -> None:
    refused(INVALID_TASK_ID, api, action, task="nobody", **body)


# --- configuration -------------------------------------------------------------------------


def test_configuration_is_edited_read_named_and_deleted(api: Api) -> None:
    task = create(api)
    items = [
        {"name": "a.yaml", "value": "x: 1\n", "type": "yaml", "description": "d"},
        {"name": "empty", "value": ""},
    ]
    api("tasks.edit_configuration", task=task, configuration=items)
    found = api("tasks.get_configurations", tasks=[task])["configurations"]
    assert found == [{"task": task, "configuration": items}]
    named = api("tasks.get_configurations", tasks=[task], names=["empty"])["configurations"]
    assert named[0]["configuration"] == items[1:]
    names = api("tasks.get_configuration_names", tasks=[task])["configurations"]
    assert names == [{"task": task, "names": ["a.yaml"]}]
    all_names = api("tasks.get_configuration_names", tasks=[task], skip_empty=False)
    assert all_names["configurations"][0]["names"] == ["a.yaml", "empty"]
    api("tasks.delete_configuration", task=task, configuration=["a.yaml"])
    assert set(get(api, task)["configuration"]) == {"empty"}


def test_configuration_is_replaced_when_asked(api: Api) -> None:
    task = create(api, configuration={"old": {"value": "1"}})
    item = {"name": "new", "value": "2"}
    api("tasks.edit_configuration", task=task, configuration=[item])
    assert set(get(api, task)["configuration"]) == {"old", "new"}
    api("tasks.edit_configuration", task=task, configuration=[item], replace_configuration=True)
    assert get(api, task)["configuration"] == {"new": item}


# --- artifacts, models, runtime, requirements ----------------------------------------------


def test_artifacts_are_unique_by_key_and_mode_and_sorted(api: Api) -> None:
    task = create(api)
    first = [artifact("b"), artifact("a", uri="old")]
    assert api("tasks.add_or_update_artifacts", task=task, artifacts=first) == {"updated": 1}
    second = [artifact("a", uri="new", type_data={"preview": "p"}), artifact("a", "input")]
    api("tasks.add_or_update_artifacts", task=task, artifacts=second)
    assert get(api, task)["execution"]["artifacts"] == [second[1], second[0], first[0]]
    api("tasks.delete_artifacts", task=task, artifacts=[{"key": "a", "mode": "input"}])
    assert get(api, task)["execution"]["artifacts"] == [second[0], first[0]]


def test_before_2_10_the_keys_of_artifacts_are_answered(api: Api) -> None:
    task = create(api)
    old = api.as_version("2.9")
    old("tasks.add_or_update_artifacts", task=task, artifacts=[artifact("a")])
    answer = old(
        "tasks.add_or_update_artifacts", task=task, artifacts=[artifact("a"), artifact("b")]
    )
    assert answer == {"added": ["b"], "updated": ["a"]}


def test_models_are_noted_changed_and_forgotten(api: Api) -> None:
    task, first, second = create(api), model(api), model(api)
    for made in (first, second):
        api(
            "tasks.add_or_update_model",
            task=task,
            name="weights",
            model=made,
            type="output",
            iteration=5,
        )
    found = get(api, task)
    assert [(m["name"], m["model"]) for m in found["models"]["output"]] == [("weights", second)]
    assert found["last_iteration"] == 5
    api("tasks.delete_models", task=task, models=[{"name": "weights", "type": "output"}])
    assert get(api, task)["models"] == {"input": [], "output": []}


def test_an_unknown_model_is_refused(api: Api) -> None:
    refused(
        INVALID_MODEL_ID,
        api,
        "tasks.add_or_update_model",
        task=create(api),
        name="m",
        model="none",
        type="input",
    )


def test_runtime_values_are_set_and_removed_one_by_one(api: Api) -> None:
    task = create(api, runtime={"keep": 1, "a.b": 2, "drop": 3})
    api("tasks.edit_runtime", task=task, add_or_update={"a.b": 4, "new": [5]}, remove=["drop"])
    assert get(api, task)["runtime"] == {"keep": 1, "a.b": 4, "new": [5]}


def test_callers_who_add_at_the_same_time_lose_nothing(api: Api) -> None:
    task = create(api)
    names = [f"key {n}" for n in range(24)]

    def add(some: list[str]) -> None:
        caller = api.as_version("2.34")
        for name in some:
            caller("tasks.edit_runtime", task=task, add_or_update={name: 1})
            caller("tasks.edit_hyper_params", task=task, hyperparams=[param("Args", name)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [names[n::4] for n in range(4)]))
    found = get(api, task)
    assert sorted(found["runtime"]) == sorted(found["hyperparams"]["Args"]) == sorted(names)


def test_requirements_are_replaced_and_the_script_stays(api: Api) -> None:
    task = create(api, script={"repository": "r", "requirements": {"pip": "old"}})
    api("tasks.started", task=task)
    answer = api("tasks.set_requirements", task=task, requirements={"pip": "new", "org_pip": "o"})
    script = get(api, task)["script"]
    assert answer["updated"] == 1
    assert script["requirements"] == {"pip": "new", "org_pip": "o"}
    assert script["repository"] == "r"


# --- clones --------------------------------------------------------------------------------


def test_a_clone_runs_the_same_and_has_no_results(api: Api) -> None:
    source = create(
        api,
        script={"repository": "r", "diff": "d\n"},
        hyperparams={"Args": {"a.b": {"value": "1"}}},
        execution={"artifacts": [artifact("in", "input"), artifact("out")]},
        tags=["t"],
        system_tags=["development", "mine"],
        runtime={"x": 1},
        retry={"max": 1, "causes": ["git"]},
    )
    api("tasks.started", task=source)
    api("tasks.completed", task=source)
    found = get(api, api("tasks.clone", task=source)["id"])
    original = get(api, source)
    for field in ("name", "type", "script", "hyperparams", "container", "tags", "retry"):
        assert found.get(field) == original.get(field)
    assert found["execution"]["artifacts"] == [artifact("in", "input")]
    assert (found["status"], found["runtime"], found["parent"]) == ("created", {}, source)
    assert found["system_tags"] == ["mine"]
    assert "started" not in found


def test_a_clone_takes_what_it_is_told(api: Api) -> None:
    source = create(api, container={"image": "i"}, execution={"framework": "a"})
    answer = api(
        "tasks.clone",
        task=source,
        new_task_name="the copy",
        new_task_comment="c",
        new_task_tags=["x"],
        new_project_name="clones/made here",
        new_task_container={"image": "j"},
        execution_overrides={"framework": "b"},
    )
    found = get(api, answer["id"])
    assert (found["name"], found["comment"], found["tags"]) == ("the copy", "c", ["x"])
    assert (found["container"], found["execution"]["framework"]) == ({"image": "j"}, "b")
    assert answer["new_project"] == {"id": found["project"], "name": "clones/made here"}


def test_a_clone_of_nothing_is_refused(api: Api) -> None:
    refused(INVALID_TASK_ID, api, "tasks.clone", task="nobody")
    refused(INVALID_TASK_ID, api, "tasks.clone", task=create(api), new_task_parent="nobody")


# --- older versions ------------------------------------------------------------------------


def test_before_2_9_parameters_are_flat_both_ways(api: Api) -> None:
    old = api.as_version("2.8")
    task = create(old, execution={"parameters": {"lr.x": "1", "TF_DEFINE/b": "2"}})
    assert get(api, task)["hyperparams"] == {
        "Args": {"lr.x": {**param("Args", "lr.x"), "type": "legacy"}},
        "TF_DEFINE": {"b": {**param("TF_DEFINE", "b", "2"), "type": "legacy"}},
    }
    api("tasks.edit_hyper_params", task=task, hyperparams=[param("General", "new")])
    seen = old("tasks.get_all", id=[task], only_fields=["execution.parameters"])["tasks"]
    flat = {"lr.x": "1", "TF_DEFINE/b": "2", "General/new": "1"}
    assert seen == [{"id": task, "execution": {"parameters": flat}}]
    assert get(old, task)["execution"]["parameters"] == flat


def test_before_2_13_the_container_is_a_command_both_ways(api: Api) -> None:
    old = api.as_version("2.12")
    task = create(old, execution={"docker_cmd": "image:1 --ipc=host"})
    assert get(api, task)["container"] == {"image": "image:1", "arguments": "--ipc=host"}
    assert "docker_cmd" not in get(api, task)["execution"]
    assert get(old, task)["execution"]["docker_cmd"] == "image:1 --ipc=host"


def test_before_2_3_there_is_one_list_of_tags(api: Api) -> None:
    task = create(api, tags=["mine"], system_tags=["development"])
    found = get(api.as_version("2.2"), task)
    assert found["tags"] == ["development", "mine"]


def test_actions_are_unknown_before_their_version(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api.as_version("2.4")("tasks.clone", task=create(api))
    assert caught.value.code == 404
