"""What is in projects: statistics of it, and projects found by it."""

from __future__ import annotations

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import listed_project, names, refused
from tests.server.making import new_model, new_project, new_queue, new_task, run, unique

# --- statistics ----------------------------------------------------------------------------

STATUSES = {
    "created",
    "queued",
    "in_progress",
    "stopped",
    "publishing",
    "published",
    "closed",
    "failed",
    "completed",
    "unknown",
}


def test_statistics_of_a_project_and_what_is_below(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    run(api, new_task(api, project=id), "started", "completed")
    run(api, new_task(api, project=inner), "started", "failed")
    api("tasks.enqueue", task=new_task(api, project=inner), queue=new_queue(api))
    gone = new_task(api, project=inner)
    api("tasks.archive", tasks=[gone])
    found = listed_project(api, id, include_stats=True)
    assert found["stats"].keys() == {"active"}
    stats = found["stats"]["active"]
    assert stats["status_count"].keys() == STATUSES
    counted = {status: n for status, n in stats["status_count"].items() if n}
    assert counted == {"completed": 1, "failed": 1, "queued": 1}
    assert (stats["total_tasks"], stats["completed_tasks_24h"]) == (3, 1)
    assert isinstance(stats["total_runtime"], int)
    assert isinstance(stats["last_task_run"], int)
    assert found["sub_projects"] == [{"id": inner, "name": f"{top}/inner"}]
    archived = listed_project(api, id, include_stats=True, stats_for_state="archived")["stats"]
    assert archived.keys() == {"archived"}
    assert archived["archived"]["status_count"]["created"] == 1
    both = listed_project(api, id, include_stats=True, stats_for_state=None)["stats"]
    assert both.keys() == {"active", "archived"}
    alone = listed_project(api, id, include_stats=True, stats_with_children=False)["stats"][
        "active"
    ]
    assert alone["total_tasks"] == 1


def test_statistics_of_some_tasks_only(api: Api) -> None:
    id = new_project(api)
    new_task(api, project=id)
    new_task(api, project=id, tags=["t"])
    new_task(api, project=id, system_tags=["hidden"])
    narrowed = listed_project(api, id, include_stats=True, include_stats_filter={"tags": ["t"]})
    assert narrowed["stats"]["active"]["total_tasks"] == 1
    every = listed_project(api, id, include_stats=True, search_hidden=True)
    assert every["stats"]["active"]["total_tasks"] == 3


def test_an_unknown_state_of_statistics_is_refused(api: Api) -> None:
    body = {"include_stats": True, "stats_for_state": "neither"}
    refused(errors.VALIDATION[:2], api, "projects.get_all_ex", **body)


def test_own_contents_are_counted_without_what_is_below(api: Api) -> None:
    top = unique("top")
    id, inner = new_project(api, top), new_project(api, f"{top}/inner")
    new_task(api, project=id)
    new_task(api, project=inner)
    new_model(api, project=inner)
    query = {"id": [id, inner], "check_own_contents": True, "order_by": ["name"]}
    above, below = api("projects.get_all_ex", **query)["projects"]
    assert (above["own_tasks"], above["own_models"]) == (1, 0)
    assert (below["own_tasks"], below["own_models"]) == (1, 1)
    (under,) = api("projects.get_all_ex", parent=[id], check_own_contents=True)["projects"]
    assert (under["own_tasks"], under["own_models"]) == (1, 1)


def test_files_of_the_newest_dataset_are_counted(api: Api) -> None:
    id = new_project(api)
    runtime = {"ds_file_count": 2, "ds_total_size": 1000}
    new_task(api, project=id, type="data_processing", system_tags=["dataset"], runtime=runtime)
    found = listed_project(api, id, include_dataset_stats=True)
    assert found["dataset_stats"] == {"file_count": 2, "total_size": 1000}


# --- projects by what is in them -----------------------------------------------------------


def test_projects_of_active_users(api: Api) -> None:
    top = unique("top")
    new_project(api, f"{top}/empty")
    new_task(api, project=new_project(api, f"{top}/busy"))
    me = api("users.get_current_user")["user"]["id"]
    query = {"name": f"^{top}", "order_by": ["name"]}
    found = api("projects.get_all_ex", **query, active_users=[me])
    assert names(found) == [top, f"{top}/busy"]
    assert names(api("projects.get_all_ex", **query, active_users=["nobody"])) == []


@pytest.mark.parametrize("kind", ["pipeline", "dataset"])
def test_projects_above_pipelines_and_datasets(api: Api, kind: str) -> None:
    top = unique("top")
    hidden = {"system_tags": ["hidden", kind]}
    new_project(api, f"{top}/one/.{kind}s/first", **hidden, tags=["x"])
    new_project(api, f"{top}/two/.{kind}s/second", **hidden, tags=["x", "y"])
    new_project(api, f"{top}/neither")
    (above,) = api("projects.get_all", name=f"^{top}$")["projects"]
    query = {"parent": [above["id"]], "shallow_search": True, "order_by": ["name"]}
    query |= {"children_type": kind}
    assert names(api("projects.get_all_ex", **query)) == [f"{top}/one", f"{top}/two"]
    tagged = api("projects.get_all_ex", **query, children_tags=["y"])
    assert names(tagged) == [f"{top}/two"]
    apart = {"all": {"exclude": ["y"]}}
    untagged = api("projects.get_all_ex", **query, children_tags_filter=apart)
    assert names(untagged) == [f"{top}/one"]
    other = {"pipeline": "dataset", "dataset": "pipeline"}[kind]
    assert names(api("projects.get_all_ex", **{**query, "children_type": other})) == []


def test_projects_with_reports(api: Api) -> None:
    top = unique("top")
    inner = new_project(api, f"{top}/inner")
    new_project(api, f"{top}/neither")
    api("reports.create", name=unique("report"), project=inner, tags=["r"])
    query = {"name": f"^{top}", "children_type": "report", "order_by": ["name"]}
    found = names(api("projects.get_all_ex", **query, search_hidden=True))
    assert {top, f"{top}/inner"} <= set(found)
    assert f"{top}/neither" not in found
    tagged = api("projects.get_all_ex", **query, search_hidden=True, children_tags=["no such"])
    assert names(tagged) == []
