"""Clones: what they take from their source, and what can be given instead."""

from __future__ import annotations

import pytest

from tests.beds.server import Api
from tests.server.asking import UNKNOWN, Document, refused, task_of
from tests.server.making import new_model, new_project, new_task, unique


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
        ({"new_task_parent": UNKNOWN}, (400, 101)),
        ({"new_task_project": UNKNOWN}, (400, 401)),
        ({"new_task_input_models": [{"name": "m", "model": UNKNOWN}]}, (400, 201)),
        ({"new_task_name": "ab"}, (400, 800)),
    ],
)
def test_a_clone_refuses_what_creating_refuses(
    api: Api, override: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, "tasks.clone", task=new_task(api), **override)
