"""Searches for the best parameters, with the search itself on the user's machine."""

from __future__ import annotations

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
