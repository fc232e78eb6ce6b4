"""The projects service, as clients see it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from taskyard.api import errors
from taskyard.api.errors import ApiError
from taskyard.server.domain.company import COMPANY
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.documents import MODEL, TASK
from tests.beds.server import Api, Running

Put = Callable[..., str]


@pytest.fixture
def top(api: Api) -> str:
    """The name of a project of this test's own."""
    name = f"top {uuid.uuid4().hex}"
    api("projects.create", name=name)
    return name


@pytest.fixture
def put(server: Running) -> Put:
    """Store a task or model with these fields; gives its id."""

    def store(kind: Any, **fields: Any) -> str:
        id = uuid.uuid4().hex
        document = {"id": id, "company": COMPANY, "name": f"{kind.name} {id}", **fields}
        if kind is TASK:
            document = {"type": "training", "status": "created", **document}
        work = server.server.control.write(lambda tx: documents.insert(tx, kind, document))
        server.await_(work)
        return id

    return store


def by_name(api: Api, name: str) -> dict[str, Any]:
    found = api("projects.get_all", name=f"^{name}$", search_hidden=True)["projects"]
    assert len(found) == 1
    document: dict[str, Any] = found[0]
    return document


def refusal(api: Api, action: str, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as refused:
        api(action, **body)
    return refused.value.kind


def test_creating_a_path_makes_what_is_above(api: Api, top: str) -> None:
    id = api("projects.create", name=f"{top}/inner/leaf", description="d", tags=["b", "a"])["id"]
    leaf = api("projects.get_by_id", project=id)["project"]
    inner, outer = by_name(api, f"{top}/inner"), by_name(api, top)
    assert (leaf["basename"], leaf["parent"]) == ("leaf", inner["id"])
    assert leaf["path"] == [outer["id"], inner["id"]]
    assert (leaf["description"], leaf["tags"], leaf["system_tags"]) == ("d", ["a", "b"], [])
    assert leaf["created"].endswith("+00:00")
    assert "parent" not in outer


def test_a_name_is_unique(api: Api, top: str) -> None:
    assert refusal(api, "projects.create", name=top) == errors.NOT_UNIQUE[:2]


@pytest.mark.parametrize("name", ["", "  ", "/", "ab", "long enough/ab"])
def test_a_bad_name_is_refused(api: Api, name: str) -> None:
    assert refusal(api, "projects.create", name=name) == errors.INVALID_PROJECT_NAME[:2]


def test_a_path_has_at_most_ten_parts(api: Api, top: str) -> None:
    deep = top + "/abc" * 9
    api("projects.create", name=deep)
    refused = refusal(api, "projects.create", name=f"{deep}/abc")
    assert refused == errors.PROJECT_PATH_TOO_DEEP[:2]


def test_an_unknown_project_is_refused(api: Api) -> None:
    refused = refusal(api, "projects.get_by_id", project="nowhere")
    assert refused == errors.INVALID_PROJECT_ID[:2]


def test_blanks_around_the_parts_of_a_name_are_dropped(api: Api, top: str) -> None:
    id = api("projects.create", name=f" {top} / inner ")["id"]
    assert api("projects.get_by_id", project=id)["project"]["name"] == f"{top}/inner"


def test_update_answers_what_changed(api: Api, top: str) -> None:
    id = by_name(api, top)["id"]
    answer = api("projects.update", project=id, description="new", system_tags=["x"])
    assert answer["updated"] == 1
    assert answer["fields"]["description"] == "new"
    assert by_name(api, top)["system_tags"] == ["x"]


def test_renaming_renames_what_is_below(api: Api, top: str) -> None:
    inner = api("projects.create", name=f"{top}/inner/leaf")["id"]
    renamed = f"renamed {uuid.uuid4().hex}"
    api("projects.update", project=by_name(api, top)["id"], name=renamed)
    leaf = api("projects.get_by_id", project=inner)["project"]
    assert (leaf["name"], leaf["basename"]) == (f"{renamed}/inner/leaf", "leaf")


def test_renaming_cannot_relocate(api: Api, top: str) -> None:
    id = by_name(api, top)["id"]
    refused = refusal(api, "projects.update", project=id, name=f"elsewhere/{top}")
    assert refused == errors.CANNOT_UPDATE_LOCATION[:2]


def test_a_taken_name_cannot_be_had_by_renaming(api: Api, top: str) -> None:
    api("projects.create", name=f"{top}/one")
    other = api("projects.create", name=f"{top}/two")["id"]
    refused = refusal(api, "projects.update", project=other, name=f"{top}/one")
    assert refused == errors.NOT_UNIQUE[:2]


def test_moving_takes_along_what_is_below(api: Api, top: str) -> None:
    leaf = api("projects.create", name=f"{top}/source/inner/leaf")["id"]
    source = by_name(api, f"{top}/source")["id"]
    assert api("projects.move", project=source, new_location=f"{top}/new/place")["moved"] == 3
    found = api("projects.get_by_id", project=leaf)["project"]
    assert found["name"] == f"{top}/new/place/source/inner/leaf"
    place, inner = by_name(api, f"{top}/new/place"), by_name(api, f"{top}/new/place/source/inner")
    assert found["path"] == [*place["path"], place["id"], source, inner["id"]]


def test_moving_to_the_top(api: Api, top: str) -> None:
    name = f"was inside {uuid.uuid4().hex}"
    id = api("projects.create", name=f"{top}/{name}")["id"]
    api("projects.move", project=id, new_location="")
    found = api("projects.get_by_id", project=id)["project"]
    assert found["name"] == name
    assert "parent" not in found


def test_moving_nowhere_or_into_itself_is_refused(api: Api, top: str) -> None:
    id = api("projects.create", name=f"{top}/inner")["id"]
    same = refusal(api, "projects.move", project=id, new_location=top)
    inside = refusal(api, "projects.move", project=id, new_location=f"{top}/inner/deeper")
    assert same == errors.SOURCE_AND_DESTINATION_EQUAL[:2]
    assert inside == errors.CANNOT_MOVE_INTO_ITSELF[:2]


def test_merging_moves_tasks_models_and_projects(api: Api, top: str, put: Put) -> None:
    child = api("projects.create", name=f"{top}/source/child")["id"]
    twin = api("projects.create", name=f"{top}/source/twin")["id"]
    other = api("projects.create", name=f"{top}/destination/twin")["id"]
    source, destination = (by_name(api, f"{top}/{n}")["id"] for n in ("source", "destination"))
    task = put(TASK, project=source)
    put(MODEL, project=source)
    put(TASK, project=twin)
    answer = api("projects.merge", project=source, destination_project=destination)
    assert answer == {"moved_entities": 3, "moved_projects": 2}
    moved = api("projects.get_by_id", project=child)["project"]
    assert moved["name"] == f"{top}/destination/child"
    assert api("tasks.get_by_id", task=task)["task"]["project"] == destination
    assert len(api("tasks.get_all", project=[other])["tasks"]) == 1
    for gone in (source, twin):
        assert refusal(api, "projects.get_by_id", project=gone) == errors.INVALID_PROJECT_ID[:2]


def test_merging_into_itself_or_its_child_is_refused(api: Api, top: str) -> None:
    child = api("projects.create", name=f"{top}/child")["id"]
    id = by_name(api, top)["id"]
    same = refusal(api, "projects.merge", project=id, destination_project=id)
    below = refusal(api, "projects.merge", project=id, destination_project=child)
    assert same == errors.SOURCE_AND_DESTINATION_EQUAL[:2]
    assert below == errors.CANNOT_MERGE_INTO_CHILD[:2]


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        (TASK, {}, errors.PROJECT_HAS_TASKS),
        (MODEL, {}, errors.PROJECT_HAS_MODELS),
        (TASK, {"system_tags": ["dataset"]}, errors.PROJECT_HAS_DATASETS),
        (TASK, {"system_tags": ["pipeline"]}, errors.PROJECT_HAS_PIPELINES),
    ],
)
def test_a_project_with_content_is_not_deleted(
    api: Api, top: str, put: Put, kind: Any, fields: dict[str, Any], error: Any
) -> None:
    inner = api("projects.create", name=f"{top}/inner")["id"]
    put(kind, project=inner, **fields)
    refused = refusal(api, "projects.delete", project=by_name(api, top)["id"])
    assert refused == error[:2]


