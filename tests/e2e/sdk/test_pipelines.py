"""Pipelines of functions, of decorated functions and of tasks."""

from __future__ import annotations

from pathlib import Path

from tests.beds.server import Api
from tests.e2e.sdk.client import Sdk
from tests.e2e.sdk.yard import wait_for_end


def test_a_pipeline_of_functions(sdk: Sdk, api: Api) -> None:
    told = sdk.script("pipeline_functions.py").told
    assert told["status"] == dict.fromkeys(["load", "train", "evaluate"], "completed")
    assert told["result"] == [14.0]
    assert told["text"] == "quality 14.0"
    controller = api("tasks.get_by_id", task=told["id"])["task"]
    assert controller["status"] == "completed"
    assert controller["type"] == "controller"
    assert "pipeline" in controller["system_tags"]
    steps = api("tasks.get_all", id=told["steps"], order_by="started")["tasks"]
    assert [step["name"] for step in steps] == ["load", "train", "evaluate"]
    assert {step["parent"] for step in steps} == {told["id"]}
    assert {step["status"] for step in steps} == {"completed"}
    curves = api("events.scalar_metrics_iter_histogram", task=told["id"])
    assert curves["quality"]["test"]["y"] == [14.0]

    again = sdk.script("pipeline_functions.py").told
    assert again["status"]["load"] == "cached"
    assert again["steps"][0] == told["steps"][0]


def test_a_pipeline_of_decorated_functions(sdk: Sdk, api: Api) -> None:
    told = sdk.script("pipeline_decorators.py").told
    assert (told["first"], told["second"], told["total"]) == (11, 12, 23)
    found = api("projects.get_all", name="decorators$", search_hidden=True)["projects"]
    assert [project["name"] for project in found] == ["pipelines/.pipelines/decorators"]


def test_a_pipeline_of_tasks_through_agents(sdk: Sdk, api: Api, working_agent: Path) -> None:
    told = sdk.script("pipeline_tasks.py").told
    controller = wait_for_end(api, told["id"], working_agent)
    assert controller["status"] == "completed"
    steps = api("tasks.get_all", parent=[told["id"]], order_by="started", search_hidden=True)
    first, second = steps["tasks"]
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert second["hyperparams"]["General"]["earlier"]["value"] == first["id"]
    assert first["last_worker"]
