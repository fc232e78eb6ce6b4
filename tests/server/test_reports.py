"""Reports from their first words to their deletion."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


def new_project(api: Api) -> str:
    return str(api("projects.create", name=f"project {uuid.uuid4().hex}")["id"])


def new(api: Api, **fields: Any) -> str:
    return str(api("reports.create", **{"name": "my report", **fields})["id"])


def report(api: Api, id: str) -> Any:
    return api("reports.get_all_ex", id=[id])["tasks"][0]


def ids(answer: Any) -> list[str]:
    return [task["id"] for task in answer["tasks"]]


def refused(api: Api, name: str, /, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        api(name, **body)
    return caught.value.kind


def test_a_report_keeps_what_it_was_made_of(api: Api) -> None:
    id = new(api, report="# Hi", tags=["b", "a"], comment="c", report_assets=["http://x/y"])
    found = report(api, id)
    assert {k: found[k] for k in ("name", "type", "status", "report", "comment", "tags")} == {
        "name": "my report",
        "type": "report",
        "status": "created",
        "report": "# Hi",
        "comment": "c",
        "tags": ["a", "b"],
    }
    assert found["report_assets"] == ["http://x/y"]


def test_a_report_on_a_project_lies_in_a_hidden_one_beside(api: Api) -> None:
    project = new_project(api)
    made = api("reports.create", name="my report", project=project)
    home = api("projects.get_by_id", project=made["project_id"])["project"]
    assert home["basename"] == ".reports"
    assert home["parent"] == project
    assert "hidden" in home["system_tags"]


def test_reports_on_one_project_lie_together(api: Api) -> None:
    project = new_project(api)
    homes = {api("reports.create", name="rep", project=project)["project_id"] for _ in range(2)}
    assert len(homes) == 1


def test_a_report_without_a_project_has_a_home_too(api: Api) -> None:
    home = api("reports.create", name="my report")["project_id"]
    assert api("projects.get_by_id", project=home)["project"]["name"] == ".reports"


def test_a_report_cannot_be_on_an_unknown_project(api: Api) -> None:
    assert refused(api, "reports.create", name="rep", project=uuid.uuid4().hex) == (400, 401)


def test_reports_are_found_by_the_project_they_are_on(api: Api) -> None:
    project = new_project(api)
    id = new(api, project=project)
    new(api, project=new_project(api))
    assert ids(api("reports.get_all_ex", project=[project])) == [id]


def test_only_reports_are_found(api: Api) -> None:
    tag = uuid.uuid4().hex
    id = new(api, tags=[tag])
    api("tasks.create", name="task", type="training", tags=[tag])
    assert ids(api("reports.get_all_ex", tags=[tag])) == [id]


def test_found_reports_name_what_they_refer_to(api: Api) -> None:
    found = report(api, new(api))
    me = api("users.get_current_user")["user"]
    assert found["user"] == {"id": me["id"], "name": me["name"]}
    assert found["project"]["name"] == ".reports"


def test_found_reports_are_projected(api: Api) -> None:
    id = new(api)
    found = api("reports.get_all_ex", id=[id], only_fields=["name", "project.name"])["tasks"]
    assert found[0]["project"]["name"] == ".reports"
    assert set(found[0]) == {"id", "name", "project"}


def test_reports_are_leafed_through(api: Api) -> None:
    tag = uuid.uuid4().hex
    wanted = {new(api, tags=[tag]) for _ in range(3)}
    first = api("reports.get_all_ex", tags=[tag], size=2, scroll_id=None)
    rest = api("reports.get_all_ex", tags=[tag], size=2, scroll_id=first["scroll_id"])
    assert {*ids(first), *ids(rest)} == wanted


def test_a_report_is_edited(api: Api) -> None:
    id = new(api)
    answer = api("reports.update", task=id, name="other name", report="text", tags=["z", "y"])
    assert answer["updated"] == 1
    assert answer["fields"]["tags"] == ["y", "z"]
    found = report(api, id)
    assert (found["name"], found["report"]) == ("other name", "text")


def test_an_edit_of_nothing_changes_nothing(api: Api) -> None:
    assert api("reports.update", task=new(api)) == {"updated": 0, "fields": {}}


def test_a_published_report_keeps_its_text(api: Api) -> None:
    id = new(api)
    api("reports.publish", task=id)
    assert refused(api, "reports.update", task=id, report="new") == (400, 110)
    assert api("reports.update", task=id, tags=["t"])["updated"] == 1


def test_publishing_sets_status_time_and_message(api: Api) -> None:
    id = new(api)
    assert api("reports.publish", task=id, message="done", comment="note")["published"] == 1
    found = report(api, id)
    assert (found["status"], found["status_message"]) == ("published", "done")
    assert found["comment"] == "note"
    assert found["published"].endswith("+00:00")


def test_a_report_is_published_once(api: Api) -> None:
    id = new(api)
    api("reports.publish", task=id)
    assert refused(api, "reports.publish", task=id) == (400, 110)


def test_a_report_is_archived_and_brought_back(api: Api) -> None:
    id = new(api)
    assert api("reports.archive", task=id) == {"archived": 1}
    assert "archived" in report(api, id)["system_tags"]
    assert api("reports.unarchive", task=id) == {"unarchived": 1}
    assert "archived" not in report(api, id)["system_tags"]


def test_a_draft_is_deleted(api: Api) -> None:
    id = new(api)
    assert api("reports.delete", task=id) == {"deleted": 1}
    assert ids(api("reports.get_all_ex", id=[id])) == []


def test_a_published_report_is_deleted_with_force(api: Api) -> None:
    id = new(api)
    api("reports.publish", task=id)
    assert refused(api, "reports.delete", task=id) == (400, 123)
    assert api("reports.delete", task=id, force=True) == {"deleted": 1}


def test_a_published_report_is_deleted_once_it_is_archived(api: Api) -> None:
    id = new(api)
    api("reports.publish", task=id)
    api("reports.archive", task=id)
    assert api("reports.delete", task=id) == {"deleted": 1}


def test_a_report_moves_to_a_project(api: Api) -> None:
    project = new_project(api)
    id = new(api)
    home = api("reports.move", task=id, project=project)["project_id"]
    assert report(api, id)["project"]["id"] == home
    assert ids(api("reports.get_all_ex", project=[project])) == [id]


def test_a_report_moves_to_a_project_by_name(api: Api) -> None:
    name = f"project {uuid.uuid4().hex}"
    home = api("reports.move", task=new(api), project_name=name)["project_id"]
    assert api("projects.get_by_id", project=home)["project"]["name"] == f"{name}/.reports"


def test_a_move_needs_a_destination(api: Api) -> None:
    assert refused(api, "reports.move", task=new(api)) == (400, 11)


@pytest.mark.parametrize("name", ["update", "publish", "archive", "unarchive", "delete"])
def test_other_tasks_are_no_reports(api: Api, name: str) -> None:
    task = api("tasks.create", name="task", type="training")["id"]
    assert refused(api, f"reports.{name}", task=task) == (400, 101)


def test_an_unknown_report_is_said_so(api: Api) -> None:
    assert refused(api, "reports.update", task=uuid.uuid4().hex, name="name") == (400, 101)


def test_tags_of_reports_are_listed(api: Api) -> None:
    mine, other = uuid.uuid4().hex, uuid.uuid4().hex
    new(api, tags=[mine])
    api("tasks.create", name="task", type="training", tags=[other])
    found = api("reports.get_tags")["tags"]
    assert (mine in found, other in found) == (True, False)


def reporting_task(api: Api) -> str:
    task = str(api("tasks.create", name="task", type="training")["id"])
    common = {"task": task, "metric": "loss", "variant": "train"}
    api.batch(
        "events.add_batch",
        [
            {"type": "training_stats_scalar", **common, "iter": 1, "value": 0.5},
            {"type": "training_stats_scalar", **common, "iter": 2, "value": 0.25},
            {"type": "plot", **common, "iter": 1, "plot_str": "{}"},
            {"type": "training_debug_image", **common, "iter": 1, "url": "http://x/1.png"},
        ],
    )
    return task


def test_the_data_of_tasks_comes_with_the_curves_asked_for(api: Api) -> None:
    task = reporting_task(api)
    found = api("reports.get_task_data", id=[task], scalar_metrics_iter_histogram={"samples": 10})
    assert ids(found) == [task]
    curve = found["scalar_metrics_iter_histogram"]["loss"]["train"][task]
    assert (curve["x"], curve["y"]) == ([1, 2], [0.5, 0.25])


def test_the_data_of_tasks_comes_with_plots_and_images(api: Api) -> None:
    task = reporting_task(api)
    found = api("reports.get_task_data", id=[task], plots={"iters": 1}, debug_images={"iters": 1})
    assert task in str(found["plots"])
    assert [entry["task"] for entry in found["debug_images"]] == [task]


def test_only_what_is_asked_for_comes(api: Api) -> None:
    task = reporting_task(api)
    assert set(api("reports.get_task_data", id=[task])) == {"tasks"}
