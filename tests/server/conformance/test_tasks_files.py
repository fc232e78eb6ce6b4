"""The addresses of files that a task leaves behind."""

from __future__ import annotations

import json

import pytest

from tests.beds.server import Api
from tests.server.asking import Document
from tests.server.making import new_model, new_task, run

PLOT = {"layout": {"images": [{"source": "http://files/plot.png"}, {"source": "data:image/png"}]}}
EVENTS = ["http://files/1.png", "http://files/2.png", "http://files/plot.png"]


def with_files(api: Api) -> str:
    task = new_task(api)
    api(
        "tasks.add_or_update_artifacts",
        task=task,
        artifacts=[
            {"key": "in", "type": "file", "mode": "input", "uri": "http://files/in"},
            {"key": "out", "type": "file", "mode": "output", "uri": "http://files/out"},
            {"key": "none", "type": "value"},
        ],
    )
    new_model(api, task=task, ready=False, uri="http://files/model")
    image = {"task": task, "type": "training_debug_image", "metric": "m", "variant": "v"}
    plot = {"task": task, "type": "plot", "metric": "p", "variant": "v", "iter": 1}
    api.batch(
        "events.add_batch",
        [
            {**image, "iter": 1, "url": "http://files/1.png"},
            {**image, "iter": 2, "url": "http://files/2.png"},
            {**plot, "plot_str": json.dumps(PLOT)},
            {**plot, "variant": "w", "plot_str": '{"layout": {"images": 5}}'},
        ],
    )
    return run(api, task, "started", "stopped")


@pytest.mark.parametrize("action", ["tasks.reset", "tasks.delete"])
def test_files_of_a_task_are_named_on_request(api: Api, action: str) -> None:
    answer = api(action, task=with_files(api), force=True, return_file_urls=True)
    assert answer["urls"] == {
        "model_urls": ["http://files/model"],
        "event_urls": EVENTS,
        "artifact_urls": ["http://files/out"],
    }


@pytest.mark.parametrize("action", ["tasks.reset_many", "tasks.delete_many"])
def test_files_of_many_tasks_are_named_task_by_task(api: Api, action: str) -> None:
    tasks = [with_files(api), new_task(api)]
    answer = api(action, ids=tasks, force=True, return_file_urls=True)
    first, second = (item["urls"] for item in answer["succeeded"])
    assert first["event_urls"] == EVENTS
    assert (second["event_urls"], second["model_urls"], second["artifact_urls"]) == ([], [], [])


@pytest.mark.parametrize(
    ("action", "body"),
    [("tasks.reset", {}), ("tasks.delete", {"force": True, "delete_external_artifacts": False})],
)
def test_files_are_not_named_unasked(api: Api, action: str, body: Document) -> None:
    assert "urls" not in api(action, task=with_files(api), **body)


def test_events_are_gone_after_a_reset(api: Api) -> None:
    task = with_files(api)
    api("tasks.reset", task=task)
    api("tasks.update", task=task, comment="still there")
    assert api("tasks.reset", task=task, return_file_urls=True)["urls"]["event_urls"] == []
