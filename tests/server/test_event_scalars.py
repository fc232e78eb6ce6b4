"""Curves."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.errors import ApiError
from taskyard.server.domain.series import SINGLE
from taskyard.server.jobs import compaction
from taskyard.server.store.events import scalars
from tests.beds.server import Api, Running


@pytest.fixture
def task(api: Api) -> str:
    return make_task(api)


def make_task(api: Api, name: str = "curves") -> str:
    found: str = api("tasks.create", name=name, type="training")["id"]
    return found


def scalar(task: str, iteration: int, value: float | None, **more: Any) -> dict[str, Any]:
    event = {"type": "training_stats_scalar", "task": task, "metric": "loss", "variant": "train"}
    return {**event, "iter": iteration, "value": value, "timestamp": abs(1000 + iteration), **more}


def draw(api: Api, task: str, **more: Any) -> Any:
    return api("events.scalar_metrics_iter_histogram", task=task, **more)


def curve(api: Api, task: str, **more: Any) -> tuple[list[Any], list[float]]:
    found = draw(api, task, **more)["loss"]["train"]
    return found["x"], found["y"]


def compact(server: Running) -> None:
    server.await_(compaction.run(server.server))


def test_curves_are_named_by_metric_and_variant(api: Api, task: str) -> None:
    api.batch(
        "events.add_batch",
        [scalar(task, 0, 1.0), scalar(task, 0, 2.0, metric="acc", variant="test")],
    )

    assert draw(api, task) == {
        "acc": {"test": {"name": "test", "x": [0], "y": [2.0]}},
        "loss": {"train": {"name": "train", "x": [0], "y": [1.0]}},
    }


def test_a_task_without_scalars_has_no_curves(api: Api, task: str) -> None:
    assert draw(api, task) == {}


def test_more_points_than_samples_are_averaged_in_equal_steps(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, i) for i in range(100)])

    x, y = curve(api, task, samples=10)

    assert x == list(range(0, 100, 10))
    assert y == [10 * step + 4.5 for step in range(10)]


def test_a_point_reported_again_overwrites_the_one_before(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 0, 1.0), scalar(task, 1, 1.0)])
    api.batch("events.add_batch", [scalar(task, 1, 5.0), scalar(task, 1, 7.0)])

    assert curve(api, task) == ([0, 1], [1.0, 7.0])


def test_iterations_may_come_in_any_order(api: Api, task: str) -> None:
    for iteration in (5, 1, 3):
        api.batch("events.add_batch", [scalar(task, iteration, float(iteration))])

    assert curve(api, task) == ([1, 3, 5], [1.0, 3.0, 5.0])


def test_a_curve_can_be_drawn_over_time(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 2, 2.0), scalar(task, 1, 1.0)])

    assert curve(api, task, key="timestamp") == ([1001, 1002], [1.0, 2.0])


def test_a_curve_can_be_drawn_over_dates(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 1, 1.0)])

    assert curve(api, task, key="iso_time") == (["1970-01-01T00:00:01.001Z"], [1.0])


def test_only_the_wanted_metrics_are_drawn(api: Api, task: str) -> None:
    for metric in ("loss", "acc"):
        for variant in ("train", "test"):
            api.batch("events.add_batch", [scalar(task, 0, 1.0, metric=metric, variant=variant)])

    found = draw(api, task, metrics=[{"metric": "loss", "variants": ["test"]}])

    assert {m: list(v) for m, v in found.items()} == {"loss": ["test"]}


def test_points_without_a_value_are_not_drawn(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 0, None), scalar(task, 1, 1.0)])

    assert curve(api, task) == ([1], [1.0])


def test_packed_and_fresh_points_make_one_curve(server: Running, api: Api, task: str) -> None:
    for i in range(scalars.LOOSE):
        api.batch("events.add_batch", [scalar(task, i, i)])
    compact(server)
    api.batch("events.add_batch", [scalar(task, 3, 99), scalar(task, 500, 1.0)])

    x, y = curve(api, task)

    assert x == [*range(scalars.LOOSE), 500]
    assert y == [0, 1, 2, 99, *range(4, scalars.LOOSE), 1.0]


def test_packing_again_keeps_what_overwrote(server: Running, api: Api, task: str) -> None:
    for value in (1.0, 2.0):
        for i in range(scalars.LOOSE):
            api.batch("events.add_batch", [scalar(task, i, value)])
        compact(server)

    assert curve(api, task) == (list(range(scalars.LOOSE)), [2.0] * scalars.LOOSE)


def test_a_long_packed_curve_is_a_fair_picture(server: Running, api: Api, task: str) -> None:
    length, samples = 20_000, 100
    for start in range(0, length, 5000):
        api.batch("events.add_batch", [scalar(task, i, i) for i in range(start, start + 5000)])
    compact(server)

    x, y = curve(api, task, samples=samples)

    assert len(x) <= samples
    step = length / samples
    assert all(abs(value - (at + step / 2)) <= step / 2 for at, value in zip(x, y, strict=True))


def test_several_tasks_are_drawn_over_each_other(api: Api) -> None:
    one, two = make_task(api, "first"), make_task(api, "second")
    api.batch("events.add_batch", [scalar(one, 0, 1.0), scalar(two, 0, 2.0)])

    found = api("events.multi_task_scalar_metrics_iter_histogram", tasks=[one, two])

    assert found == {
        "loss": {
            "train": {
                one: {"name": "first", "x": [0], "y": [1.0]},
                two: {"name": "second", "x": [0], "y": [2.0]},
            }
        }
    }


def test_too_many_tasks_cannot_be_compared(api: Api, task: str) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.multi_task_scalar_metrics_iter_histogram", tasks=[task] * 101)

    assert caught.value.kind == (400, 12)


def test_every_point_can_be_read_page_by_page(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, i * 2) for i in range(25)])
    wanted = {"metric": "loss", "variants": ["train"]}

    iters, values, scroll = [], [], None
    while True:
        page = api(
            "events.scalar_metrics_iter_raw",
            task=task,
            metric=wanted,
            batch_size=10,
            count_total=True,
            scroll_id=scroll,
        )
        assert page["total"] == 25
        if not page["returned"]:
            break
        iters += page["variants"]["train"]["iter"]
        values += page["variants"]["train"]["y"]
        scroll = page["scroll_id"]

    assert iters == list(range(25))
    assert values == [i * 2 for i in range(25)]


def test_the_total_is_null_unless_asked_for(api: Api, task: str) -> None:
    page = api("events.scalar_metrics_iter_raw", task=task, metric={"metric": "loss"})

    assert page["total"] is None


def test_raw_points_can_be_read_over_time(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 1, 1.0)])

    page = api(
        "events.scalar_metrics_iter_raw", task=task, metric={"metric": "loss"}, key="timestamp"
    )

    assert page["variants"] == {"train": {"timestamp": [1001], "y": [1.0]}}


def test_single_values_are_apart_from_curves(api: Api, task: str) -> None:
    event = scalar(task, SINGLE, 0.9, metric="Summary", variant="accuracy", timestamp=7)
    api.batch("events.add_batch", [event, scalar(task, 0, 1.0)])

    assert list(draw(api, task)) == ["loss"]
    found = api("events.get_task_single_value_metrics", tasks=[task])["tasks"]
    assert found == [
        {
            "task": task,
            "task_name": "curves",
            "values": [{"metric": "Summary", "variant": "accuracy", "timestamp": 7, "value": 0.9}],
        }
    ]


def test_a_single_value_is_the_last_one_reported(api: Api, task: str) -> None:
    for value in (0.1, 0.2):
        api.batch("events.add_batch", [scalar(task, SINGLE, value)])

    found = api("events.get_task_single_value_metrics", tasks=[task])["tasks"]

    assert [value["value"] for value in found[0]["values"]] == [0.2]


def test_a_single_value_does_not_move_the_last_iteration(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, SINGLE, 0.1)])

    assert api("tasks.get_by_id", task=task)["task"]["last_iteration"] == 0


def test_the_latest_values_are_given_with_their_recent_mean(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, i, i) for i in range(300)])

    found = api("events.get_task_latest_scalar_values", task=task)["metrics"]

    assert found == [
        {
            "name": "loss",
            "variants": [
                {
                    "name": "train",
                    "last_value": 299.0,
                    "last_100_value": 249.5,
                    "last_timestamp": 1299,
                }
            ],
        }
    ]


def test_points_of_a_metric_can_be_read_as_events(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 0, 1.0), scalar(task, 0, 1.0, metric="acc")])

    found = api("events.get_scalar_metric_data", task=task, metric="acc")

    assert [event["metric"] for event in found["events"]] == ["acc"]
    assert (found["returned"], found["total"]) == (1, 1)


def test_scalars_are_listed_by_metric(api: Api, task: str) -> None:
    api.batch("events.add_batch", [scalar(task, 0, 1.0, variant=v) for v in ("b", "a")])

    found = api("events.get_scalar_metrics_and_variants", task=task)

    assert found == {"metrics": {"loss": ["a", "b"]}}


def test_vectors_come_back_by_iteration(api: Api, task: str) -> None:
    event = {"type": "training_stats_vector", "task": task, "metric": "w", "variant": "x"}
    api.batch(
        "events.add_batch",
        [{**event, "iter": 2, "values": [3, 4]}, {**event, "iter": 1, "values": [1, 2]}],
    )

    found = api("events.vector_metrics_iter_histogram", task=task, metric="w", variant="x")

    assert (found["iterations"], found["vectors"]) == ([1, 2], [[1, 2], [3, 4]])
    listed = api("events.get_vector_metrics_and_variants", task=task)
    assert listed == {"metrics": {"w": ["x"]}}
