"""What runs beside the tasks: schedules, plain API calls, sessions without a server."""

from __future__ import annotations

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api
from tests.e2e.sdk.client import Sdk


@pytest.fixture
def unserved(api: Api) -> str:
    """A queue that no agent takes from."""
    found = api("queues.get_all", name="^unserved$")["queues"]
    return str(found[0]["id"] if found else api("queues.create", name="unserved")["id"])


def test_a_scheduler_starts_a_task(sdk: Sdk, api: Api, unserved: str) -> None:
    told = sdk.script("scheduled.py").told
    started = api("tasks.get_by_id", task=told["started"][0])["task"]
    assert started["execution"]["queue"] == unserved
    assert started["parent"] == told["template"]
    assert started["hyperparams"]["Args"]["by"]["value"] == "scheduler"


def test_triggers_call_a_function_and_start_a_task(sdk: Sdk, api: Api, unserved: str) -> None:
    told = sdk.script("triggers.py").told
    assert set(told["called"]) <= set(told["ended"])
    started = api("tasks.get_by_id", task=told["started"][0])["task"]
    assert started["execution"]["queue"] == unserved
    assert started["parent"] == told["template"]
    assert started["hyperparams"]["Args"]["of"]["value"] in told["ended"]


def test_a_session_without_a_server_is_imported(sdk: Sdk, api: Api) -> None:
    session = sdk.script("offline.py", CLEARML_API_HOST="http://127.0.0.1:9").told["session"]
    imported = sdk.script("offline.py", session).told["imported"]
    task = api("tasks.get_by_id", task=imported)["task"]
    assert task["hyperparams"]["General"]["rate"]["value"] == "0.1"
    assert [artifact["key"] for artifact in task["execution"]["artifacts"]] == ["settings"]
    curves = api("events.scalar_metrics_iter_histogram", task=imported)
    assert curves["loss"]["train"]["y"] == [0, 1, 2]
    assert api("events.get_task_plots", task=imported, no_scroll=True)["plots"]
    log = api("events.get_task_log", task=imported, batch_size=1000)["events"]
    assert "printed offline" in "".join(event["msg"] for event in log)


def test_plain_calls_of_the_api(sdk: Sdk, api: Api) -> None:
    told = sdk.script("client_queries.py").told
    first, second, third = told["ids"]
    assert told["order"] == [third, first, second]
    assert told["taken"] == third
    assert told["statuses"] == ["queued", "queued", "completed"]
    assert [(task["id"], task["name"]) for task in told["only"]] == [(first, "task 0")]
    assert told["projects"] == told["queues"] == ["client queries"]
    assert told["project_fields"] == "by hand"
    assert "101" in told["missing"]
    assert api("tasks.get_by_id", task=first)["task"]["status"] == "created"
    with pytest.raises(ApiError):
        api("queues.get_by_id", queue=told["queue"])
