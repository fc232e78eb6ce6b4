"""Projects as the suites of the protocol use them."""

from __future__ import annotations

import re

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import (
    UNKNOWN,
    Document,
    ids,
    listed_project,
    names,
    project_of,
    refused,
    task_of,
)
from tests.server.making import new_model, new_project, new_task, unique

LISTS = pytest.mark.parametrize("action", ["projects.get_all", "projects.get_all_ex"])


# --- documents -----------------------------------------------------------------------------


def test_every_field_of_a_new_project_is_there(api: Api) -> None:
    top = unique("project")
    fields = {"description": "d", "tags": ["b", "a"], "system_tags": ["s"]}
    where = {"default_output_destination": "s3://bucket"}
    id = new_project(api, f"{top}/inner", **fields, **where)
    found = project_of(api, id)
    (above,) = api("projects.get_all", name=f"^{top}$")["projects"]
    assert (found["name"], found["basename"]) == (f"{top}/inner", "inner")
    assert (found["parent"], found["path"]) == (above["id"], [above["id"]])
    assert (found["description"], found["tags"], found["system_tags"]) == ("d", ["a", "b"], ["s"])
    assert found["default_output_destination"] == "s3://bucket"
    for field in ("user", "company"):
        assert isinstance(found[field], str)
    for field in ("created", "last_update"):
        assert re.fullmatch(r"[-\d]{10}T[:\d]{8}\.\d+\+00:00", found[field])


@pytest.mark.parametrize("name", ["", "/", "a", "ab", "long/ab", "   "])
def test_names_that_no_project_may_have(api: Api, name: str) -> None:
    refused(errors.INVALID_PROJECT_NAME[:2], api, "projects.create", name=name)


def test_names_are_required_unique_and_not_too_deep(api: Api) -> None:
    name = unique("project")
    new_project(api, name)
    refused(errors.MISSING_FIELDS[:2], api, "projects.create", description="d")
    refused(errors.NOT_UNIQUE[:2], api, "projects.create", name=name)
    deep = "/".join(["abc"] * 12)
    refused(errors.PROJECT_PATH_TOO_DEEP[:2], api, "projects.create", name=f"{name}/{deep}")


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("projects.get_by_id", "project"),
        ("projects.update", "project"),
        ("projects.move", "project"),
        ("projects.merge", "project"),
        ("projects.validate_delete", "project"),
        ("projects.delete", "project"),
        ("projects.make_public", "ids"),
        ("projects.make_private", "ids"),
    ],
)
def test_a_project_is_needed_and_must_be_known(api: Api, action: str, field: str) -> None:
    refused(errors.MISSING_FIELDS[:2], api, action)
    value = [UNKNOWN] if field == "ids" else UNKNOWN
    refused(errors.INVALID_PROJECT_ID[:2], api, action, **{field: value})


def test_an_update_answers_the_changed_fields(api: Api) -> None:
    project = new_project(api)
    changes = {
        "name": unique("renamed"),
        "description": "new",
        "tags": ["x"],
        "system_tags": ["y"],
        "default_output_destination": "file:///tmp",
    }
    answer = api("projects.update", project=project, **changes)
    assert answer["updated"] == 1
    assert changes.items() <= answer["fields"].items()
    assert changes.items() <= project_of(api, project).items()
    assert project_of(api, project)["basename"] == changes["name"]


def test_renaming_stays_in_its_place_and_reaches_below(api: Api) -> None:
    top = unique("top")
    inner = new_project(api, f"{top}/middle/inner")
    middle = project_of(api, inner)["parent"]
    move = {"project": middle, "name": f"{top} other/middle"}
    refused(errors.CANNOT_UPDATE_LOCATION[:2], api, "projects.update", **move)
    refused(errors.INVALID_PROJECT_NAME[:2], api, "projects.update", project=middle, name="ab")
    api("projects.update", project=middle, name=f"{top}/centre")
    assert project_of(api, inner)["name"] == f"{top}/centre/inner"


# --- lists ---------------------------------------------------------------------------------


