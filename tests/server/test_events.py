"""Taking events, and what they change on the task."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


def md5(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


@pytest.fixture
def task(api: Api) -> str:
    return make_task(api)


def make_task(api: Api) -> str:
    found: str = api("tasks.create", name="reports", type="training")["id"]
    return found


def make_model(api: Api, **more: Any) -> str:
    made = api("models.create", name="model", uri="file:///m", ready=False, **more)
    found: str = made["id"]
    return found


def scalar(task: str, iteration: int | None, value: Any, **more: Any) -> dict[str, Any]:
    event = {"type": "training_stats_scalar", "task": task, "metric": "loss", "variant": "train"}
    return {**event, "iter": iteration, "value": value, **more}


def log(task: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "log", "task": task, "msg": text, "level": "INFO", **more}


def fields(api: Api, task: str) -> Any:
    return api("tasks.get_by_id", task=task)["task"]


def summary(api: Api, task: str, metric: str = "loss", variant: str = "train") -> Any:
    return fields(api, task)["last_metrics"][md5(metric)][md5(variant)]


def test_a_batch_says_how_many_events_were_added(api: Api, task: str) -> None:
    answer = api.batch("events.add_batch", [log(task, "one"), log(task, "two")])

    assert answer == {"added": 2, "errors": 0, "errors_info": {}}


def test_a_single_event_can_be_added(api: Api, task: str) -> None:
    assert api("events.add", **log(task, "one"))["added"] == 1


def test_the_extra_fields_of_clients_are_not_kept(api: Api, task: str) -> None:
    api.batch("events.add_batch", [log(task, "one", method="get", allow_locked=None)])

    event = api("events.get_task_log", task=task)["events"][0]
    assert {"method", "allow_locked"}.isdisjoint(event)


def test_an_empty_batch_is_refused(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api.batch("events.add_batch", [])

    assert caught.value.kind == (400, 17)


def test_refused_events_are_counted_by_reason(api: Api, task: str) -> None:
    answer = api.batch(
        "events.add_batch",
        [log(task, "good"), {"task": task}, {"type": "song", "task": task}, {"type": "log"}],
    )

    assert (answer["added"], answer["errors"]) == (1, 3)
    assert sum(answer["errors_info"].values()) == 3


@pytest.mark.parametrize(
    "event",
    [
        "no object",
        {"msg": "no type"},
        {"type": "song"},
        {"type": "log", "task": ""},
        {"type": "log", "task": "0" * 32},
        {"type": "log", "iter": 2**63},
        {"type": "log", "iter": -(2**63) - 1},
        {"type": "log", "iter": "many"},
        {"type": "log", "timestamp": "yesterday"},
        {"type": "training_stats_scalar", "value": "high"},
        {"type": "log", "model_event": True},
    ],
)
def test_when_no_event_is_taken_the_whole_batch_is_an_error(
    api: Api, task: str, event: Any
) -> None:
    if isinstance(event, dict):
        event = {"task": task, **event}

    with pytest.raises(ApiError) as caught:
        api.batch("events.add_batch", [event])

    assert caught.value.kind == (400, 131)


def test_time_and_worker_are_filled_in(api: Api, task: str) -> None:
    before = int(time.time() * 1000)

    headers = {"X-ClearML-Worker": "box:0", "Content-Type": "application/json-lines"}
    api.send("POST", "/events.add_batch", b'{"type":"log","task":"%s"}' % task.encode(), headers)

    event = api("events.get_task_log", task=task)["events"][0]
    assert event["worker"] == "box:0"
    assert before <= event["timestamp"] <= time.time() * 1000


def test_a_published_task_takes_no_events(api: Api, task: str) -> None:
    api("tasks.started", task=task)
    api("tasks.stopped", task=task)
    api("tasks.publish", task=task)

    with pytest.raises(ApiError) as caught:
        api.batch("events.add_batch", [log(task, "late")])

    assert caught.value.kind == (400, 131)


def test_a_published_task_takes_events_that_insist(api: Api, task: str) -> None:
    api("tasks.started", task=task)
    api("tasks.stopped", task=task)
    api("tasks.publish", task=task)

    assert api.batch("events.add_batch", [log(task, "late", allow_locked=True)])["added"] == 1


def test_the_last_iteration_is_the_greatest(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 7, 1), scalar(task, 3, 1)])
    api.batch("events.add_batch", [scalar(task, 5, 1)])

    assert fields(api, task)["last_iteration"] == 7


@pytest.mark.parametrize("metric", [":monitor:machine", ":monitor:gpu"])
def test_readings_of_the_machine_are_no_iterations(api: Api, task: str, metric: str) -> None:
    api.batch("events.add_batch", [scalar(task, 3, 1), scalar(task, 900, 50, metric=metric)])

    assert fields(api, task)["last_iteration"] == 3


def test_a_task_that_reports_is_updated(api: Api, task: str) -> None:
    before = fields(api, task)["last_update"]

    api.batch("events.add_batch", [log(task, "alive")])

    assert fields(api, task)["last_update"] > before


def test_the_task_carries_a_summary_of_its_scalars(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, v) for i, v in enumerate([5.0, 1.0, 9.0, 3.0])])

    assert summary(api, task) == {
        "metric": "loss",
        "variant": "train",
        "value": 3.0,
        "min_value": 1.0,
        "min_value_iteration": 1,
        "max_value": 9.0,
        "max_value_iteration": 2,
        "first_value": 5.0,
        "first_value_iteration": 0,
        "count": 4,
        "mean_value": 4.5,
    }


def test_the_summary_goes_on_with_later_batches(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 0, 5.0)])
    api.batch("events.add_batch", [scalar(task, 1, 7.0)])

    found = summary(api, task)
    assert (found["value"], found["min_value"], found["max_value"]) == (7.0, 5.0, 7.0)


def test_a_summary_leaves_the_rest_of_the_task_alone(api: Api, task: str) -> None:
    name = "a.b$c%d"
    params = {"Args": {name: {"section": "Args", "name": name, "value": "1"}}}
    api("tasks.edit", task=task, hyperparams=params, runtime={"x": 1})

    api.batch("events.add_batch", [scalar(task, 0, 5.0, metric="m.$x", variant="é\"'")])

    assert fields(api, task)["hyperparams"] == params
    assert summary(api, task, "m.$x", "é\"'")["value"] == 5.0


def test_the_label_of_the_axis_travels_with_the_summary(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 0, 5.0, x_axis_label="epoch")])

    assert summary(api, task)["x_axis_label"] == "epoch"


def test_thousands_of_events_of_several_tasks_fit_in_a_batch(api: Api) -> None:
    tasks = [make_task(api) for _ in range(3)]

    answer = api.batch(
        "events.add_batch",
        [scalar(task, i, i, variant=f"v{i % 10}") for i in range(2000) for task in tasks],
    )

    assert answer["added"] == 6000
    assert [fields(api, task)["last_iteration"] for task in tasks] == [1999] * 3


def test_a_reset_task_has_no_events(api: Api, task: str) -> None:
    api.batch("events.add_batch", [log(task, "old"), scalar(task, 1, 1)])
    api("tasks.started", task=task)

    api("tasks.reset", task=task, force=True)

    assert api("events.get_task_log", task=task)["total"] == 0
    assert api("events.scalar_metrics_iter_histogram", task=task) == {}


def test_events_after_a_reset_are_kept(api: Api, task: str) -> None:
    api.batch("events.add_batch", [log(task, "old")])
    api("tasks.started", task=task)
    api("tasks.reset", task=task, force=True)

    api.batch("events.add_batch", [log(task, "new")])

    assert [e["msg"] for e in api("events.get_task_log", task=task)["events"]] == ["new"]


# Models


def test_events_can_be_those_of_a_model(api: Api) -> None:
    model = make_model(api)

    api.batch("events.add_batch", [scalar(model, 4, 2.5, model_event=True)])

    drawn = api("events.scalar_metrics_iter_histogram", task=model, model_events=True)
    assert drawn == {"loss": {"train": {"name": "train", "x": [4], "y": [2.5]}}}


def test_a_model_carries_last_iteration_and_summary(api: Api) -> None:
    model = make_model(api)

    api.batch("events.add_batch", [scalar(model, 4, 2.5, model_event=True)])

    found = api("models.get_all", id=[model], only_fields=["last_iteration", "last_metrics"])
    assert found["models"][0]["last_iteration"] == 4
    assert found["models"][0]["last_metrics"][md5("loss")][md5("train")]["value"] == 2.5


def test_a_ready_model_takes_no_events(api: Api) -> None:
    model = make_model(api)
    api("models.set_ready", model=model)

    with pytest.raises(ApiError) as caught:
        api.batch("events.add_batch", [scalar(model, 4, 2.5, model_event=True)])

    assert caught.value.kind == (400, 131)


def test_a_model_is_no_task(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.scalar_metrics_iter_histogram", task=make_model(api))

    assert caught.value.kind == (400, 101)


def test_what_is_no_model_is_said_to_be_none(api: Api, task: str) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.get_task_plots", task=task, model_events=True)

    assert caught.value.kind == (400, 201)


def test_events_of_a_model_can_be_deleted(api: Api) -> None:
    model = make_model(api)
    api.batch("events.add_batch", [scalar(model, 4, 2.5, model_event=True)])

    assert api("events.delete_for_model", model=model) == {"deleted": True}
    assert api("events.scalar_metrics_iter_histogram", task=model, model_events=True) == {}


# Deleting


def test_events_of_a_task_can_be_deleted(api: Api, task: str) -> None:
    other = make_task(api)
    api.batch("events.add_batch", [log(task, "a"), log(other, "b"), scalar(task, 1, 1)])

    api("events.delete_for_task", task=task)

    assert api("events.get_task_events", task=task)["total"] == 0
    assert api("events.get_task_log", task=other)["total"] == 1


def test_events_of_a_published_task_are_deleted_only_on_insistence(api: Api, task: str) -> None:
    api.batch("events.add_batch", [log(task, "a")])
    api("tasks.started", task=task)
    api("tasks.stopped", task=task)
    api("tasks.publish", task=task)

    with pytest.raises(ApiError) as caught:
        api("events.delete_for_task", task=task)

    assert caught.value.kind == (400, 101)
    assert api("events.delete_for_task", task=task, allow_locked=True)["deleted"] is True


# Reading back


def test_events_are_read_back_by_iteration(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, i) for i in (3, 1, 2)])

    found = api("events.get_task_events", task=task)

    assert [event["iter"] for event in found["events"]] == [1, 2, 3]
    assert (found["returned"], found["total"]) == (3, 3)


def test_events_are_read_back_in_the_other_direction(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, i) for i in (3, 1, 2)])

    found = api("events.get_task_events", task=task, order="desc")

    assert [event["iter"] for event in found["events"]] == [3, 2, 1]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_together_hold_every_event_once(api: Api, task: str, order: str) -> None:
    sent = [scalar(task, i, 0, variant=v) for i in range(40) for v in ("a", "b")]
    sent += [{"type": "plot", "task": task, "metric": "p", "iter": i} for i in range(0, 40, 7)]
    sent += [log(task, str(i), timestamp=i) for i in range(10)]
    for start in range(0, len(sent), 25):
        api.batch("events.add_batch", sent[start : start + 25])

    found, scroll = [], None
    while True:
        page = api("events.get_task_events", task=task, batch_size=9, scroll_id=scroll, order=order)
        if not page["returned"]:
            break
        found += page["events"]
        scroll = page["scroll_id"]

    assert len(found) == page["total"] == len(sent)
    assert len({str(sorted(event.items(), key=str)) for event in found}) == len(sent)


def test_a_page_asked_for_again_is_the_same_page(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, i) for i in range(10)])
    scroll = api("events.get_task_events", task=task, batch_size=3)["scroll_id"]

    first, second = (
        api("events.get_task_events", task=task, batch_size=3, scroll_id=scroll) for _ in range(2)
    )

    assert first == second


def test_an_overwritten_point_is_counted_and_delivered_once(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, 0) for i in range(5)])
    api.batch("events.add_batch", [scalar(task, i, 1) for i in range(3, 8)])

    found = api("events.get_task_events", task=task)

    assert found["returned"] == found["total"] == 8
    assert [event["value"] for event in found["events"]] == [0, 0, 0, 1, 1, 1, 1, 1]


def test_a_foreign_scroll_id_is_refused(api: Api, task: str) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.get_task_events", task=task, scroll_id="no such thing")

    assert caught.value.kind == (400, 1104)


def test_a_scroll_can_be_given_up(api: Api, task: str) -> None:
    scroll = api("events.get_task_events", task=task)["scroll_id"]

    assert api("events.clear_scroll", scroll_id=scroll) == {}


def test_one_type_of_events_can_be_asked_for(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 1, 1), log(task, "x")])

    found = api("events.get_task_events", task=task, event_type="log")

    assert [event["type"] for event in found["events"]] == ["log"]


def test_an_unknown_task_is_named_in_the_error(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.get_task_events", task="0" * 32)

    assert caught.value.kind == (400, 101)


def test_metrics_are_named_by_task_and_type(api: Api, task: str) -> None:
    other = make_task(api)
    api.batch(
        "events.add_batch",
        [
            scalar(task, 1, 1, metric="b"),
            scalar(task, 1, 1, metric="a"),
            log(task, "x", metric="c"),
        ],
    )

    found = api("events.get_task_metrics", tasks=[task, other], event_type="training_stats_scalar")

    assert found["metrics"] == [
        {"task": task, "metrics": ["a", "b"]},
        {"task": other, "metrics": []},
    ]


def test_lines_of_the_console_may_belong_to_a_metric(api: Api, task: str) -> None:
    api.batch("events.add_batch", [log(task, "x", metric="c")])

    found = api("events.get_task_metrics", tasks=[task], event_type="log")

    assert found["metrics"] == [{"task": task, "metrics": ["c"]}]


def test_metrics_of_several_tasks_are_named_with_their_variants(api: Api, task: str) -> None:
    other = make_task(api)
    api.batch("events.add_batch", [scalar(task, 1, 1), scalar(other, 1, 1, variant="test")])

    found = api("events.get_multi_task_metrics", tasks=[task, other])

    assert found["metrics"] == [{"metric": "loss", "variants": ["test", "train"]}]
