"""Starting pipelines again, and deleting their runs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


@pytest.fixture
def queue(api: Api) -> str:
    return str(api("queues.create", name=f"queue {uuid.uuid4().hex}")["id"])


@pytest.fixture
def project(api: Api) -> str:
    return str(api("projects.create", name=f"pipeline {uuid.uuid4().hex}")["id"])


def controller(api: Api, **fields: Any) -> str:
    wanted = {"name": "pipeline", "type": "controller", "system_tags": ["pipeline"], **fields}
    return str(api("tasks.create", **wanted)["id"])


def task(api: Api, id: str) -> Any:
    return api("tasks.get_by_id", task=id)["task"]


def exists(api: Api, id: str) -> bool:
    return bool(api("tasks.get_all", id=[id], only_fields=["id"])["tasks"])


def refused(api: Api, name: str, /, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        api(name, **body)
    return caught.value.kind


def test_a_started_pipeline_is_a_queued_clone(api: Api, queue: str) -> None:
    source = controller(api)
    answer = api("pipelines.start_pipeline", task=source, queue=queue)
    run = task(api, answer["pipeline"])
    assert answer["enqueued"] is True
    assert (run["status"], run["execution"]["queue"]) == ("queued", queue)
    assert task(api, source)["status"] == "created"


def test_arguments_go_into_their_section(api: Api, queue: str) -> None:
    known = {
        "Args": {
            "lr": {"section": "Args", "name": "lr", "value": "0.1", "type": "float"},
            "epochs": {"section": "Args", "name": "epochs", "value": "3"},
        },
        "General": {"seed": {"section": "General", "name": "seed", "value": "1"}},
    }
    source = controller(api, hyperparams=known)
    args = [{"name": "lr", "value": "0.5"}, {"name": "new", "value": "x"}]
    run = api("pipelines.start_pipeline", task=source, queue=queue, args=args)["pipeline"]
    found = task(api, run)["hyperparams"]
    values = {name: item["value"] for name, item in found["Args"].items()}
    assert values == {"lr": "0.5", "epochs": "3", "new": "x"}
    assert found["Args"]["lr"]["type"] == "float"
    assert found["General"] == known["General"]


def test_without_a_queue_the_default_one_is_used(api: Api) -> None:
    run = api("pipelines.start_pipeline", task=controller(api))["pipeline"]
    default = api("queues.get_default")["id"]
    assert task(api, run)["execution"]["queue"] == default


def test_whether_the_queue_is_served_is_said_when_asked(api: Api, queue: str) -> None:
    start = "pipelines.start_pipeline"
    answer = api(start, task=controller(api), queue=queue, verify_watched_queue=True)
    assert answer["queue_watched"] is False


def test_an_unknown_pipeline_cannot_start(api: Api) -> None:
    assert refused(api, "pipelines.start_pipeline", task=uuid.uuid4().hex) == (400, 101)


def test_an_unknown_queue_leaves_no_clone_behind(api: Api, project: str) -> None:
    source = controller(api, project=project)
    start = "pipelines.start_pipeline"
    assert refused(api, start, task=source, queue=uuid.uuid4().hex) == (400, 701)
    found = api("tasks.get_all", project=[project], only_fields=["id"])["tasks"]
    assert [t["id"] for t in found] == [source]


def test_a_run_is_deleted_with_its_steps(api: Api, project: str) -> None:
    run = controller(api, project=project)
    step = api("tasks.create", name="step", type="training", parent=run)["id"]
    answer = api("pipelines.delete_runs", project=project, ids=[run])
    assert [done["id"] for done in answer["succeeded"]] == [run]
    assert (exists(api, run), exists(api, step)) == (False, False)


def test_other_runs_stay(api: Api, project: str) -> None:
    first, second = controller(api, project=project), controller(api, project=project)
    api("pipelines.delete_runs", project=project, ids=[first])
    assert exists(api, second)


def test_a_task_of_another_project_is_no_run(api: Api, project: str) -> None:
    stranger = controller(api)
    answer = api("pipelines.delete_runs", project=project, ids=[stranger])
    assert answer["succeeded"] == []
    assert [(f["id"], f["error"]["codes"]) for f in answer["failed"]] == [(stranger, [400, 101])]
    assert exists(api, stranger)


def test_runs_of_an_unknown_project_cannot_be_deleted(api: Api) -> None:
    unknown = uuid.uuid4().hex
    assert refused(api, "pipelines.delete_runs", project=unknown, ids=["x"]) == (400, 401)
