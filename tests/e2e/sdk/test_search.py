"""Searches for the best parameters, with the search itself on the user's machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.beds.server import Api
from tests.e2e.sdk.client import Sdk


@pytest.mark.parametrize("kind", ["random", "optuna"])
def test_a_search_on_this_machine(sdk: Sdk, api: Api, kind: str) -> None:
    template = sdk.script("template.py").told["id"]
    told = sdk.script("search.py", kind, template, "locally").told
    _expect_found(api, told, template)


def test_a_grid_through_an_agent(sdk: Sdk, api: Api, working_agent: Path) -> None:
    template = sdk.script("template.py").told["id"]
    told = sdk.script("search.py", "grid", template, "queue").told
    _expect_found(api, told, template)
    assert told["values"] == [1.0, 0.0]
    assert told["parameters"][0]["Args/x"] == 2.0
    tried = api("tasks.get_all", parent=[told["id"]])["tasks"]
    assert all(task["last_worker"] for task in tried)


def test_a_search_from_the_vendors_command_line(sdk: Sdk, api: Api) -> None:
    template = sdk.script("template.py").told["id"]
    x = {"name": "Args/x", "type": "DiscreteParameterRange", "values": [1.0, 2.0]}
    y = {"name": "Args/y", "type": "DiscreteParameterRange", "values": [1]}
    sdk.program(
        "clearml-param-search",
        *["--project-name", "search", "--task-name", "from the command line"],
        *["--task-id", template, "--params-search", json.dumps(x), json.dumps(y)],
        *["--objective-metric-title", "quality", "--objective-metric-series", "test"],
        *["--objective-metric-sign", "max", "--optimizer-class", "GridSearch"],
        *["--pool-period-min", "0.02", "--total-max-jobs", "2", "--local"],
        *["--max-iteration-per-job", "10", "--max-number-of-concurrent-tasks", "2"],
    )
    (search,) = api("tasks.get_all", name="^from the command line$")["tasks"]
    tried = api("tasks.get_all", parent=[search["id"]])["tasks"]
    values = [task["hyperparams"]["Args"]["x"]["value"] for task in tried]
    assert sorted(values) == ["1.0", "2.0"]
    assert {task["status"] for task in tried} == {"completed"}


def _expect_found(api: Api, told: dict[str, Any], template: str) -> None:
    assert told["jobs"] == 2
    assert told["details"] == told["best"]
    assert told["values"] == sorted(told["values"], reverse=True)
    tried = api("tasks.get_all", parent=[told["id"]], order_by="name")["tasks"]
    assert {task["id"] for task in tried} == set(told["best"])
    assert {task["status"] for task in tried} == {"completed"}
    search = api("tasks.get_by_id", task=told["id"])["task"]
    assert search["status"] == "completed"
    assert "General" not in api("tasks.get_by_id", task=template)["task"]["hyperparams"]
