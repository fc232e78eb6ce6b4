"""Adding and deleting events as the protocol has it, and what that changes on tasks."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, refused, task_of
from tests.server.making import new_model, new_task, run

SINGLE_VALUE = -(2**31)
"""The iteration that stands for none."""


def md5(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def scalar(task: str, iteration: int, value: Any = 0.5, **more: Any) -> Document:
    event = {"type": "training_stats_scalar", "task": task, "metric": "loss", "variant": "train"}
    return {**event, "iter": iteration, "value": value, "method": "get", **more}


def line(task: str, msg: str = "hello", **more: Any) -> Document:
    return {"type": "log", "task": task, "msg": msg, "level": "INFO", "method": "get", **more}


def events_of(api: Api, task: str, **query: Any) -> list[Document]:
    found: list[Document] = api("events.get_task_events", task=task, **query)["events"]
    return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- adding --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        {"type": "log", "msg": "text", "level": "ERROR"},
        {"type": "training_stats_scalar", "iter": 1, "metric": "m", "variant": "v", "value": 1.5},
        {
            "type": "training_stats_vector",
            "iter": 1,
            "metric": "m",
            "variant": "v",
            "values": [0.5, 1, 2],
        },
        {
            "type": "training_debug_image",
            "iter": 1,
            "metric": "m",
            "variant": "v",
            "key": "k",
            "url": "http://files/x.png",
        },
        {"type": "plot", "iter": 1, "metric": "m", "variant": "v", "plot_str": '{"data": []}'},
    ],
)
def test_each_type_of_event_comes_back_as_it_was_sent(api: Api, event: Document) -> None:
    task = new_task(api)
    sent = {**event, "task": task, "timestamp": 1_700_000_000_123, "worker": "box"}
    assert api("events.add", **sent)["added"] == 1
    (found,) = events_of(api, task, event_type=event["type"])
    assert {name: found[name] for name in sent} == sent


def test_what_is_not_sent_is_filled_in(api: Api) -> None:
    task, before = new_task(api), now_ms()
    api("events.add", type="log", task=task, msg="x")
    (event,) = events_of(api, task)
    assert before - 1 <= event["timestamp"] <= now_ms() + 1
    assert isinstance(event["worker"], str)


def test_the_worker_is_the_one_of_the_header(api: Api) -> None:
    task = new_task(api)
    body = json.dumps(line(task)).encode()
    headers = {"Content-Type": "application/json-lines", "X-ClearML-Worker": "box-7"}
    api.send("POST", "/events.add_batch", body, headers)
    assert events_of(api, task)[0]["worker"] == "box-7"


def test_one_bad_event_does_not_spoil_a_batch(api: Api) -> None:
    task = new_task(api)
    batch = [
        scalar(task, 1),
        {**scalar(task, 2), "type": "no such type"},
        {**scalar(task, 3), "type": None},
        {**scalar(task, 4), "task": None},
        {**scalar(task, 5), "task": uuid.uuid4().hex},
        {**scalar(task, 6), "iter": 2**70},
        scalar(task, 7),
    ]
    answer = api.batch("events.add_batch", batch)
    assert (answer["added"], answer["errors"]) == (2, 5)
    assert sum(answer["errors_info"].values()) == 5
    assert [event["iter"] for event in events_of(api, task)] == [1, 7]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "log", "msg": "x"},
        {"task": "x" * 32, "type": "log", "msg": "x"},
        {"task": "x" * 32, "msg": "x"},
        {},
    ],
)
def test_when_nothing_is_taken_the_call_fails(api: Api, event: Document) -> None:
    error = refused((400, 131), api, "events.add", **event)
    assert error.data["added"] == 0
    assert error.data["errors"] == 1


def test_the_same_event_again_replaces_the_one_before(api: Api) -> None:
    task = new_task(api)
    plot = {"type": "plot", "task": task, "metric": "m", "variant": "v", "iter": 3}
    for number in range(3):
        text = json.dumps({"data": [number]})
        api.batch("events.add_batch", [scalar(task, 3, number), {**plot, "plot_str": text}])
    found = {event["type"]: event for event in events_of(api, task)}
    assert len(events_of(api, task)) == 2
    assert found["training_stats_scalar"]["value"] == 2
    assert found["plot"]["plot_str"] == '{"data": [2]}'


def test_lines_of_the_console_never_replace_each_other(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [line(task, "same", timestamp=5, iter=1)] * 3)
    assert len(events_of(api, task)) == 3


def test_a_batch_may_be_of_several_tasks(api: Api) -> None:
    tasks = [new_task(api) for _ in range(3)]
    answer = api.batch("events.add_batch", [scalar(task, i) for i in range(4) for task in tasks])
    assert answer["added"] == 12
    assert [len(events_of(api, task)) for task in tasks] == [4, 4, 4]


# --- what it changes on the task -----------------------------------------------------------


def test_a_report_is_a_sign_of_life(api: Api) -> None:
    task = run(api, new_task(api), "started")
    before = task_of(api, task)["last_update"]
    api("events.add", **scalar(task, 10))
    after = task_of(api, task)
    assert after["last_update"] > before
    assert after["last_iteration"] == 10


@pytest.mark.parametrize("metric", [":monitor:machine", ":monitor:gpu"])
def test_readings_of_the_machine_do_not_count_as_iterations(api: Api, metric: str) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, 5), scalar(task, 1000, metric=metric)])
    assert task_of(api, task)["last_iteration"] == 5


def test_the_task_sums_up_each_curve(api: Api) -> None:
    task = new_task(api)
    for values in ([3.0, 7.0], [1.0, 5.0]):
        start = 0 if values[0] == 3.0 else 2
        batch = [scalar(task, start + i, value) for i, value in enumerate(values)]
        api.batch("events.add_batch", batch)
    found = task_of(api, task)["last_metrics"][md5("loss")][md5("train")]
    assert {
        name: found[name]
        for name in (
            "metric",
            "variant",
            "value",
            "min_value",
            "min_value_iteration",
            "max_value",
            "max_value_iteration",
        )
    } == {
        "metric": "loss",
        "variant": "train",
        "value": 5.0,
        "min_value": 1.0,
        "min_value_iteration": 2,
        "max_value": 7.0,
        "max_value_iteration": 1,
    }


def test_tasks_are_ordered_and_filtered_by_what_they_reported(api: Api) -> None:
    tasks = [new_task(api) for _ in range(3)]
    for number, task in enumerate(tasks):
        api("events.add", **scalar(task, 1, float(number)))
    path = f"last_metrics.{md5('loss')}.{md5('train')}.max_value"
    found = api("tasks.get_all", id=tasks, order_by=[f"-{path}"], only_fields=[path])["tasks"]
    assert [task["id"] for task in found] == tasks[::-1]
    assert found[0]["last_metrics"][md5("loss")][md5("train")] == {"max_value": 2.0}
    some = api("tasks.get_all", id=tasks, order_by=[path], **{path: [1, None]})["tasks"]
    assert [task["id"] for task in some] == tasks[1:]


def test_a_number_without_iteration_is_apart_from_curves(api: Api) -> None:
    task = new_task(api)
    point = scalar(task, SINGLE_VALUE, 0.25, metric="Summary", variant="accuracy")
    api.batch("events.add_batch", [point, scalar(task, 3)])

    (found,) = api("events.get_task_single_value_metrics", tasks=[task])["tasks"]
    assert found["task"] == task
    (value,) = found["values"]
    assert (value["metric"], value["variant"], value["value"]) == ("Summary", "accuracy", 0.25)
    assert set(api("events.scalar_metrics_iter_histogram", task=task)) == {"loss"}
    raw = api("events.scalar_metrics_iter_raw", task=task, metric={"metric": "Summary"})
    assert raw["variants"]["accuracy"]["iter"] == [SINGLE_VALUE]
    points = api("events.get_scalar_metric_data", task=task, metric="Summary")["events"]
    assert [point["iter"] for point in points] == [SINGLE_VALUE]
    assert task_of(api, task)["last_iteration"] == 3

    api("events.add", **{**point, "value": 0.75})
    (found,) = api("events.get_task_single_value_metrics", tasks=[task])["tasks"]
    assert [value["value"] for value in found["values"]] == [0.75]

    api("events.delete_for_task", task=task)
    assert api("events.get_task_single_value_metrics", tasks=[task])["tasks"] == []


# --- published tasks, models, deleting -----------------------------------------------------


def published(api: Api) -> str:
    return run(api, new_task(api), "started", "stopped", "publish")


def test_a_published_task_takes_events_only_from_those_who_insist(api: Api) -> None:
    task = published(api)
    refused((400, 131), api, "events.add", **scalar(task, 1))
    assert api("events.add", **scalar(task, 1), allow_locked=True)["added"] == 1
    assert len(events_of(api, task)) == 1


def test_events_of_a_published_task_are_kept_from_deletion(api: Api) -> None:
    task = published(api)
    api("events.add", **scalar(task, 1), allow_locked=True)
    refused((400, 101), api, "events.delete_for_task", task=task)
    assert api("events.delete_for_task", task=task, allow_locked=True) == {"deleted": True}
    assert events_of(api, task) == []


@pytest.mark.parametrize(
    ("action", "field", "kind"),
    [
        ("events.delete_for_task", "task", (400, 101)),
        ("events.delete_for_model", "model", (400, 201)),
        ("events.clear_task_log", "task", (400, 101)),
    ],
)
def test_nothing_is_deleted_of_what_is_not_there(
    api: Api, action: str, field: str, kind: tuple[int, int]
) -> None:
    refused(kind, api, action, **{field: uuid.uuid4().hex})


def test_a_reset_takes_all_events_along(api: Api) -> None:
    task = run(api, new_task(api), "started")
    api.batch("events.add_batch", [line(task), scalar(task, 4)])
    run(api, task, "stopped", "reset")
    assert events_of(api, task) == []
    assert api("events.scalar_metrics_iter_histogram", task=task) == {}
    found = task_of(api, task)
    assert (found["last_iteration"], found["last_metrics"]) == (0, {})


def test_a_clone_has_no_events(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [line(task), scalar(task, 4)])
    clone = api("tasks.clone", task=task)["id"]
    assert events_of(api, clone) == []
    assert task_of(api, clone)["last_metrics"] == {}


def test_a_model_has_events_of_its_own(api: Api) -> None:
    task = new_task(api)
    model = new_model(api, ready=False, task=task)
    answer = api.batch("events.add_batch", [{**scalar(model, 2, 5), "model_event": True}])
    assert answer["added"] == 1
    assert events_of(api, task) == []
    (event,) = events_of(api, model, model_events=True)
    assert (event["value"], event["iter"]) == (5, 2)
    curves = api("events.scalar_metrics_iter_histogram", task=model, model_events=True)
    assert curves["loss"]["train"]["y"] == [5]
    found = api("models.get_by_id", model=model)["model"]
    assert found["last_metrics"][md5("loss")][md5("train")]["value"] == 5
    assert api("events.delete_for_model", model=model) == {"deleted": True}
    assert events_of(api, model, model_events=True) == []


def test_a_model_has_no_console(api: Api) -> None:
    model = new_model(api, ready=False)
    refused((400, 131), api, "events.add", **line(model), model_event=True)


@pytest.mark.parametrize(
    ("threshold", "left"), [(None, []), (0, []), (3600, ["new"]), (10**6, ["old", "new"])]
)
def test_old_lines_of_the_console_are_cleared(
    api: Api, threshold: int | None, left: list[str]
) -> None:
    task = new_task(api)
    old, new = now_ms() - 100_000_000, now_ms()
    batch = [line(task, "old", timestamp=old), line(task, "new", timestamp=new), scalar(task, 1)]
    api.batch("events.add_batch", batch)
    answer = api("events.clear_task_log", task=task, threshold_sec=threshold)
    assert answer == {"deleted": 2 - len(left)}
    kept = api("events.get_task_log", task=task, order="asc")["events"]
    assert [event["msg"] for event in kept] == left
    assert len(events_of(api, task, event_type="training_stats_scalar")) == 1
