"""Making, finding and editing tasks, as a client sees it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from taskyard.api.errors import (
    BAD_VALUE,
    DATA_VALIDATION,
    EMPTY_BATCH,
    INVALID_MODEL_ID,
    INVALID_PROJECT_ID,
    INVALID_TASK_ID,
    INVALID_TASK_STATUS,
    MISSING_FIELDS,
    READ_ONLY,
    VALIDATION,
    ApiError,
)
from tests.beds.server import Api

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


def create(api: Api, name: str = "a task", **fields: Any) -> str:
    task: str = api("tasks.create", **{"name": name, "type": "training", **fields})["id"]
    return task


def get(api: Api, task: str) -> dict[str, Any]:
    found: dict[str, Any] = api("tasks.get_by_id", task=task)["task"]
    return found


def refused(kind: tuple[int, int, str], api: Api, action: str, **body: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        api(action, **body)
    assert caught.value.kind == kind[:2]
    return caught.value


# --- making and reading --------------------------------------------------------------------


def test_a_new_task_is_a_draft_of_its_maker(api: Api) -> None:
    user = api("users.get_current_user")["user"]
    task = create(api, " spaced ", comment="why", tags=["b", "a", "b"])
    found = get(api, task)
    assert re.fullmatch(r"[0-9a-f]{32}", task)
    assert (found["name"], found["type"], found["status"]) == ("spaced", "training", "created")
    assert (found["user"], found["company"]) == (user["id"], user["company"]["id"])
    assert (found["comment"], found["tags"], found["system_tags"]) == ("why", ["a", "b"], [])


def test_a_new_task_has_every_section_that_clients_read_unguarded(api: Api) -> None:
    found = get(api, create(api))
    assert found["status_message"] == found["status_reason"] == ""
    assert found["script"]["binary"] == "python"
    assert found["script"]["repository"] == found["script"]["entry_point"] == ""
    assert found["runtime"] == found["last_metrics"] == found["hyperparams"] == {}
    assert found["execution"]["artifacts"] == []
    assert found["models"] == {"input": [], "output": []}
    assert found["last_iteration"] == 0
    for field in ("created", "last_update", "last_change"):
        assert TIME.fullmatch(found[field])


def test_every_section_comes_back_as_it_was_sent(api: Api) -> None:
    sections: dict[str, Any] = {
        "script": {
            "binary": "bash",
            "repository": "https://example.com/r.git",
            "branch": "main",
            "version_num": "c0ffee",
            "entry_point": "train.py",
            "working_dir": "sub dir",
            "requirements": {"pip": "six==1.16\n", "conda": ["a", "b"]},
            "diff": "diff --git a/x b/x\n+\tü \n",
            "arguments": ["--lr", "${Args/lr}"],
        },
        "hyperparams": {
            "Args": {
                name: {"section": "Args", "name": name, "value": " 1 ", "type": "int"}
                for name in ("lr", "a.b", "$x", "x__y", "100%", "_hidden", 'quo"te', "ключ")
            },
            "dots.in.section": {"n": {"section": "dots.in.section", "name": "n", "value": ""}},
        },
        "configuration": {
            "my.conf": {"name": "my.conf", "value": "a: {b: 1}\n", "type": "yaml"},
        },
        "container": {"image": "i:1", "arguments": "-e A=1", "setup_shell_script": "set -e\n"},
        "runtime": {"a.b": [1, {"c": None}], "_x": True},
        "priority": 7,
        "retry": {"max": 2, "causes": ["infrastructure", "git"]},
        "limits": {"time": 60.0, "grace": 5.0},
    }
    found = get(api, create(api, **sections))
    assert {name: found[name] for name in sections} == {
        **sections,
        "script": {"tag": "", **sections["script"]},
    }


@pytest.mark.parametrize("name", ["ab", " ab "])
def test_a_name_that_is_too_short_is_refused(api: Api, name: str) -> None:
    refused(DATA_VALIDATION, api, "tasks.create", name=name, type="training")


def test_name_and_type_are_required(api: Api) -> None:
    refused(MISSING_FIELDS, api, "tasks.create", name="a task")
    refused(MISSING_FIELDS, api, "tasks.create", type="training")


def test_a_type_that_does_not_exist_is_refused(api: Api) -> None:
    refused(VALIDATION, api, "tasks.create", name="a task", type="sleeping")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"parent": "nobody"}, INVALID_TASK_ID),
        ({"project": "nowhere"}, INVALID_PROJECT_ID),
        ({"models": {"input": [{"name": "m", "model": "none"}]}}, INVALID_MODEL_ID),
        ({"retry": {"causes": ["bad luck"]}}, BAD_VALUE),
        ({"retry": {"max": -1}}, VALIDATION),
        ({"limits": {"time": -1}}, VALIDATION),
        ({"priority": 10**12}, VALIDATION),
        ({"script": {"branch": 1}}, VALIDATION),
        ({"hyperparams": {"Args": {"lr": {"value": 0.1}}}}, VALIDATION),
    ],
)
def test_create_and_validate_refuse_what_does_not_exist(
    api: Api, fields: dict[str, Any], kind: tuple[int, int, str]
) -> None:
    for action in ("tasks.create", "tasks.validate"):
        refused(kind, api, action, name="a task", type="training", **fields)


def test_validate_makes_nothing(api: Api) -> None:
    assert api("tasks.validate", name="only validated", type="training") == {}
    assert api("tasks.get_all", name="^only validated$")["tasks"] == []


def test_an_unknown_task_is_named(api: Api) -> None:
    error = refused(INVALID_TASK_ID, api, "tasks.get_by_id", task="nobody")
    assert "nobody" in error.what


def test_nulls_and_unknown_fields_are_ignored(api: Api) -> None:
    task = create(api, tags=None, script=None, method="get", frobnicate=1)
    assert get(api, task)["tags"] == []


# --- finding -------------------------------------------------------------------------------


def test_tasks_are_found_by_name_and_projected(api: Api) -> None:
    task = create(api, "to be found", runtime={"_x": 1, "y": 2})
    found = api("tasks.get_all", name="^to be found$", only_fields=["name", "runtime._x"])
    assert found == {"tasks": [{"id": task, "name": "to be found", "runtime": {"_x": 1}}]}


def test_references_are_ids_in_get_all_and_objects_in_get_all_ex(api: Api) -> None:
    project = api("projects.create", name="references of tasks")["id"]
    task = create(api, project=project)
    plain = api("tasks.get_all", id=[task])["tasks"][0]
    full = api("tasks.get_all_ex", id=[task])["tasks"][0]
    assert plain["project"] == project
    assert full["project"] == {"id": project, "name": "references of tasks"}
    assert set(full["user"]) >= {"id", "name"}
    by_id = api("tasks.get_by_id_ex", id=[task], only_fields=["project.name"])["tasks"]
    assert by_id == [{"id": task, "project": {"id": project, "name": "references of tasks"}}]


def test_a_scroll_walks_through_all_and_ends(api: Api) -> None:
    made = {create(api, "scrolled over") for _ in range(5)}
    seen: list[str] = []
    scroll: str | None = ""
    while True:
        page = api("tasks.get_all", name="^scrolled over$", size=2, scroll_id=scroll)
        if not page["tasks"]:
            break
        scroll = page["scroll_id"]
        seen += [task["id"] for task in page["tasks"]]
    assert len(seen) == 5
    assert set(seen) == made


def test_types_are_those_of_the_projects_asked_for_and_below(api: Api) -> None:
    project = api("projects.create", name="typed")["id"]
    below = api("projects.create", name="typed/below")["id"]
    other = api("projects.create", name="typed otherwise")["id"]
    create(api, project=project, type="qc")
    create(api, project=below, type="monitor")
    create(api, project=other, type="optimizer")
    assert api("tasks.get_types", projects=[project])["types"] == ["monitor", "qc"]
    assert {"monitor", "qc", "optimizer"} <= set(api("tasks.get_types")["types"])


# --- edit ----------------------------------------------------------------------------------


def test_part_of_a_script_keeps_its_siblings(api: Api) -> None:
    task = create(api, script={"repository": "r", "branch": "main", "diff": "d"})
    answer = api("tasks.edit", task=task, script={"version_num": "c0ffee", "binary": None})
    script = get(api, task)["script"]
    assert answer["updated"] == 1
    assert (script["repository"], script["diff"], script["version_num"]) == ("r", "d", "c0ffee")
    assert (script["branch"], script["binary"]) == ("main", "python")


def test_part_of_the_execution_keeps_its_siblings(api: Api) -> None:
    artifact = {"key": "a", "type": "file", "mode": "input", "uri": "u"}
    task = create(api, execution={"framework": "torch", "artifacts": [artifact]})
    api("tasks.edit", task=task, execution={"model_labels": {"cat": 1}})
    execution = get(api, task)["execution"]
    assert execution["framework"] == "torch"
    assert execution["artifacts"] == [artifact]
    assert execution["model_labels"] == {"cat": 1}


def test_output_dest_is_the_destination_and_keeps_the_error(api: Api) -> None:
    task = create(api)
    api("tasks.update", task=task, output__error="bang")
    api("tasks.edit", task=task, output_dest="s3://bucket")
    assert get(api, task)["output"] == {"error": "bang", "destination": "s3://bucket"}


def test_whole_sections_are_replaced_by_edit(api: Api) -> None:
    task = create(
        api,
        runtime={"a": 1},
        container={"image": "i", "arguments": "x"},
        hyperparams={"Args": {"a": {"value": "1"}}},
        configuration={"c": {"value": "1"}},
    )
    api(
        "tasks.edit",
        task=task,
        runtime={"b.c": 2},
        container={"image": "j"},
        hyperparams={"New": {"b": {"value": "2"}}},
        configuration={},
    )
    found = get(api, task)
    assert found["runtime"] == {"b.c": 2}
    assert found["container"] == {"image": "j"}
    assert found["hyperparams"] == {"New": {"b": {"section": "New", "name": "b", "value": "2"}}}
    assert found["configuration"] == {}


def test_an_empty_project_takes_the_task_out_of_its_project(api: Api) -> None:
    project = api("projects.create", name="left behind")["id"]
    task = create(api, project=project)
    api("tasks.edit", task=task, project="")
    assert "project" not in get(api, task)


def test_edit_without_changes_updates_nothing(api: Api) -> None:
    assert api("tasks.edit", task=create(api)) == {"updated": 0, "fields": {}}


def test_edit_moves_the_times_of_change(api: Api) -> None:
    task = create(api)
    before = get(api, task)
    api("tasks.edit", task=task, comment="new")
    after = get(api, task)
    assert after["last_update"] > before["last_update"]
    assert after["last_change"] > before["last_change"]
    assert after["created"] == before["created"]


def test_only_a_draft_is_edited_unless_forced(api: Api) -> None:
    task = create(api)
    api("tasks.started", task=task)
    refused(INVALID_TASK_STATUS, api, "tasks.edit", task=task, comment="no")
    api("tasks.edit", task=task, comment="yes", force=True)
    assert get(api, task)["comment"] == "yes"


def test_a_stranger_to_the_edit_is_refused(api: Api) -> None:
    refused(INVALID_TASK_ID, api, "tasks.edit", task="nobody", comment="x")


# --- update --------------------------------------------------------------------------------


def test_update_describes_a_task_in_any_status(api: Api) -> None:
    task = create(api)
    api("tasks.started", task=task)
    answer = api(
        "tasks.update", task=task, name="renamed", tags=["z", "y"], status_message="so far"
    )
    found = get(api, task)
    assert answer["updated"] == 1
    assert answer["fields"]["name"] == "renamed"
    assert (found["name"], found["tags"]) == ("renamed", ["y", "z"])
    assert (found["status"], found["status_message"]) == ("in_progress", "so far")


def test_update_sets_when_a_task_was_made(api: Api) -> None:
    task = create(api)
    api("tasks.update", task=task, created="2020-01-02T03:04:05Z")
    assert get(api, task)["created"] == "2020-01-02T03:04:05.000000+00:00"


def test_update_leaves_what_it_does_not_know_alone(api: Api) -> None:
    task = create(api, runtime={"a": 1})
    assert api("tasks.update", task=task, runtime={})["updated"] == 0
    assert get(api, task)["runtime"] == {"a": 1}


def test_a_batch_updates_every_task_of_it(api: Api) -> None:
    first, second = create(api), create(api)
    lines = [{"task": first, "name": "batch one"}, {"task": second, "name": "batch two"}]
    assert api.batch("tasks.update_batch", lines) == {"updated": 2}
    assert (get(api, first)["name"], get(api, second)["name"]) == ("batch one", "batch two")


def test_a_batch_with_an_unknown_task_changes_nothing(api: Api) -> None:
    task = create(api)
    with pytest.raises(ApiError) as caught:
        api.batch(
            "tasks.update_batch",
            [{"task": task, "name": "changed"}, {"task": "nobody", "name": "changed"}],
        )
    assert caught.value.kind == INVALID_TASK_ID[:2]
    assert get(api, task)["name"] == "a task"


def test_an_empty_batch_is_refused(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api.batch("tasks.update_batch", [])
    assert caught.value.kind == EMPTY_BATCH[:2]


def test_tags_are_added_to_and_taken_from_several_tasks(api: Api) -> None:
    first, second = create(api, tags=["a", "b"]), create(api, tags=["c"])
    answer = api("tasks.update_tags", ids=[first, second], add_tags=["d"], remove_tags=["a", "c"])
    assert answer == {"updated": 2}
    assert (get(api, first)["tags"], get(api, second)["tags"]) == (["b", "d"], ["d"])


def test_a_ping_moves_the_time_of_the_last_update_only(api: Api) -> None:
    task = create(api)
    before = get(api, task)
    assert api("tasks.ping", task=task) == {}
    after = get(api, task)
    assert after["last_update"] > before["last_update"]
    assert after["last_change"] == before["last_change"]


# --- public, move --------------------------------------------------------------------------


def test_a_public_task_is_read_and_not_written(api: Api) -> None:
    task = create(api)
    assert api("tasks.make_public", ids=[task]) == {"updated": 1}
    assert get(api, task)["company"] == ""
    refused(READ_ONLY, api, "tasks.edit", task=task, comment="no")
    refused(READ_ONLY, api, "tasks.update", task=task, comment="no")


def test_a_public_task_is_taken_back(api: Api) -> None:
    task = create(api)
    api("tasks.make_public", ids=[task])
    assert api("tasks.make_private", ids=[task]) == {"updated": 1}
    api("tasks.edit", task=task, comment="mine again")
    assert "company_origin" not in get(api, task)


def test_a_task_is_moved_to_a_project_by_id(api: Api) -> None:
    project = api("projects.create", name="target of moves")["id"]
    task = create(api)
    assert api("tasks.move", ids=[task], project=project) == {"project_id": project}
    assert get(api, task)["project"] == project


def test_a_move_by_name_makes_the_project(api: Api) -> None:
    task = create(api)
    project = api("tasks.move", ids=[task], project_name="made/by move")["project_id"]
    assert get(api, task)["project"] == project
    assert api("projects.get_by_id", project=project)["project"]["name"] == "made/by move"


def test_a_move_to_null_leaves_all_projects(api: Api) -> None:
    project = api("projects.create", name="to be left by move")["id"]
    task = create(api, project=project)
    api("tasks.move", ids=[task], project=None)
    assert "project" not in get(api, task)


def test_a_move_to_nowhere_is_refused(api: Api) -> None:
    refused(MISSING_FIELDS, api, "tasks.move", ids=[create(api)])
    refused(INVALID_PROJECT_ID, api, "tasks.move", ids=[create(api)], project="nowhere")
