"""Scripts that leave for an agent of ours."""

from __future__ import annotations

import re
from pathlib import Path

from tests.beds.server import Api
from tests.beds.waiting import until
from tests.e2e.sdk.client import Sdk
from tests.e2e.sdk.yard import wait_for_end


def test_a_script_goes_on_where_an_agent_runs_it(sdk: Sdk, api: Api, working_agent: Path) -> None:
    outcome = sdk.script("remote.py", "--epochs", "2")
    assert "finished on the agent" not in outcome.output
    task = wait_for_end(api, outcome.told["id"], working_agent)
    assert task["status"] == "completed"
    assert task["last_worker"]
    curves = api("events.scalar_metrics_iter_histogram", task=task["id"])
    assert curves["loss"]["train"]["x"] == [0, 1]
    assert "result" in [artifact["key"] for artifact in task["execution"]["artifacts"]]
    log = api("events.get_task_log", task=task["id"], order="asc", batch_size=1000)["events"]
    console = "".join(event["msg"] for event in log)
    assert "so far on the agent" in console
    assert "finished on the agent" in console

    clone = api("tasks.clone", task=task["id"])["id"]
    api(
        "tasks.edit_hyper_params",
        task=clone,
        hyperparams=[{"section": "Settings", "name": "rate", "value": "0.5"}],
    )
    api("tasks.enqueue", task=clone, queue_name="default")
    again = wait_for_end(api, clone, working_agent)
    curves = api("events.scalar_metrics_iter_histogram", task=again["id"])
    assert curves["loss"]["train"]["y"] == [0.5, 0.25]


def test_clearml_task_sends_a_script_to_a_queue(sdk: Sdk, api: Api, working_agent: Path) -> None:
    (sdk.folder / "plain.py").write_text("import sys\nprint('plain', *sys.argv[1:])\n")
    words = ["--project", "remote", "--name", "sent", "--script", "plain.py"]
    words += ["--packages", "clearml", "--args", "x=1", "--queue", "default", "--tags", "sent"]
    outcome = sdk.program("clearml-task", *words)
    found = re.search(r"id=([0-9a-f]{32})", outcome.output)
    assert found, outcome.output
    task = wait_for_end(api, found[1], working_agent)
    assert task["status"] == "completed"
    assert task["hyperparams"]["Args"]["x"]["value"] == "1"
    assert task["tags"] == ["sent"]


def test_an_abort_waits_for_the_function_that_the_code_registered_for_it(
    sdk: Sdk, api: Api, working_agent: Path
) -> None:
    task = sdk.script("aborted.py").told["id"]

    def console() -> str:
        log = api("events.get_task_log", task=task, order="asc", batch_size=1000)["events"]
        return "".join(event["msg"] for event in log)

    until(lambda: "registered" in console(), lambda: f"its beginning: {console()}")
    api("tasks.stop", task=task)
    assert wait_for_end(api, task, working_agent)["status"] == "stopped"
    assert "left in order" in console()