@LISTS
def test_projects_are_paged_scrolled_and_ordered(api: Api, action: str) -> None:
    top = unique("top")
    made = [new_project(api, f"{top} {n}") for n in range(5)]
    query = {"name": top, "order_by": ["-name"]}
    pages = [api(action, **query, page=page, page_size=2) for page in range(3)]
    assert [id for page in pages for id in ids(page, "projects")] == made[::-1]
    first = api(action, **query, size=3, scroll_id=None)
    rest = api(action, **query, size=3, scroll_id=first["scroll_id"])
    assert ids(first, "projects") + ids(rest, "projects") == made[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"basename": "^one$"}, ["/one", "/two/one"]),
        ({"description": "first"}, ["/one"]),
        ({"tags": ["t"]}, ["/two"]),
        ({"tags": ["-t"]}, ["", "/one", "/two/one"]),
        ({"_any_": {"pattern": "ONE", "fields": ["basename", "id"]}}, ["/one", "/two/one"]),
        ({"_all_": {"pattern": "first", "fields": ["description"]}}, ["/one"]),
        ({"search_text": "first"}, ["/one"]),
        ({"shallow_search": True}, [""]),
        ({"filters": {"tags": {"all": {"include": ["t"]}}}}, ["/two"]),
        ({"parent": "top"}, ["/one", "/two", "/two/one"]),
        ({"parent": "top", "shallow_search": True}, ["/one", "/two"]),
        ({"parent": "top", "shallow_search": True, "basename": "tw"}, ["/two"]),
    ],
)
@LISTS
def test_projects_are_found_by(api: Api, action: str, query: Document, found: list[str]) -> None:
    top = unique("top")
    id = new_project(api, top)
    new_project(api, f"{top}/one", description="the first")
    new_project(api, f"{top}/two", tags=["t"])
    new_project(api, f"{top}/two/one")
    if "parent" in query:
        query = {**query, "parent": [id]}
    answer = api(action, name=f"^{top}", order_by=["name"], **query)
    assert names(answer) == [top + name for name in found]


@LISTS
def test_hidden_projects_show_by_id_or_on_request(api: Api, action: str) -> None:
    top = unique("top")
    id = new_project(api, f"{top}/.hidden", system_tags=["hidden"])
    assert names(api(action, name=top)) == [top]
    assert names(api(action, id=[id])) == [f"{top}/.hidden"]
    assert len(api(action, name=top, search_hidden=True)["projects"]) == 2


@LISTS
def test_a_projection_keeps_what_it_names_and_the_id(api: Api, action: str) -> None:
    id = new_project(api)
    (found,) = api(action, id=[id], only_fields=["name", "tags"])["projects"]
    assert found.keys() == {"id", "name", "tags"}


def test_get_all_ex_joins_users_companies_and_parents(api: Api) -> None:
    id = new_project(api, f"{unique('top')}/inner")
    found, plain = listed_project(api, id), project_of(api, id)
    assert found["user"].keys() == {"id", "name"}
    assert found["company"]["id"] == plain["company"]
    assert found["parent"]["id"] == plain["parent"]


def test_projects_of_everybody_are_left_out_on_request(api: Api) -> None:
    top = unique("top")
    mine, public = new_project(api, f"{top} mine"), new_project(api, f"{top} public")
    assert api("projects.make_public", ids=[public]) == {"updated": 1}
    assert len(api("projects.get_all", name=top)["projects"]) == 2
    only_mine = api("projects.get_all_ex", name=top, non_public=True)
    assert ids(only_mine, "projects") == [mine]
    refused(errors.READ_ONLY[:2], api, "projects.update", project=public, description="x")
    assert api("projects.make_private", ids=[public]) == {"updated": 1}
    assert project_of(api, public)["company"] == project_of(api, mine)["company"]


# --- moving and merging --------------------------------------------------------------------


def test_a_project_moves_with_all_below(api: Api) -> None:
    top, other = unique("top"), unique("other")
    inner = new_project(api, f"{top}/middle/inner")
    middle = project_of(api, inner)["parent"]
    assert api("projects.move", project=middle, new_location=f"{other}/place") == {"moved": 2}
    found = project_of(api, inner)
    assert found["name"] == f"{other}/place/middle/inner"
    assert found["parent"] == middle
    assert [project_of(api, id)["name"] for id in found["path"]] == [
        other,
        f"{other}/place",
        f"{other}/place/middle",
    ]
    assert api("projects.move", project=middle, new_location=None)["moved"] == 2
    assert project_of(api, middle)["name"] == "middle"
    api("projects.delete", project=middle)


def test_moves_that_lead_nowhere_are_refused(api: Api) -> None:
    top = unique("top")
    inner = new_project(api, f"{top}/inner")
    body = {"project": inner}
    move = "projects.move"
    refused(errors.SOURCE_AND_DESTINATION_EQUAL[:2], api, move, **body, new_location=top)
    refused(
        errors.CANNOT_MOVE_INTO_ITSELF[:2], api, move, **body, new_location=f"{top}/inner/below"
    )
    taken = new_project(api, f"{top}/away/inner")
    assert taken
    refused(errors.NOT_UNIQUE[:2], api, move, **body, new_location=f"{top}/away")
    deep = "/".join(["abc"] * 9)
    refused(errors.PROJECT_PATH_TOO_DEEP[:2], api, move, **body, new_location=f"{top}/{deep}/abc")


