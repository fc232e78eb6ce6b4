"""What is in use in projects: tags, parameters, metrics, parents, users."""

from __future__ import annotations

from tests.beds.server import Api
from tests.server.asking import ids
from tests.server.making import new_model, new_project, new_task, unique


def test_tags_in_use_by_kind_and_project(api: Api) -> None:
    one, two = new_project(api, tags=["p"]), new_project(api)
    new_task(api, project=one, tags=["b", "a"], system_tags=["s"])
    new_task(api, project=two, tags=["c"])
    new_model(api, project=one, tags=["m"], system_tags=["ms"])
    tags = "projects.get_task_tags"
    assert api(tags, projects=[one]) == {"tags": ["a", "b"]}
    assert api(tags, projects=[one, two])["tags"] == ["a", "b", "c"]
    assert {"a", "b", "c"} <= set(api(tags)["tags"])
    both = api(tags, projects=[one], include_system=True)
    assert both == {"tags": ["a", "b"], "system_tags": ["s"]}
    assert api(tags, projects=[one], filter={"system_tags": ["-s"]}) == {"tags": []}
    models = api("projects.get_model_tags", projects=[one], include_system=True)
    assert models == {"tags": ["m"], "system_tags": ["ms"]}
    assert api("projects.get_project_tags", projects=[one])["tags"] == ["p"]
    assert "p" in api("projects.get_project_tags")["tags"]


def with_values(api: Api, project: str, *values: str) -> None:
    for value in values:
        item = {"section": "Args", "name": "l.r$", "type": "float", "value": value}
        new_task(api, project=project, hyperparams={"Args": {"l.r$": item}})


def test_parameters_and_their_values_in_use(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    with_values(api, id, "1", "2", "2")
    with_values(api, inner, "3")
    names = "projects.get_hyper_parameters"
    found = {"parameters": [{"section": "Args", "name": "l.r$"}], "remaining": 0, "total": 1}
    assert api(names, project=id) == found
    assert api(names, project=id, page=1, page_size=1) == {**found, "parameters": []}
    values = "projects.get_hyperparam_values"
    body = {"projects": [id], "section": "Args", "name": "l.r$"}
    assert api(values, **body) == {"total": 3, "values": ["1", "2", "3"]}
    alone = api(values, **body, include_subprojects=False)
    assert alone == {"total": 2, "values": ["1", "2"]}
    assert api(values, **body, pattern="3")["values"] == ["3"]
    assert api(values, **body, page=1, page_size=2) == {"total": 3, "values": ["3"]}
    assert api(values, projects=[id], section="Args", name="none") == {"total": 0, "values": []}


def test_remarks_on_models_in_use(api: Api) -> None:
    id = new_project(api)
    for value in ("1", "2"):
        metadata = [{"key": "k.$", "type": "t", "value": value}]
        new_model(api, project=id, metadata=metadata)
    keys = api("projects.get_model_metadata_keys", project=id)
    assert keys == {"keys": ["k.$"], "remaining": 0, "total": 1}
    values = api("projects.get_model_metadata_values", projects=[id], key="k.$")
    assert values == {"total": 2, "values": ["1", "2"]}


def test_metrics_in_use(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    for project, variant in ((id, "b"), (id, "a"), (inner, "c")):
        task = new_task(api, project=project)
        event = {"type": "training_stats_scalar", "task": task, "metric": "m", "iter": 1}
        api("events.add", **event, variant=variant, value=1)
    metrics = "projects.get_unique_metric_variants"
    found = api(metrics, project=id)["metrics"]
    assert [(item["metric"], item["variant"]) for item in found] == [
        ("m", "a"),
        ("m", "b"),
        ("m", "c"),
    ]
    assert found[0].keys() == {"metric", "variant", "metric_hash", "variant_hash"}
    alone = api(metrics, project=id, include_subprojects=False)["metrics"]
    assert [item["variant"] for item in alone] == ["a", "b"]
    assert api(metrics, project=id, model_metrics=True) == {"metrics": []}


def test_parents_and_users_in_use(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    parent = new_task(api, project=inner, name="the parent")
    new_task(api, project=inner, parent=parent)
    body = {"projects": [id]}
    (found,) = api("projects.get_task_parents", **body)["parents"]
    assert (found["id"], found["name"]) == (parent, "the parent")
    assert found["project"] == {"id": inner, "name": f"{top}/inner"}
    narrow = {**body, "include_subprojects": False}
    assert api("projects.get_task_parents", **narrow) == {"parents": []}
    assert api("projects.get_task_parents", **body, task_name="no such") == {"parents": []}
    archived = api("projects.get_task_parents", **body, tasks_state="archived")
    assert archived == {"parents": []}
    me = api("users.get_current_user")["user"]
    users = api("projects.get_user_names", **body)["users"]
    assert users == [{"id": me["id"], "name": me["name"]}]
    assert ids(api("users.get_all_ex", active_in_projects=[id]), "users") == [me["id"]]
