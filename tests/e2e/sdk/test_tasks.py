"""The life of tasks as the SDK steers it."""

from __future__ import annotations

import threading

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api
from tests.e2e.sdk.client import Outcome, Sdk


def test_the_life_of_a_task_and_queries(sdk: Sdk, api: Api) -> None:
    api("queues.create", name="lifecycle")  # that no agent takes from
    told = sdk.script("lifecycle.py").told
    template, clone = told["template"], told["clone"]
    assert (told["created"], told["parent"]) == ("created", template)
    assert told["parameters"] == {"Args/x": "1"}
    assert (told["queued"], told["waiting"], told["dequeued"]) == ("queued", 1, "created")
    assert told["started"] == "in_progress"
    assert (told["stopped"], told["message"]) == ("stopped", "enough")
    assert (told["reset"], told["scalars"]) == ("created", {})
    assert (told["failed"], told["reason"]) == ("failed", "reason")
    assert (told["completed"], told["published"]) == ("completed", "published")
    assert told["by_name"] == template
    assert set(told["tasks"]) == {template, clone}
    assert told["ids"] == [clone]
    assert told["ordered"] == [template, clone]
    assert told["fields"] == [{"id": clone, "name": "clone", "status": "published"}]
    assert told["pattern"] == [clone]
    assert set(told["by_type"]) == {template, clone}
    assert told["projects"] == ["lifecycle"]
    assert told["without_archived"] == [clone]
    task = api("tasks.get_by_id", task=clone)["task"]
    assert (task["status"], task["parent"], task["comment"]) == ("published", template, "cloned")
    assert "archived" in api("tasks.get_by_id", task=template)["task"]["system_tags"]


def test_a_script_that_runs_again_uses_its_task_again_or_goes_on(sdk: Sdk, api: Api) -> None:
    first = sdk.script("again.py", "{}").told
    assert first["curve"] == [0, 1, 2]
    fresh = sdk.script("again.py", '{"reuse_last_task_id": false}').told
    assert fresh["id"] != first["id"]
    going_on = sdk.script("again.py", '{"continue_last_task": true}').told
    assert going_on["id"] == fresh["id"]
    assert going_on["curve"] == [0, 1, 2, 3, 4, 5]
    named = sdk.script("again.py", f'{{"continue_last_task": "{first["id"]}"}}', "twice").told
    assert named["id"] == first["id"]
    assert named["second"] != first["id"]
    assert api("tasks.get_by_id", task=first["id"])["task"]["last_iteration"] == 5
    over = sdk.script("again.py", f'{{"reuse_last_task_id": "{fresh["id"]}"}}').told
    assert over["id"] == fresh["id"]
    assert over["curve"] == [0, 1, 2]


def test_an_exception_fails_the_task(sdk: Sdk, api: Api) -> None:
    outcome = sdk.script("broken.py", check=False)
    assert outcome.code == 1
    task = api("tasks.get_by_id", task=outcome.told["id"])["task"]
    assert task["status"] == "failed"
    log = api("events.get_task_log", task=task["id"], order="asc", batch_size=100)["events"]
    assert "broken on purpose" in "".join(event["msg"] for event in log)


def test_a_script_on_its_users_machine_stops_when_the_server_says_so(sdk: Sdk, api: Api) -> None:
    ended: list[Outcome] = []
    run = threading.Thread(target=lambda: ended.append(sdk.script("stopped.py", check=False)))
    run.start()
    told = sdk.wait_told()
    api("tasks.stop", task=told["id"])
    run.join(60)
    assert ended
    assert ended[0].code != 0
    task = api("tasks.get_by_id", task=told["id"])["task"]
    assert task["status"] == "stopped"


def test_the_processes_of_a_pool_report_to_one_task(sdk: Sdk, api: Api) -> None:
    sdk.default_reporting()
    told = sdk.script("spread.py").told
    curves = api("events.scalar_metrics_iter_histogram", task=told["id"])
    assert set(curves["work"]) == {f"part {number}" for number in range(4)}
    assert curves["work"]["part 3"]["y"] == [3]
    assert api("tasks.get_by_id", task=told["id"])["task"]["status"] == "completed"


def test_deleting_a_task_deletes_its_files_and_models(sdk: Sdk, api: Api) -> None:
    told = sdk.script("deleted.py").told
    assert told["before"] == [True, True]
    assert told["deleted"] is True
    assert told["after"] == [False, False]
    with pytest.raises(ApiError):
        api("tasks.get_by_id", task=told["id"])
    with pytest.raises(ApiError):
        api("models.get_by_id", model=told["model"])


def test_tasks_from_scripts_repositories_and_functions(sdk: Sdk, api: Api) -> None:
    told = sdk.script("created.py").told
    script = api("tasks.get_by_id", task=told["script"])["task"]
    assert "trained" in script["script"]["diff"]
    assert script["script"]["requirements"]["pip"].split() == ["six==1.17.0", "clearml"]
    assert script["container"]["image"] == "python:3.11"
    assert script["hyperparams"]["Args"]["epochs"]["value"] == "3"
    repository = api("tasks.get_by_id", task=told["repository"])["task"]
    assert repository["script"]["repository"] == "https://example.com/team/repo.git"
    assert repository["script"]["version_num"].startswith("0123456789")
    assert repository["script"]["working_dir"] == "src"
    function = api("tasks.get_by_id", task=told["function"])["task"]
    assert function["parent"]
    imported = api("tasks.get_by_id", task=told["imported"])["task"]
    assert imported["script"] == script["script"]
    assert imported["hyperparams"] == script["hyperparams"]