def test_merging_leaves_one_project_with_everything(api: Api) -> None:
    top = unique("top")
    source, target = new_project(api, f"{top}/source"), new_project(api, f"{top}/target")
    child = new_project(api, f"{top}/source/child")
    task, model = new_task(api, project=source), new_model(api, project=source)
    deep = new_task(api, project=child)
    answer = api("projects.merge", project=source, destination_project=target)
    assert answer == {"moved_entities": 2, "moved_projects": 1}
    assert task_of(api, task)["project"] == target
    assert api("models.get_by_id", model=model)["model"]["project"] == target
    assert task_of(api, deep)["project"] == child
    assert project_of(api, child)["name"] == f"{top}/target/child"
    refused(errors.INVALID_PROJECT_ID[:2], api, "projects.get_by_id", project=source)
    merge = "projects.merge"
    refused(
        errors.SOURCE_AND_DESTINATION_EQUAL[:2],
        api,
        merge,
        project=target,
        destination_project=target,
    )
    refused(
        errors.CANNOT_MERGE_INTO_CHILD[:2], api, merge, project=target, destination_project=child
    )
    refused(errors.INVALID_PROJECT_ID[:2], api, merge, project=target, destination_project=UNKNOWN)


# --- the end -------------------------------------------------------------------------------


def test_what_a_deletion_would_meet(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    new_task(api, project=inner)
    api("tasks.archive", tasks=[new_task(api, project=id)])
    new_model(api, project=inner)
    new_task(api, project=inner, system_tags=["dataset"])
    new_task(api, project=inner, system_tags=["pipeline"])
    api("reports.create", name=unique("report"), project=inner)
    assert api("projects.validate_delete", project=inner) == {
        "tasks": 1,
        "non_archived_tasks": 1,
        "models": 1,
        "non_archived_models": 1,
        "datasets": 1,
        "non_archived_datasets": 1,
        "pipelines": 1,
        "non_archived_pipelines": 1,
        "reports": 1,
        "non_archived_reports": 1,
    }
    above = api("projects.validate_delete", project=id)
    assert (above["tasks"], above["non_archived_tasks"]) == (2, 1)


def test_a_project_with_tasks_or_models_needs_force(api: Api) -> None:
    with_task, with_model = new_project(api), new_project(api)
    task, model = new_task(api, project=with_task), new_model(api, project=with_model)
    refused(errors.PROJECT_HAS_TASKS[:2], api, "projects.delete", project=with_task)
    refused(errors.PROJECT_HAS_MODELS[:2], api, "projects.delete", project=with_model)
    answer = api("projects.delete", project=with_task, force=True)
    assert (answer["deleted"], answer["disassociated_tasks"]) == (1, 1)
    assert api("projects.delete", project=with_model, force=True)["disassociated_tasks"] == 0
    assert "project" not in task_of(api, task)
    assert "project" not in api("models.get_by_id", model=model)["model"]


def test_a_project_may_take_its_contents_along(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    tasks = [new_task(api, project=project) for project in (id, inner)]
    model = new_model(api, project=inner, uri="http://files/model")
    answer = api("projects.delete", project=id, delete_contents=True, force=True)
    assert (answer["deleted_tasks"], answer["deleted_models"]) == (2, 1)
    assert answer["urls"]["model_urls"] == ["http://files/model"]
    assert answer["urls"].keys() == {"model_urls", "event_urls", "artifact_urls"}
    for task in tasks:
        refused(errors.INVALID_TASK_ID[:2], api, "tasks.get_by_id", task=task)
    refused(errors.INVALID_MODEL_ID[:2], api, "models.get_by_id", model=model)
    refused(errors.INVALID_PROJECT_ID[:2], api, "projects.get_by_id", project=inner)


# --- older versions ------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.1", "2.5", "2.12", "2.20", "2.30"])
def test_the_basics_work_in_every_version(api: Api, version: str) -> None:
    old = api.as_version(version)
    id = new_project(old, description="")
    assert ids(old("projects.get_all", id=[id]), "projects") == [id]
    assert old("projects.update", project=id, description="x")["updated"] == 1
    assert old("projects.delete", project=id)["deleted"] == 1


def test_old_versions_have_one_list_of_tags(api: Api) -> None:
    old = api.as_version("2.2")
    id = new_project(old, tags=["t", "archived"])
    assert project_of(old, id)["tags"] == ["archived", "t"]
    assert project_of(api, id)["system_tags"] == ["archived"]
    (found,) = old("projects.get_all", id=[id], tags=["archived"], only_fields=["tags"])["projects"]
    assert found["tags"] == ["archived", "t"]
