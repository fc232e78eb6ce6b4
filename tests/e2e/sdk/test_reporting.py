"""What a script reports arrives, and the SDK reads the same back."""

from __future__ import annotations

import json
from typing import Any

from tests.beds.server import Api, Running
from tests.e2e.sdk.client import Sdk


def test_scalars_and_single_values(sdk: Sdk, api: Api) -> None:
    told = sdk.script("scalars.py").told
    assert set(told["scalars"]) == {"loss", "accuracy"}
    train = told["scalars"]["loss"]["train"]
    assert train["x"] == list(range(10))
    assert train["y"][9] == 0.1
    assert len(told["sampled"]["loss"]["train"]["x"]) <= 2
    assert told["by_time"]["loss"]["train"]["x"][0] > 1e12
    assert told["all"]["loss"]["test"]["y"][0] == 2
    assert told["single"] == {"best loss": 0.1, "epochs": 10}
    assert told["one"] == 10
    assert told["last"]["loss"]["train"] == {"last": 0.1, "min": 0.1, "max": 1.0}
    assert told["iteration"] == 9
    task = api("tasks.get_by_id", task=told["id"])["task"]
    assert task["status"] == "completed"
    assert task["last_iteration"] == 9
    values = api("events.get_task_single_value_metrics", tasks=[told["id"]])["tasks"][0]["values"]
    assert {value["variant"]: value["value"] for value in values} == {
        "best loss": 0.1,
        "epochs": 10,
    }


def test_plots_of_every_kind(sdk: Sdk, api: Api) -> None:
    told = sdk.script("plots.py").told
    plots = {(plot["metric"], plot["variant"]) for plot in told["plots"]}
    assert plots >= {
        ("histogram", "counts"),
        ("vector", "values"),
        ("scatter", "2d"),
        ("scatter", "3d"),
        ("line", "lines"),
        ("line plot", ""),
        ("confusion", "test"),
        ("matrix", "test"),
        ("surface", "test"),
        ("table", "pandas"),
        ("table", "rows"),
        ("plotly", "bars"),
    }
    stored = api("events.get_task_plots", task=told["id"], iters=10, no_scroll=True)["plots"]
    assert {(plot["metric"], plot["variant"]) for plot in stored} == plots
    assert all(json.loads(plot["plot_str"])["data"] for plot in stored)
    over_time = [plot["iter"] for plot in stored if plot["metric"] == "over time"]
    assert sorted(over_time) == [0, 1, 2]
    bars = next(plot for plot in stored if plot["metric"] == "plotly")
    assert json.loads(bars["plot_str"])["data"][0]["type"] == "bar"


def test_images_and_media(sdk: Sdk, api: Api) -> None:
    told = sdk.script("media.py").told
    assert sorted(sample["iter"] for sample in told["samples"]) == [0, 1, 2]
    assert told["link"][0]["url"] == "https://example.com/picture.png"
    urls = {event["variant"]: event["url"] for event in _images(api, told["id"])}
    assert set(urls) == {"array ü", "floats", "pillow", "file", "link", "page", "sound"}
    assert _download(api, urls["file"]).startswith(b"\x89PNG")
    assert _download(api, urls["page"]) == "<b>grüße</b>".encode()
    assert _download(api, urls["sound"]).startswith(b"RIFF")


def test_console(sdk: Sdk, api: Api) -> None:
    told = sdk.script("console.py").told
    console = "".join(told["console"])
    log = api("events.get_task_log", task=told["id"], order="asc", batch_size=5000)["events"]
    stored = "\n".join(event["msg"] for event in log)
    for text in (console, stored):
        assert "printed line" in text
        assert "grüße, 你好 🎉" in text
        assert "to the other stream" in text
        assert "logged as a warning" in text
        assert "reported text" in text
        assert "progress 2" in text
        positions = [text.index(f"line {number}\n") for number in range(100, 499)]
        assert positions == sorted(positions)
    assert "not on the terminal" in stored


def _images(api: Api, task: str) -> list[dict[str, Any]]:
    found = api("events.debug_images", metrics=[{"task": task}], iters=5)["metrics"][0]
    return [event for each in found["iterations"] for event in each["events"]]


def _download(api: Api, url: str) -> bytes:
    running: Running = api.running
    assert url.startswith(f"{running.url}/files/")
    answer = api.send("GET", url.removeprefix(running.url))
    assert answer.status == 200
    return bytes(answer.body)
