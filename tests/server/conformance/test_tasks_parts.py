"""Hyper-parameters, configuration, artifacts, models and requirements of tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, ids, refused, task_of
from tests.server.making import new_model, new_project, new_task, run

ODD = ["a.b", "$a", "a b", "a/b", "100%", "_a", "__a", "-1", "ü", "a[0]", 'q"', "*", "'"]


def param(section: str, name: str, value: str = "1", **more: str) -> dict[str, str]:
    return {"section": section, "name": name, "value": value, **more}


def params_of(api: Api, task: str) -> list[Document]:
    (found,) = api("tasks.get_hyper_params", tasks=[task])["params"]
    assert found["task"] == task
    listed: list[Document] = found["hyperparams"]
    return listed


# --- hyper-parameters ----------------------------------------------------------------------


def test_all_of_a_parameter_is_kept_in_order(api: Api) -> None:
    task = new_task(api)
    items = [
        param("a", "x", type="int", description="first"),
        param("a", "y", ""),
        param("b", "x", " spaces "),
    ]
    assert api("tasks.edit_hyper_params", task=task, hyperparams=items[::-1]) == {"updated": 1}
    assert params_of(api, task) == items


def test_editing_one_parameter_leaves_the_others(api: Api) -> None:
    task = new_task(api)
    api("tasks.edit_hyper_params", task=task, hyperparams=[param("a", "x"), param("a", "y")])
    api("tasks.edit_hyper_params", task=task, hyperparams=[param("a", "x", "2")])
    assert params_of(api, task) == [param("a", "x", "2"), param("a", "y")]


@pytest.mark.parametrize(
    ("replace", "left"),
    [
        ("none", ["a/x", "a/y", "b/x", "c/z"]),
        ("section", ["a/y", "b/x", "c/z"]),
        ("all", ["a/y", "c/z"]),
    ],
)
def test_parameters_are_merged_or_replaced(api: Api, replace: str, left: list[str]) -> None:
    task = new_task(api)
    api("tasks.edit_hyper_params", task=task, hyperparams=[param("a", "x"), param("b", "x")])
    new = [param("a", "y"), param("c", "z")]
    api("tasks.edit_hyper_params", task=task, hyperparams=new, replace_hyperparams=replace)
    assert [f"{p['section']}/{p['name']}" for p in params_of(api, task)] == left


def test_parameters_and_sections_are_deleted(api: Api) -> None:
    task = new_task(api)
    items = [param("a", "x"), param("a", "y"), param("b", "x"), param("b", "y")]
    api("tasks.edit_hyper_params", task=task, hyperparams=items)
    gone = [{"section": "a", "name": "x"}, {"section": "b"}, {"section": "c", "name": "none"}]
    assert api("tasks.delete_hyper_params", task=task, hyperparams=gone) == {"deleted": 1}
    assert params_of(api, task) == [param("a", "y")]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_kept_found_sorted_and_projected(api: Api, name: str) -> None:
    project = new_project(api)
    task = new_task(api, project=project, hyperparams={name: {name: param(name, name, "7")}})
    other = new_task(api, project=project)
    assert params_of(api, task) == [param(name, name, "7")]
    assert task_of(api, task)["hyperparams"] == {name: {name: param(name, name, "7")}}
    api("tasks.edit_hyper_params", task=task, hyperparams=[param(name, name, "8")])
    (found,) = api("tasks.get_all", id=[task], only_fields=["hyperparams"])["tasks"]
    assert found["hyperparams"][name][name]["value"] == "8"
    if "." in name:
        return  # where a dotted name of a section ends, no dotted path can tell
    path = f"hyperparams.{name}.{name}.value"
    query: Document = {"project": [project], path: ["8"]}
    assert ids(api("tasks.get_all_ex", **query)) == [task]
    assert ids(api("tasks.get_all_ex", project=[project], order_by=path)) == [task, other]
    (found,) = api("tasks.get_all", id=[task], only_fields=[path])["tasks"]
    assert found["hyperparams"] == {name: {name: {"value": "8"}}}


def test_properties_are_edited_in_every_status_and_others_are_not(api: Api) -> None:
    task = run(api, new_task(api), "started", "completed", "publish")
    note = param("properties", "note")
    api("tasks.edit_hyper_params", task=task, hyperparams=[note])
    api("tasks.edit_hyper_params", task=task, hyperparams=[note], replace_hyperparams="section")
    assert params_of(api, task) == [note]
    for body in ({"hyperparams": [note, param("a", "x")]}, {"hyperparams": [param("a", "x")]}):
        refused((400, 110), api, "tasks.edit_hyper_params", task=task, force=True, **body)
    api("tasks.delete_hyper_params", task=task, hyperparams=[{"section": "properties"}])
    assert params_of(api, task) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"hyperparams": [{"name": "x"}]}, (400, 11)),
        ({"hyperparams": [{"section": "a"}]}, (400, 11)),
        ({"hyperparams": [{"section": "a", "name": "x", "value": 1}]}, (400, 12)),
        ({"hyperparams": "none"}, (400, 12)),
        ({}, (400, 11)),
        ({"hyperparams": [], "replace_hyperparams": "some"}, (400, 12)),
    ],
)
def test_parameters_of_a_wrong_shape_are_refused(
    api: Api, body: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, "tasks.edit_hyper_params", task=new_task(api), **body)


@pytest.mark.parametrize("part", ["hyper_params", "configurations", "configuration_names"])
def test_parts_of_several_tasks_are_read_at_once(api: Api, part: str) -> None:
    tasks = [new_task(api), new_task(api)]
    answer = api(f"tasks.get_{part}", tasks=tasks)
    (listed,) = answer.values()
    assert [item["task"] for item in listed] == tasks
    refused((400, 101), api, f"tasks.get_{part}", tasks=["0" * 32])


# --- configuration -------------------------------------------------------------------------


def test_configuration_is_added_read_and_removed(api: Api) -> None:
    task = new_task(api)
    items = [
        {"name": "a.b", "value": "x: 1\n", "type": "yaml", "description": "d"},
        {"name": "empty", "value": ""},
    ]
    edit = "tasks.edit_configuration"
    assert api(edit, task=task, configuration=items) == {"updated": 1}
    (found,) = api("tasks.get_configurations", tasks=[task])["configurations"]
    assert found["configuration"] == items
    (some,) = api("tasks.get_configurations", tasks=[task], names=["a.b", "none"])["configurations"]
    assert some["configuration"] == items[:1]
    names = api("tasks.get_configuration_names", tasks=[task], skip_empty=False)
    assert names["configurations"] == [{"task": task, "names": ["a.b", "empty"]}]
    api(edit, task=task, configuration=[{"name": "c", "value": "v"}], replace_configuration=True)
    assert set(task_of(api, task)["configuration"]) == {"c"}
    assert api("tasks.delete_configuration", task=task, configuration=["c"]) == {"deleted": 1}
    assert task_of(api, task)["configuration"] == {}


# --- who may change parts ------------------------------------------------------------------

PARTS: list[tuple[str, Document]] = [
    ("edit_hyper_params", {"hyperparams": [param("a", "x")]}),
    ("delete_hyper_params", {"hyperparams": [{"section": "a"}]}),
    ("edit_configuration", {"configuration": [{"name": "c", "value": "v"}]}),
    ("delete_configuration", {"configuration": ["c"]}),
    ("add_or_update_artifacts", {"artifacts": [{"key": "k", "type": "t"}]}),
    ("delete_artifacts", {"artifacts": [{"key": "k"}]}),
]


@pytest.mark.parametrize(("action", "body"), PARTS)
def test_parts_change_by_force_while_the_task_lives(api: Api, action: str, body: Any) -> None:
    task = run(api, new_task(api), "started")
    refused((400, 110), api, f"tasks.{action}", task=task, **body)
    api(f"tasks.{action}", task=task, force=True, **body)
    run(api, task, "completed")
    refused((400, 110), api, f"tasks.{action}", task=task, force=True, **body)


# --- artifacts -----------------------------------------------------------------------------


def test_all_of_an_artifact_is_kept(api: Api) -> None:
    artifact = {
        "key": "k",
        "type": "pandas",
        "mode": "output",
        "uri": "http://files/k",
        "content_size": 5_000_000_000,
        "hash": "h",
        "timestamp": 1_700_000_000,
        "type_data": {"preview": "p", "content_type": "text/csv", "data_hash": "d"},
        "display_data": [["rows", "5"], ["cols", "2"]],
    }
    task = new_task(api)
    add = "tasks.add_or_update_artifacts"
    assert api(add, task=task, artifacts=[artifact]) == {"updated": 1}
    assert task_of(api, task)["execution"]["artifacts"] == [artifact]


def test_artifacts_are_told_apart_by_key_and_mode(api: Api) -> None:
    task = new_task(api, execution={"artifacts": [{"key": "b", "type": "t", "uri": "old"}]})
    new = [
        {"key": "b", "type": "t", "uri": "new"},
        {"key": "b", "type": "t", "mode": "input"},
        {"key": "a", "type": "t"},
    ]
    api("tasks.add_or_update_artifacts", task=task, artifacts=new)
    listed = task_of(api, task)["execution"]["artifacts"]
    assert [(a["key"], a["mode"]) for a in listed] == [
        ("a", "output"),
        ("b", "input"),
        ("b", "output"),
    ]
    assert listed[2]["uri"] == "new"
    gone = [{"key": "b"}, {"key": "none"}]
    assert api("tasks.delete_artifacts", task=task, artifacts=gone) == {"deleted": 1}
    listed = task_of(api, task)["execution"]["artifacts"]
    assert [(a["key"], a["mode"]) for a in listed] == [("a", "output"), ("b", "input")]


@pytest.mark.parametrize(
    ("artifact", "kind"),
    [
        ({"key": "k"}, (400, 11)),
        ({"type": "t"}, (400, 11)),
        ({"key": "k", "type": "t", "mode": "sideways"}, (400, 12)),
        ({"key": "k", "type": "t", "content_size": "large"}, (400, 12)),
    ],
)
def test_artifacts_of_a_wrong_shape_are_refused(
    api: Api, artifact: Document, kind: tuple[int, int]
) -> None:
    add = "tasks.add_or_update_artifacts"
    refused(kind, api, add, task=new_task(api), artifacts=[artifact])


# --- models, requirements, runtime ---------------------------------------------------------


def test_models_of_a_task_are_named(api: Api) -> None:
    task, first, second = new_task(api), new_model(api), new_model(api)
    add = "tasks.add_or_update_model"
    for name, model in (("x", first), ("y", first), ("x", second)):
        assert api(add, task=task, name=name, model=model, type="input") == {"updated": 1}
    api(add, task=task, name="x", model=first, type="output", iteration=7)
    api(add, task=task, name="x", model=second, type="output", iteration=3)
    found = task_of(api, task)
    assert [(m["name"], m["model"]) for m in found["models"]["input"]] == [
        ("x", second),
        ("y", first),
    ]
    assert [(m["name"], m["model"]) for m in found["models"]["output"]] == [("x", second)]
    assert all(m["updated"].endswith("+00:00") for m in found["models"]["input"])
    assert found["last_iteration"] == 7
    gone = [{"name": "x", "type": "input"}, {"name": "none", "type": "output"}]
    assert api("tasks.delete_models", task=task, models=gone) == {"updated": 1}
    found = task_of(api, task)["models"]
    assert ([m["name"] for m in found["input"]], len(found["output"])) == (["y"], 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"name": "m", "model": "0" * 32, "type": "input"}, (400, 201)),
        ({"name": "m", "model": "0" * 32, "type": "sideways"}, (400, 12)),
        ({"name": "m", "type": "input"}, (400, 11)),
    ],
)
def test_models_that_cannot_be_noted_are_refused(
    api: Api, body: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, "tasks.add_or_update_model", task=new_task(api), **body)


def test_requirements_replace_those_before_in_any_status(api: Api) -> None:
    task = new_task(api, script={"requirements": {"pip": "old"}, "branch": "b"})
    run(api, task, "started", "completed")
    answer = api("tasks.set_requirements", task=task, requirements={"conda": ["a", "b"]})
    assert answer["updated"] == 1
    script = task_of(api, task)["script"]
    assert (script["requirements"], script["branch"]) == ({"conda": ["a", "b"]}, "b")


def test_runtime_values_keep_their_types(api: Api) -> None:
    task = new_task(api)
    values = {"a.b": 1, "_c": [True, None], "d": {"e": 1.5}}
    api("tasks.edit_runtime", task=task, add_or_update=values)
    assert task_of(api, task)["runtime"] == values
    api("tasks.edit_runtime", task=task, remove=["a.b", "none"])
    assert set(task_of(api, task)["runtime"]) == {"_c", "d"}


def test_tags_of_several_tasks_are_changed(api: Api) -> None:
    tasks = [new_task(api, tags=["a", "b"]), new_task(api)]
    answer = api("tasks.update_tags", ids=tasks, add_tags=["c"], remove_tags=["b"])
    assert answer == {"updated": 2}
    assert [task_of(api, task)["tags"] for task in tasks] == [["a", "c"], ["c"]]
