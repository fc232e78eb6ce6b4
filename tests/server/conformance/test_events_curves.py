"""Reading curves back: drawn in few points, or raw."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, refused, task_of
from tests.server.making import new_task
from tests.server.reporting import START, scalar, scrolled


def test_curves_are_grouped_by_metric_and_variant(api: Api) -> None:
    task = new_task(api)
    batch = [
        scalar(task, i, i * 2, metric=m, variant=v)
        for i in range(3)
        for m in ("loss", "accuracy")
        for v in ("train", "test")
    ]
    api.batch("events.add_batch", batch)
    found = api("events.scalar_metrics_iter_histogram", task=task)
    assert {metric: set(variants) for metric, variants in found.items()} == {
        "loss": {"train", "test"},
        "accuracy": {"train", "test"},
    }
    assert found["loss"]["test"] == {"name": "test", "x": [0, 1, 2], "y": [0, 2, 4]}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([{"metric": "loss"}], {"loss": ["test", "train"]}),
        ([{"metric": "loss", "variants": []}], {"loss": ["test", "train"]}),
        ([{"metric": "loss", "variants": ["test"]}], {"loss": ["test"]}),
        ([{"metric": "none"}], {}),
        ([], {"accuracy": ["test", "train"], "loss": ["test", "train"]}),
    ],
)
def test_some_curves_are_asked_for(api: Api, wanted: Any, expected: Document) -> None:
    task = new_task(api)
    batch = [
        scalar(task, 1, metric=m, variant=v)
        for m in ("loss", "accuracy")
        for v in ("train", "test")
    ]
    api.batch("events.add_batch", batch)
    found = api("events.scalar_metrics_iter_histogram", task=task, metrics=wanted)
    assert {metric: sorted(variants) for metric, variants in found.items()} == expected


@pytest.mark.parametrize("samples", [1, 5, 10, 50])
def test_a_curve_has_no_more_points_than_samples(api: Api, samples: int) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, i, 1.0) for i in range(100)])
    curve = api("events.scalar_metrics_iter_histogram", task=task, samples=samples)["loss"]["train"]
    assert 0 < len(curve["x"]) <= samples
    assert set(curve["y"]) == {1.0}
    assert all(isinstance(x, int) for x in curve["x"])


def test_curves_can_be_had_whole(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, i) for i in range(7000)])
    found = api("events.scalar_metrics_iter_histogram", task=task, samples=0)
    assert found["loss"]["train"]["x"] == list(range(7000))


@pytest.mark.parametrize(
    ("key", "x"),
    [
        ("iter", [0, 1]),
        ("timestamp", [START, START + 1]),
        ("iso_time", ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.001Z"]),
    ],
)
def test_a_curve_is_drawn_over_each_axis(api: Api, key: str, x: list[Any]) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, i) for i in range(2)])
    found = api("events.scalar_metrics_iter_histogram", task=task, key=key)
    assert found["loss"]["train"]["x"] == x


def test_an_axis_nobody_knows_is_refused(api: Api) -> None:
    task = new_task(api)
    refused((400, 12), api, "events.scalar_metrics_iter_histogram", task=task, key="moon")


def test_curves_of_several_tasks_are_named_after_them(api: Api) -> None:
    tasks = [new_task(api) for _ in range(2)]
    api.batch("events.add_batch", [scalar(task, i) for task in tasks for i in range(3)])
    found = api("events.multi_task_scalar_metrics_iter_histogram", tasks=tasks)
    curves = found["loss"]["train"]
    assert set(curves) == set(tasks)
    for task in tasks:
        assert curves[task]["name"] == task_of(api, task)["name"]
        assert curves[task]["x"] == [0, 1, 2]


def raw_axis(key: str, count: int) -> list[Any]:
    if key == "iso_time":
        return [f"2023-11-14T22:13:20.{i:03}Z" for i in range(count)]
    return [i + (START if key == "timestamp" else 0) for i in range(count)]


@pytest.mark.parametrize("key", ["iter", "timestamp", "iso_time"])
def test_raw_points_are_paged_through(api: Api, key: str) -> None:
    task = new_task(api)
    batch = [scalar(task, i, i, variant=v) for i in range(10) for v in ("a", "b")]
    api.batch("events.add_batch", batch)
    body = {"task": task, "metric": {"metric": "loss"}, "key": key, "batch_size": 7}
    pages = list(scrolled(api, "events.scalar_metrics_iter_raw", count_total=True, **body))
    assert [page["returned"] for page in pages] == [7, 7, 6]
    assert {page["total"] for page in pages} == {20}
    for variant in ("a", "b"):
        found = [x for page in pages for x in page["variants"][variant][key]]
        assert found == raw_axis(key, 10)
        assert [y for page in pages for y in page["variants"][variant]["y"]] == list(range(10))


def test_raw_points_of_some_variants_are_asked_for(api: Api) -> None:
    task = new_task(api)
    batch = [scalar(task, i, i, variant=v) for i in range(3) for v in ("a", "b")]
    api.batch("events.add_batch", batch)
    metric = {"metric": "loss", "variants": ["b"]}
    found = api("events.scalar_metrics_iter_raw", task=task, metric=metric)
    assert set(found["variants"]) == {"b"}
    assert (found["returned"], found["total"]) == (3, None)


def test_raw_points_of_nothing_are_none(api: Api) -> None:
    found = api("events.scalar_metrics_iter_raw", task=new_task(api), metric={"metric": "x"})
    assert (found["variants"], found["returned"]) == ({}, 0)


def test_points_of_a_metric_are_read_as_events(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, 1), scalar(task, 2, metric="other")])
    found = api("events.get_scalar_metric_data", task=task, metric="loss")
    assert [event["metric"] for event in found["events"]] == ["loss"]
    assert (found["returned"], found["total"]) == (1, 1)
    assert found["scroll_id"]
    once = api("events.get_scalar_metric_data", task=task, metric="loss", no_scroll=True)
    assert once.get("scroll_id") is None


def test_the_latest_values_of_all_curves_are_given(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, i, float(i)) for i in range(4)])
    found = api("events.get_task_latest_scalar_values", task=task)["metrics"]
    assert found == [
        {
            "name": "loss",
            "variants": [
                {
                    "name": "train",
                    "last_value": 3.0,
                    "last_100_value": 1.5,
                    "last_timestamp": START + 3,
                }
            ],
        }
    ]


def test_vectors_are_given_by_iteration(api: Api) -> None:
    task = new_task(api)
    vector = {"type": "training_stats_vector", "task": task, "metric": "m", "variant": "v"}
    batch = [{**vector, "iter": i, "values": [i, i + 1]} for i in (2, 1)]
    api.batch("events.add_batch", batch)
    body = {"task": task, "metric": "m", "variant": "v"}
    found = api("events.vector_metrics_iter_histogram", **body)
    assert (found["iterations"], found["vectors"]) == ([1, 2], [[1, 2], [2, 3]])
    assert (found["metric"], found["variant"]) == ("m", "v")
    named = api("events.get_vector_metrics_and_variants", task=task)
    assert named == {"metrics": {"m": ["v"]}}
    refused((400, 11), api, "events.vector_metrics_iter_histogram", task=task, metric="m")