def test_archived_content_does_not_keep_a_project(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    task = put(TASK, project=id, system_tags=["archived"])
    counts = api("projects.validate_delete", project=id)
    assert (counts["tasks"], counts["non_archived_tasks"]) == (1, 0)
    answer = api("projects.delete", project=id)
    assert (answer["deleted"], answer["disassociated_tasks"]) == (1, 1)
    assert "project" not in api("tasks.get_by_id", task=task)["task"]


def test_force_leaves_the_content_without_a_project(api: Api, top: str, put: Put) -> None:
    inner = api("projects.create", name=f"{top}/inner")["id"]
    task = put(TASK, project=inner)
    answer = api("projects.delete", project=by_name(api, top)["id"], force=True)
    assert answer["disassociated_tasks"] == 1
    assert "project" not in api("tasks.get_by_id", task=task)["task"]
    assert refusal(api, "projects.get_by_id", project=inner) == errors.INVALID_PROJECT_ID[:2]


def test_content_is_deleted_on_demand(api: Api, top: str, put: Put) -> None:
    inner = api("projects.create", name=f"{top}/inner")["id"]
    artifacts = [{"key": "a", "mode": "output", "uri": "http://files/a", "type": "x"}]
    task = put(TASK, project=inner, execution={"artifacts": artifacts})
    put(MODEL, project=inner, uri="http://files/m")
    child = put(TASK, parent=task)
    image = {"type": "training_debug_image", "task": task, "metric": "m", "variant": "v"}
    api.batch("events.add_batch", [{**image, "iter": 1, "url": "http://files/e"}])
    id = by_name(api, top)["id"]
    answer = api("projects.delete", project=id, force=True, delete_contents=True)
    assert (answer["deleted_tasks"], answer["deleted_models"]) == (1, 1)
    assert answer["urls"] == {
        "model_urls": ["http://files/m"],
        "event_urls": ["http://files/e"],
        "artifact_urls": ["http://files/a"],
    }
    assert refusal(api, "tasks.get_by_id", task=task) == errors.INVALID_TASK_ID[:2]
    assert api("tasks.get_by_id", task=child)["task"]["parent"] == f"__DELETED__{task}"


def test_a_project_that_many_name_at_once_is_made_once(api: Api, top: str, put: Put) -> None:
    models = [put(MODEL) for _ in range(8)]

    def move(model: str) -> str:
        answer = api.as_version("2.20")("models.move", ids=[model], project_name=f"{top}/new/one")
        return str(answer["project_id"])

    with ThreadPoolExecutor(8) as threads:
        homes = set(threads.map(move, models))
    assert homes == {by_name(api, f"{top}/new/one")["id"]}


def names(answer: dict[str, Any], top: str) -> list[str]:
    return [project["name"].removeprefix(top) for project in answer["projects"]]


def test_shallow_search_shows_one_level(api: Api, top: str) -> None:
    api("projects.create", name=f"{top}/inner/leaf")
    id = by_name(api, top)["id"]
    below = api("projects.get_all", parent=[id], order_by="name")
    direct = api("projects.get_all", parent=[id], shallow_search=True)
    level = api("projects.get_all", name=top, shallow_search=True)
    everything = api("projects.get_all", name=top, order_by="name")
    assert names(below, top) == ["/inner", "/inner/leaf"]
    assert names(direct, top) == ["/inner"]
    assert names(level, top) == [""]
    assert names(everything, top) == ["", "/inner", "/inner/leaf"]


def test_hidden_projects_are_shown_on_demand(api: Api, top: str) -> None:
    api("projects.create", name=f"{top}/.datasets", system_tags=["hidden"])
    assert names(api("projects.get_all", name=top), top) == [""]
    found = api("projects.get_all", name=top, search_hidden=True)
    assert sorted(names(found, top)) == ["", "/.datasets"]


def test_an_escaped_name_is_found_exactly(api: Api, top: str) -> None:
    api("projects.create", name=f"{top}/a.b (c)")
    pattern = rf"^{top}/a\.b\ \(c\)$"
    found = api("projects.get_all", name=pattern, only_fields=["id", "name"])["projects"]
    assert [set(project) for project in found] == [{"id", "name"}]


@pytest.mark.parametrize("action", ["projects.get_all", "projects.get_all_ex"])
def test_scrolling_goes_on_from_where_it_was(api: Api, top: str, action: str) -> None:
    for name in ("one", "two"):
        api("projects.create", name=f"{top}/{name}")
    query = {"name": top, "order_by": "name", "size": 2}
    first = api(action, **query, scroll_id=None)
    second = api(action, **query, scroll_id=first["scroll_id"])
    assert names(first, top) + names(second, top) == ["", "/one", "/two"]
    assert "scroll_id" not in api(action, name=top)


def test_get_all_ex_names_users_and_companies(api: Api, top: str) -> None:
    (project,) = api("projects.get_all_ex", name=f"^{top}$")["projects"]
    assert project["company"]["id"] == COMPANY
    assert set(project["user"]) == {"id", "name"}


def test_statistics_count_tasks_by_status(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    inner = api("projects.create", name=f"{top}/inner")["id"]
    put(TASK, project=id, status="completed", started=1_000_000, active_duration=5)
    put(TASK, project=inner, status="failed", active_duration=7)
    put(TASK, project=id, system_tags=["archived"])
    put(TASK, project=id, system_tags=["hidden"])
    query = {"id": [id], "include_stats": True}
    (project,) = api("projects.get_all_ex", **query)["projects"]
    assert list(project["stats"]) == ["active"]
    stats = project["stats"]["active"]
    assert (stats["total_tasks"], stats["total_runtime"]) == (2, 12)
    assert (stats["status_count"]["completed"], stats["status_count"]["failed"]) == (1, 1)
    assert stats["status_count"]["queued"] == 0
    assert project["sub_projects"] == [{"id": inner, "name": f"{top}/inner"}]
    (alone,) = api("projects.get_all_ex", **query, stats_with_children=False)["projects"]
    assert alone["stats"]["active"]["total_tasks"] == 1
    (both,) = api("projects.get_all_ex", **query, stats_for_state=None)["projects"]
    assert both["stats"]["archived"]["total_tasks"] == 1


def test_own_contents_are_counted_on_demand(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    put(TASK, project=id)
    put(MODEL, project=id)
    put(TASK, project=api("projects.create", name=f"{top}/inner")["id"])
    (project,) = api("projects.get_all_ex", id=[id], check_own_contents=True)["projects"]
    assert (project["own_tasks"], project["own_models"]) == (1, 1)


def test_projects_are_found_by_what_is_in_them(api: Api, top: str, put: Put) -> None:
    inner = api("projects.create", name=f"{top}/inner")["id"]
    api("projects.create", name=f"{top}/empty")
    put(TASK, project=inner, system_tags=["pipeline"], user="somebody", tags=["t"])
    query = {"name": top, "order_by": "name"}
    by_user = api("projects.get_all_ex", **query, active_users=["somebody"])
    by_type = api("projects.get_all_ex", **query, children_type="pipeline", children_tags=["t"])
    neither = api("projects.get_all_ex", **query, children_type="dataset")
    assert names(by_user, top) == ["", "/inner"]
    assert names(by_type, top) == ["", "/inner"]
    assert names(neither, top) == []


def test_dataset_statistics(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    runtime = {"ds_file_count": 3, "ds_total_size": "12"}
    put(TASK, project=id, system_tags=["dataset", "hidden"], runtime=runtime)
    (project,) = api("projects.get_all_ex", id=[id], include_dataset_stats=True)["projects"]
    assert project["dataset_stats"] == {"file_count": 3, "total_size": 12}


def test_public_projects_are_read_only(api: Api, top: str) -> None:
    id = by_name(api, top)["id"]
    assert api("projects.make_public", ids=[id])["updated"] == 1
    assert refusal(api, "projects.update", project=id, description="x") == errors.READ_ONLY[:2]
    assert by_name(api, top)["company"] == ""
    assert api("projects.make_private", ids=[id])["updated"] == 1
    assert by_name(api, top)["company"] == COMPANY


def test_tags_in_use(api: Api, top: str, put: Put) -> None:
    inner = api("projects.create", name=f"{top}/inner", tags=["p"])["id"]
    id = by_name(api, top)["id"]
    put(TASK, project=inner, tags=["b", "a"], system_tags=["s"])
    put(TASK, project=inner, tags=["c"], type="testing")
    put(MODEL, project=inner, tags=["m"])
    assert api("projects.get_task_tags", projects=[id]) == {"tags": ["a", "b", "c"]}
    assert api("projects.get_task_tags", projects=[id], include_system=True) == {
        "tags": ["a", "b", "c"],
        "system_tags": ["s"],
    }
    narrowed = api("projects.get_task_tags", projects=[id], filter={"type": ["testing"]})
    assert narrowed == {"tags": ["c"]}
    assert api("projects.get_model_tags", projects=[id]) == {"tags": ["m"]}
    assert api("projects.get_project_tags", projects=[id]) == {"tags": ["p"]}


def test_parameters_in_use(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    for value in ("2", "10"):
        put(TASK, project=id, hyperparams={"Args": {"a.b": {"value": value}}, "X": {"y": {}}})
    answer = api("projects.get_hyper_parameters", project=id, page_size=1)
    assert answer == {
        "parameters": [{"section": "Args", "name": "a.b"}],
        "remaining": 1,
        "total": 2,
    }
    values = api("projects.get_hyperparam_values", projects=[id], section="Args", name="a.b")
    assert values == {"total": 2, "values": ["10", "2"]}
    some = api(
        "projects.get_hyperparam_values",
        projects=[id],
        section="Args",
        name="a.b",
        pattern="^1",
    )
    assert some["values"] == ["10"]


def test_metadata_in_use(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    put(MODEL, project=id, metadata={"k": {"key": "k", "type": "str", "value": "v"}})
    keys = api("projects.get_model_metadata_keys", project=id)
    assert keys == {"keys": ["k"], "remaining": 0, "total": 1}
    values = api("projects.get_model_metadata_values", projects=[id], key="k")
    assert values == {"total": 1, "values": ["v"]}


def test_metrics_in_use(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    metric, variant = (hashlib.md5(n.encode()).hexdigest() for n in ("loss", "train"))
    last = {metric: {variant: {"metric": "loss", "variant": "train", "value": 1}}}
    put(TASK, project=id, last_metrics=last)
    put(TASK, project=id, last_metrics=last)
    assert api("projects.get_unique_metric_variants", project=id)["metrics"] == [
        {
            "metric": "loss",
            "metric_hash": metric,
            "variant": "train",
            "variant_hash": variant,
        }
    ]


def test_parents_in_use(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    parent, archived = put(TASK, project=id, name="parent"), put(TASK, name="elder")
    put(TASK, project=id, parent=parent)
    put(TASK, project=id, parent=parent)
    put(TASK, project=id, parent=archived, system_tags=["archived"])
    active = api("projects.get_task_parents", projects=[id])["parents"]
    assert active == [{"id": parent, "name": "parent", "project": {"id": id, "name": top}}]
    gone = api("projects.get_task_parents", projects=[id], tasks_state="archived")["parents"]
    assert gone == [{"id": archived, "name": "elder"}]
    every = api("projects.get_task_parents", projects=[id], tasks_state=None)["parents"]
    assert [found["name"] for found in every] == ["elder", "parent"]


def test_users_in_projects(api: Api, top: str, put: Put) -> None:
    id = by_name(api, top)["id"]
    me = api("users.get_current_user")["user"]
    put(TASK, project=id, user=me["id"])
    users = api("projects.get_user_names", projects=[id])["users"]
    assert users == [{"id": me["id"], "name": me["name"]}]
