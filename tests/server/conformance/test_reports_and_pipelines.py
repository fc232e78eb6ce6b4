"""Reports and pipelines as the protocol has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, ids, refused, task_of
from tests.server.making import new_project, new_queue, new_task, run, unique


def new_report(api: Api, **fields: Any) -> str:
    id: str = api("reports.create", **{"name": unique("report"), **fields})["id"]
    return id


# --- reports -------------------------------------------------------------------------------


def test_a_report_is_a_hidden_task_in_a_hidden_project(api: Api) -> None:
    name = unique("report")
    made = api("reports.create", name=name, comment="c", tags=["hello"])
    (task,) = api("tasks.get_all_ex", id=[made["id"]])["tasks"]
    assert (task["name"], task["comment"], task["tags"]) == (name, "c", ["hello"])
    assert (task["type"], task["status"]) == ("report", "created")
    assert set(task["system_tags"]) == {"hidden", "reports"}
    assert task["project"]["id"] == made["project_id"]
    assert ids(api("projects.get_all_ex", name=r"^\.reports$"), "projects") == []
    found = api("projects.get_all_ex", name=r"^\.reports$", search_hidden=True)["projects"]
    assert [project["id"] for project in found] == [made["project_id"]]
    assert set(found[0]["system_tags"]) == {"hidden", "reports"}


def test_reports_stay_out_of_lists_of_tasks(api: Api) -> None:
    name = unique("report")
    report = new_report(api, name=name)
    assert ids(api("tasks.get_all_ex", name=f"^{name}$")) == []
    assert ids(api("tasks.get_all_ex", name=f"^{name}$", search_hidden=True)) == [report]
    assert ids(api("reports.get_all_ex", name=f"^{name}$")) == [report]


def test_a_report_is_changed_until_it_is_published(api: Api) -> None:
    report = new_report(api)
    answer = api(
        "reports.update",
        task=report,
        name="a new name",
        comment="new",
        report="# text",
        report_assets=["http://files/a.png"],
        tags=["x"],
    )
    assert answer["updated"] == 1
    assert set(answer["fields"]) >= {"name", "comment", "report", "report_assets", "tags"}
    (found,) = api("reports.get_all_ex", id=[report])["tasks"]
    assert (found["name"], found["comment"], found["tags"]) == ("a new name", "new", ["x"])
    assert (found["report"], found["report_assets"]) == ("# text", ["http://files/a.png"])
    answer = api("reports.publish", task=report, comment="final", message="out")
    assert (answer["published"], answer["updated"]) == (1, 1)
    assert answer["fields"]["status"] == "published"
    for fields in ({"comment": "late"}, {"report": "late"}, {"tags": ["y"], "report": "late"}):
        refused((400, 110), api, "reports.update", task=report, **fields)
    assert api("reports.update", task=report, name="renamed", tags=["y"])["updated"] == 1


def test_a_report_moves_with_its_project(api: Api) -> None:
    report, name = new_report(api), unique("project")
    home = api("reports.move", task=report, project_name=name)["project_id"]
    project = api("projects.get_by_id", project=home)["project"]
    assert project["name"] == f"{name}/.reports"
    assert set(project["system_tags"]) == {"hidden", "reports"}
    parent = project["parent"]
    assert ids(api("reports.get_all_ex", project=[parent])) == [report]
    assert ids(api("reports.get_all_ex", project=[home])) == [report]
    other = new_project(api)
    api("reports.move", task=report, project=other)
    assert ids(api("reports.get_all_ex", project=[parent])) == []
    assert ids(api("reports.get_all_ex", project=[other])) == [report]


def test_a_report_is_archived_and_deleted(api: Api) -> None:
    report = new_report(api)
    assert api("reports.archive", task=report) == {"archived": 1}
    query = {"id": [report], "system_tags": ["-archived"]}
    assert ids(api("reports.get_all_ex", **query)) == []
    assert api("reports.unarchive", task=report) == {"unarchived": 1}
    assert ids(api("reports.get_all_ex", **query)) == [report]
    assert api("reports.delete", task=report) == {"deleted": 1}
    refused((400, 101), api, "reports.delete", task=report)


@pytest.mark.parametrize(
    ("action", "body", "kind"),
    [
        ("create", {}, (400, 11)),
        ("create", {"name": "ab"}, (400, 800)),
        ("create", {"name": "report", "project": "0" * 32}, (400, 401)),
        ("update", {"task": "0" * 32, "comment": "c"}, (400, 101)),
        ("move", {"task": "0" * 32, "project_name": "some"}, (400, 101)),
        ("publish", {"task": "0" * 32}, (400, 101)),
        ("archive", {"task": "0" * 32}, (400, 101)),
        ("unarchive", {"task": "0" * 32}, (400, 101)),
    ],
)
def test_a_report_that_cannot_be_is_refused(
    api: Api, action: str, body: Document, kind: tuple[int, int]
) -> None:
    refused(kind, api, f"reports.{action}", **body)


def test_tags_of_reports_are_their_own(api: Api) -> None:
    mine, other = unique("mine"), unique("other")
    new_report(api, tags=[mine])
    new_task(api, tags=[other])
    tags = api("reports.get_tags")["tags"]
    assert (mine in tags, other in tags) == (True, False)


def test_reports_are_ordered_paged_scrolled_and_joined(api: Api) -> None:
    project = new_project(api)
    made = [new_report(api, name=f"report {n}", project=project) for n in range(3)]
    query: Document = {"project": [project], "order_by": ["-name"], "only_fields": ["name"]}
    assert ids(api("reports.get_all_ex", **query)) == made[::-1]
    assert ids(api("reports.get_all_ex", page=1, page_size=2, **query)) == made[:1]
    first = api("reports.get_all_ex", size=2, scroll_id=None, **query)
    rest = api("reports.get_all_ex", size=2, scroll_id=first["scroll_id"], **query)
    assert [*ids(first), *ids(rest)] == made[::-1]
    only = ["project.name", "user.name"]
    (found,) = api("reports.get_all_ex", id=made[:1], only_fields=only)["tasks"]
    assert found["project"]["name"].endswith("/.reports")
    assert found["user"]["name"]


def with_events(api: Api) -> str:
    task = new_task(api)
    common = {"task": task, "metric": "m", "variant": "v"}
    api.batch(
        "events.add_batch",
        [
            {**common, "type": "training_stats_scalar", "iter": 1, "value": 0.5},
            {**common, "type": "plot", "iter": 1, "plot_str": '{"data": []}'},
            {**common, "type": "training_debug_image", "iter": 1, "url": "http://files/1.png"},
            {**common, "type": "training_stats_scalar", "iter": -(2**31), "value": 3},
        ],
    )
    return task


def test_a_report_gets_the_data_of_tasks_that_it_shows(api: Api) -> None:
    task, other = with_events(api), with_events(api)
    metrics = [{"metric": "m", "variants": ["v"]}]
    answer = api(
        "reports.get_task_data",
        id=[task, other],
        only_fields=["name", "project.name"],
        plots={"iters": 1, "metrics": metrics},
        debug_images={"iters": 1, "metrics": metrics},
        scalar_metrics_iter_histogram={"samples": 10, "key": "iter", "metrics": metrics},
        single_value_metrics={},
    )
    assert set(ids(answer)) == {task, other}
    assert set(answer["tasks"][0]) == {"id", "name"}
    assert set(answer["plots"]["m"]["v"]) == {task, other}
    assert {item["task"] for item in answer["debug_images"]} == {task, other}
    curves = answer["scalar_metrics_iter_histogram"]["m"]["v"]
    assert curves[task]["y"] == curves[other]["y"] == [0.5]
    assert {item["task"] for item in answer["single_value_metrics"]} == {task, other}
    assert set(api("reports.get_task_data", id=[task])) == {"tasks"}


# --- pipelines -----------------------------------------------------------------------------


def test_a_pipeline_is_started_as_a_clone_with_arguments(api: Api) -> None:
    project, queue = new_project(api), new_queue(api)
    name = unique("pipeline")
    source = new_task(
        api, name=name, project=project, type="controller", system_tags=["pipeline"], tags=["t"]
    )
    args = [{"name": "hello", "value": "world"}, {"name": "empty", "value": None}]
    answer = api(
        "pipelines.start_pipeline",
        task=source,
        queue=queue,
        args=args,
        verify_watched_queue=True,
    )
    assert (answer["enqueued"], answer["queue_watched"]) == (True, False)
    found = task_of(api, answer["pipeline"])
    assert found["name"].startswith(name)
    assert (found["status"], found["type"], found["project"]) == ("queued", "controller", project)
    assert (found["system_tags"], found["tags"]) == (["pipeline"], ["t"])
    assert found["execution"]["queue"] == queue
    assert found["hyperparams"]["Args"] == {
        "hello": {"section": "Args", "name": "hello", "value": "world"},
        "empty": {"section": "Args", "name": "empty", "value": ""},
    }


def test_a_pipeline_that_cannot_start_is_refused(api: Api) -> None:
    start = "pipelines.start_pipeline"
    refused((400, 101), api, start, task="0" * 32)
    refused((400, 701), api, start, task=new_task(api), queue="0" * 32)
    refused((400, 11), api, start)
    refused((400, 11), api, start, task=new_task(api), args=[{"value": "nameless"}])


def test_runs_are_deleted_with_their_steps(api: Api) -> None:
    project = new_project(api)
    first, second = (new_task(api, project=project, type="controller") for _ in range(2))
    step = run(api, new_task(api, project=project, parent=first), "started", "completed")
    answer = api("pipelines.delete_runs", project=project, ids=[first, "0" * 32])
    assert ids(answer, "succeeded") == [first]
    assert answer["succeeded"][0]["deleted"] is True
    assert [(f["id"], f["error"]["codes"]) for f in answer["failed"]] == [("0" * 32, [400, 101])]
    left = ids(api("tasks.get_all", project=[project]))
    assert left == [second]
    assert step not in left
    refused((400, 401), api, "pipelines.delete_runs", project="0" * 32, ids=[second])


def pipeline(api: Api, *moves: str, **fields: Any) -> tuple[str, list[str]]:
    """A run with two steps, the second of which is a pipeline with a step of its own."""
    top = run(api, new_task(api, type="controller", **fields), *moves)
    plain = run(api, new_task(api, parent=top), *moves)
    inner = run(api, new_task(api, parent=top, type="controller"), *moves)
    return top, [plain, inner, run(api, new_task(api, parent=inner), *moves)]


def test_a_pipeline_is_stopped_with_the_steps_that_live(api: Api) -> None:
    for action, body in (("stop", "task"), ("stop_many", "ids")):
        top, steps = pipeline(api, "started")
        run(api, steps[0], "completed")
        child = run(api, new_task(api, parent=steps[2]), "started")
        wanted: Document = {body: top if body == "task" else [top]}
        api(f"tasks.{action}", include_pipeline_steps=True, **wanted)
        statuses = [task_of(api, id)["status"] for id in (top, *steps, child)]
        assert statuses == ["stopped", "completed", "stopped", "stopped", "in_progress"]


def test_a_pipeline_is_archived_with_its_steps(api: Api) -> None:
    top, steps = pipeline(api)
    assert api("tasks.archive", tasks=[top], include_pipeline_steps=True) == {"archived": 4}
    answer = api("tasks.unarchive_many", ids=[top], include_pipeline_steps=True)
    assert ids(answer, "succeeded") == [top, *steps]
    answer = api("tasks.archive_many", ids=[top], include_pipeline_steps=True)
    assert ids(answer, "succeeded") == [top, *steps]
    assert ids(api("tasks.unarchive_many", ids=[top]), "succeeded") == [top]


def test_a_pipeline_is_deleted_with_its_steps_or_not_at_all(api: Api) -> None:
    top, steps = pipeline(api, "started", "completed")
    delete = "tasks.delete_many"
    answer = api(delete, ids=[top], include_pipeline_steps=True)
    assert (ids(answer, "succeeded"), ids(answer, "failed")) == ([], [top])
    assert len(api("tasks.get_all", id=[top, *steps])["tasks"]) == 4
    answer = api(delete, ids=[top], include_pipeline_steps=True, force=True)
    assert ids(answer, "succeeded") == [top, *steps]
    assert api("tasks.get_all", id=[top, *steps])["tasks"] == []
