"""Tasks as the protocol has them: making, reading, validating and editing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, ids, refused, task_of
from tests.server.making import new_model, new_project, new_task, run, unique

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
TYPES = [
    "training",
    "testing",
    "inference",
    "data_processing",
    "application",
    "monitor",
    "controller",
    "optimizer",
    "service",
    "qc",
    "custom",
]


def test_creating_answers_an_id_and_nothing_else(api: Api) -> None:
    answer = api("tasks.create", name=unique("task"), type="testing")
    assert list(answer) == ["id"]
    assert re.fullmatch(r"[0-9a-f]{32}", answer["id"])


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_can_be_made_and_found(api: Api, type_: str) -> None:
    task = new_task(api, type=type_)
    assert ids(api("tasks.get_all", id=[task], type=[type_])) == [task]


def test_odd_inputs_are_tolerated(api: Api) -> None:
    task = new_task(
        api,
        input={"view": {"entries": []}, "frames_filter": None},
        method="get",
        unknown={"a": [1]},
        comment=None,
        tags=None,
        container=None,
        models=None,
    )
    assert "input" not in task_of(api, task)


def test_a_fresh_task_shows_every_section_and_no_result(api: Api) -> None:
    found = task_of(api, new_task(api))
    assert found["status"] == "created"
    assert found["status_reason"] == found["status_message"] == found["comment"] == ""
    assert found["tags"] == found["system_tags"] == []
    for field in ("hyperparams", "configuration", "runtime", "last_metrics", "container"):
        assert found[field] == {}
    assert found["execution"]["artifacts"] == []
    assert found["models"] == {"input": [], "output": []}
    assert found["script"]["requirements"] == {}
    assert found["last_iteration"] == 0
    never = {"project", "parent", "started", "completed", "published", "active_duration"}
    assert not never & set(found)
    assert not {"enqueue_status", "company_origin", "unique_metrics"} & set(found)
    assert all(TIME.fullmatch(found[name]) for name in ("created", "last_update", "last_change"))


def test_comment_and_script_fields_are_stripped_and_the_diff_is_not(api: Api) -> None:
    script = {"repository": "  r ", "branch": " b\n", "diff": "\n diff \n"}
    found = task_of(api, new_task(api, comment="  why  ", script=script))
    assert found["comment"] == "why"
    assert (found["script"]["repository"], found["script"]["branch"]) == ("r", "b")
    assert found["script"]["diff"] == "\n diff \n"


def test_tags_are_kept_once_and_in_order(api: Api) -> None:
    found = task_of(api, new_task(api, tags=["b", " a", "b"], system_tags=["y", "x"]))
    assert (found["tags"], found["system_tags"]) == (["a", "b"], ["x", "y"])


@pytest.mark.parametrize("field", ["tags", "system_tags"])
def test_a_tag_that_reads_as_an_operator_of_queries_is_refused(api: Api, field: str) -> None:
    refused((400, 16), api, "tasks.create", name="task", type="testing", **{field: ["__$all"]})
    refused((400, 16), api, "tasks.update", task=new_task(api), **{field: ["__$not"]})


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"name": "ab"}, (400, 800)),
        ({"type": "unheard of"}, (400, 12)),
        ({"tags": "not a list"}, (400, 12)),
        ({"script": "not an object"}, (400, 12)),
        ({"hyperparams": {"s": {"n": "not an object"}}}, (400, 12)),
        ({"parent": "0" * 32}, (400, 101)),
        ({"project": "0" * 32}, (400, 401)),
        ({"models": {"input": [{"name": "m", "model": "0" * 32}]}}, (400, 201)),
    ],
)
@pytest.mark.parametrize("action", ["tasks.create", "tasks.validate"])
def test_creating_and_validating_refuse_the_same(
    api: Api, action: str, fields: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, action, **{"name": "task", "type": "testing", **fields})


def test_validating_what_is_right_answers_nothing(api: Api) -> None:
    project, model = new_project(api), new_model(api)
    answer = api(
        "tasks.validate",
        name="task",
        type="testing",
        project=project,
        parent=new_task(api),
        models={"input": [{"name": "m", "model": model}]},
    )
    assert answer == {}


def test_a_task_made_in_a_project_touches_the_project(api: Api) -> None:
    project = new_project(api)
    before = api("projects.get_by_id", project=project)["project"]["last_update"]
    new_task(api, project=project)
    assert api("projects.get_by_id", project=project)["project"]["last_update"] > before


@pytest.mark.parametrize("action", ["tasks.get_by_id", "tasks.edit", "tasks.update", "tasks.ping"])
def test_an_unknown_task_has_its_own_code(api: Api, action: str) -> None:
    error = refused((400, 101), api, action, task="0" * 32)
    assert "0" * 32 in error.what


@pytest.mark.parametrize("action", ["tasks.get_by_id", "tasks.edit", "tasks.update", "tasks.clone"])
def test_without_a_task_the_field_is_missed(api: Api, action: str) -> None:
    refused((400, 11), api, action)


# --- edit and update -----------------------------------------------------------------------


def test_editing_answers_count_and_fields(api: Api) -> None:
    task = new_task(api)
    answer = api("tasks.edit", task=task, name="renamed", comment="c", tags=["t"])
    assert answer["updated"] == 1
    assert {"name": "renamed", "comment": "c", "tags": ["t"]}.items() <= answer["fields"].items()


def test_every_field_can_be_edited(api: Api) -> None:
    task, parent, project, model = new_task(api), new_task(api), new_project(api), new_model(api)
    wanted: dict[str, Any] = {
        "name": "edited",
        "type": "qc",
        "tags": ["t"],
        "system_tags": ["s"],
        "comment": "c",
        "parent": parent,
        "project": project,
        "script": {"entry_point": "e.py", "requirements": {"pip": "six"}},
        "hyperparams": {"s": {"n": {"section": "s", "name": "n", "value": "v"}}},
        "configuration": {"c": {"name": "c", "value": "v", "type": "t", "description": "d"}},
        "container": {"image": "i", "arguments": "a", "setup_shell_script": "s"},
        "runtime": {"k": "v"},
        "models": {"input": [{"name": "m", "model": model}], "output": []},
        "execution": {"framework": "f", "model_labels": {"cat": 1}},
        "output_dest": "s3://bucket",
    }
    assert api("tasks.edit", task=task, **wanted)["updated"] == 1
    found = task_of(api, task)
    for field in wanted.keys() - {"script", "models", "execution", "output_dest"}:
        assert found[field] == wanted[field]
    assert found["script"]["requirements"] == {"pip": "six"}
    assert (found["script"]["entry_point"], found["script"]["binary"]) == ("e.py", "python")
    assert [m["model"] for m in found["models"]["input"]] == [model]
    assert found["execution"]["framework"] == "f"
    assert found["execution"]["model_labels"] == {"cat": 1}
    assert found["output"]["destination"] == "s3://bucket"


@pytest.mark.parametrize("moves", [("started",), ("started", "stopped"), ("started", "completed")])
def test_what_is_no_draft_is_edited_by_force(api: Api, moves: tuple[str, ...]) -> None:
    task = run(api, new_task(api), *moves)
    refused((400, 110), api, "tasks.edit", task=task, comment="c")
    assert api("tasks.edit", task=task, comment="c", force=True)["updated"] == 1


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"name": "a"}, (400, 800)),
        ({"parent": "0" * 32}, (400, 101)),
        ({"project": "0" * 32}, (400, 401)),
        ({"models": {"input": [{"name": "m", "model": "0" * 32}]}}, (400, 201)),
        ({"type": "unheard of"}, (400, 12)),
    ],
)
def test_editing_refuses_what_creating_refuses(
    api: Api, fields: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, "tasks.edit", task=new_task(api), **fields)


def test_a_task_is_not_its_own_parent(api: Api) -> None:
    task = new_task(api)
    refused((400, 16), api, "tasks.edit", task=task, parent=task)


def test_updating_is_for_every_status(api: Api) -> None:
    task, project = run(api, new_task(api), "started", "completed", "publish"), new_project(api)
    answer = api(
        "tasks.update",
        task=task,
        name="updated",
        comment="c",
        tags=["t"],
        system_tags=["s"],
        project=project,
        status_message="so it is",
        output__error="bad",
    )
    found = task_of(api, task)
    assert answer["updated"] == 1
    assert (found["name"], found["comment"], found["tags"]) == ("updated", "c", ["t"])
    assert (found["system_tags"], found["project"]) == (["s"], project)
    assert (found["status"], found["status_message"]) == ("published", "so it is")
    assert found["output"]["error"] == "bad"


def test_updating_to_an_unknown_project_is_refused(api: Api) -> None:
    refused((400, 401), api, "tasks.update", task=new_task(api), project="0" * 32)


def test_a_change_is_stamped_with_time_and_author(api: Api) -> None:
    task = new_task(api)
    before = task_of(api, task)
    api("tasks.update", task=task, comment="c")
    after = task_of(api, task)
    assert after["last_change"] > before["last_change"]
    assert after["last_update"] > before["last_update"]
    assert after["last_changed_by"] == api("users.get_current_user")["user"]["id"]


def test_a_batch_of_updates_counts_them(api: Api) -> None:
    tasks = [new_task(api) for _ in range(3)]
    lines = [{"task": task, "comment": f"c{n}", "method": "get"} for n, task in enumerate(tasks)]
    assert api.batch("tasks.update_batch", lines) == {"updated": 3}
    assert [task_of(api, task)["comment"] for task in tasks] == ["c0", "c1", "c2"]


# --- public, move, tags --------------------------------------------------------------------


def test_a_public_task_can_be_read_cloned_and_not_changed(api: Api) -> None:
    task = new_task(api)
    api("tasks.make_public", ids=[task])
    for action in ("edit", "update", "started", "enqueue", "reset", "delete", "ping"):
        refused((403, 21), api, f"tasks.{action}", task=task)
    copy = api("tasks.clone", task=task)["id"]
    assert task_of(api, copy)["company"] != task_of(api, task)["company"] == ""


def test_public_tasks_are_left_out_on_request(api: Api) -> None:
    mine, public = new_task(api), new_task(api)
    api("tasks.make_public", ids=[public])
    assert set(ids(api("tasks.get_all", id=[mine, public]))) == {mine, public}
    assert ids(api("tasks.get_all", id=[mine, public], allow_public=False)) == [mine]


def test_making_public_or_private_counts_what_changed(api: Api) -> None:
    tasks = [new_task(api), new_task(api)]
    assert api("tasks.make_public", ids=tasks) == {"updated": 2}
    assert api("tasks.make_private", ids=tasks) == {"updated": 2}
    refused((400, 101), api, "tasks.make_public", ids=["0" * 32])


def test_tasks_move_by_id_by_name_and_out(api: Api) -> None:
    task, project, name = new_task(api), new_project(api), unique("moved") + "/below"
    assert api("tasks.move", ids=[task], project=project) == {"project_id": project}
    made = api("tasks.move", ids=[task], project_name=name)["project_id"]
    assert api("projects.get_by_id", project=made)["project"]["name"] == name
    api("tasks.move", ids=[task], project=None)
    assert "project" not in task_of(api, task)
    refused((400, 11), api, "tasks.move", ids=[task])
    refused((400, 401), api, "tasks.move", ids=[task], project="0" * 32)
    refused((400, 101), api, "tasks.move", ids=["0" * 32], project=project)


def test_types_in_use_are_listed_by_project(api: Api) -> None:
    project = new_project(api)
    for type_ in ("qc", "custom", "qc"):
        new_task(api, project=project, type=type_)
    assert api("tasks.get_types", projects=[project]) == {"types": ["custom", "qc"]}
    assert api("tasks.get_types", projects=["0" * 32]) == {"types": []}
