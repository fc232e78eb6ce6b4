"""Plots and debug images as the protocol has them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, refused, task_of
from tests.server.making import new_model, new_task


def image(
    task: str, iteration: int, metric: str = "m", variant: str = "v", **more: Any
) -> Document:
    url = f"http://files/{metric}_{variant}_{iteration}.png"
    event = {"type": "training_debug_image", "task": task, "key": f"{metric} {variant}"}
    return {**event, "iter": iteration, "metric": metric, "variant": variant, "url": url, **more}


def plot(task: str, iteration: int, metric: str = "m", variant: str = "v", **more: Any) -> Document:
    text = json.dumps({"data": [iteration], "layout": {"title": variant}})
    event = {"type": "plot", "task": task, "iter": iteration, "metric": metric, "variant": variant}
    return {**event, "plot_str": text, **more}


def shown(answer: Document, index: int = 0) -> list[tuple[int, list[str]]]:
    """Iterations with their variants."""
    return [
        (one["iter"], sorted(event["variant"] for event in one["events"]))
        for one in answer["metrics"][index]["iterations"]
    ]


def iterations(answer: Document) -> list[int]:
    return [one["iter"] for one in answer["metrics"][0]["iterations"]]


# --- debug images, by iteration ------------------------------------------------------------


def test_a_task_without_images_is_listed_without_iterations(api: Api) -> None:
    task = new_task(api)
    answer = api("events.debug_images", metrics=[{"task": task}], iters=5)
    assert answer["metrics"] == [{"task": task, "iterations": []}]
    assert answer["scroll_id"]


def test_images_are_leafed_through_back_and_forth(api: Api) -> None:
    task = new_task(api)
    batch = [image(task, i, variant=v) for i in range(10) for v in ("a", "b")]
    api.batch("events.add_batch", batch)

    def leaf(scroll_id: str | None, *, earlier: bool = True, refresh: bool = False) -> Document:
        found: Document = api(
            "events.debug_images",
            metrics=[{"task": task, "metric": "m"}],
            iters=4,
            navigate_earlier=earlier,
            refresh=refresh,
            scroll_id=scroll_id,
        )
        return found

    answer = leaf(None)
    scroll_id = answer["scroll_id"]
    assert shown(answer) == [(i, ["a", "b"]) for i in (9, 8, 7, 6)]
    assert iterations(leaf(scroll_id)) == [5, 4, 3, 2]
    assert iterations(leaf(scroll_id)) == [1, 0]
    assert iterations(leaf(scroll_id, earlier=False)) == [5, 4, 3, 2]
    assert iterations(leaf(scroll_id, earlier=False)) == [9, 8, 7, 6]
    # Beyond the latest iteration, and back.
    assert iterations(leaf(scroll_id, earlier=False)) == []
    assert iterations(leaf(scroll_id)) == [9, 8, 7, 6]
    assert iterations(leaf(scroll_id)) == [5, 4, 3, 2]
    assert iterations(leaf(scroll_id, refresh=True)) == [9, 8, 7, 6]


def test_new_images_show_on_the_way_forth(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [image(task, i) for i in range(3)])
    body: Document = {"metrics": [{"task": task, "metric": "m"}], "iters": 3}
    scroll_id = api("events.debug_images", **body)["scroll_id"]
    api.batch("events.add_batch", [image(task, i) for i in range(3, 5)])
    later = api("events.debug_images", **body, scroll_id=scroll_id, navigate_earlier=False)
    assert iterations(later) == [4, 3]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([{}], {("m", "a"), ("m", "b"), ("n", "a"), ("n", "b")}),
        ([{"metric": "m"}], {("m", "a"), ("m", "b")}),
        ([{"metric": "m", "variants": []}], {("m", "a"), ("m", "b")}),
        ([{"metric": "m", "variants": ["a"]}], {("m", "a")}),
        (
            [{"metric": "m", "variants": ["a"]}, {"metric": "n"}],
            {("m", "a"), ("n", "a"), ("n", "b")},
        ),
        ([{"metric": "none"}], set()),
    ],
)
def test_images_of_some_metrics_and_variants_are_asked_for(
    api: Api, wanted: list[Document], expected: set[tuple[str, str]]
) -> None:
    task = new_task(api)
    batch = [image(task, 1, m, v) for m in ("m", "n") for v in ("a", "b")]
    api.batch("events.add_batch", batch)
    metrics = [{"task": task, **one} for one in wanted]
    (found,) = api("events.debug_images", metrics=metrics)["metrics"]
    events = [event for one in found["iterations"] for event in one["events"]]
    assert {(event["metric"], event["variant"]) for event in events} == expected


def test_images_of_several_tasks_are_asked_for_at_once(api: Api) -> None:
    tasks = [new_task(api) for _ in range(2)]
    api.batch("events.add_batch", [image(task, 3) for task in tasks])
    answer = api("events.debug_images", metrics=[{"task": task} for task in tasks])
    assert {one["task"] for one in answer["metrics"]} == set(tasks)
    assert [shown(answer, i) for i in range(2)] == [[(3, ["v"])]] * 2


def test_an_image_that_was_written_over_is_gone_from_its_iteration(api: Api) -> None:
    """Clients re-use a handful of file names: only the last of a name shows what it says."""
    task = new_task(api)
    batch = [image(task, i, url=f"http://files/{i % 3}.png") for i in range(10)]
    api.batch("events.add_batch", batch)
    answer = api("events.debug_images", metrics=[{"task": task}], iters=10)
    assert iterations(answer) == [9, 8, 7]


def test_the_answer_has_the_shape_of_the_callers_version(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [image(task, i) for i in range(2)])
    metrics = [{"task": task, "metric": "m"}]
    (by_task,) = api.as_version("2.14")("events.debug_images", metrics=metrics)["metrics"]
    assert set(by_task) == {"task", "iterations"}
    (by_metric,) = api.as_version("2.7")("events.debug_images", metrics=metrics)["metrics"]
    assert set(by_metric) == {"task", "metric", "iterations"}
    oldest = api.as_version("2.6")("events.debug_images", task=task, iters=1)
    assert (oldest["task"], oldest["returned"], oldest["total"]) == (task, 1, 1)
    assert [event["iter"] for event in oldest["images"]] == [1]


def test_images_are_asked_of_tasks_that_are_there(api: Api) -> None:
    refused((400, 101), api, "events.debug_images", metrics=[{"task": uuid.uuid4().hex}])
    refused((400, 11), api, "events.debug_images")
    refused((400, 11), api, "events.debug_images", metrics=[{"metric": "m"}])


def test_a_model_has_images_of_its_own(api: Api) -> None:
    model = new_model(api, ready=False)
    api.batch("events.add_batch", [image(model, 1, model_event=True)])
    answer = api("events.debug_images", metrics=[{"task": model}], model_events=True)
    assert shown(answer) == [(1, ["v"])]


# --- debug images, one by one --------------------------------------------------------------


def test_without_a_sample_there_is_nothing_to_step_from(api: Api) -> None:
    task = new_task(api)
    body = {"task": task, "metric": "m", "variant": "v"}
    found = api("events.get_debug_image_sample", **body)
    assert found["event"] is None
    assert found["scroll_id"]


def test_images_are_stepped_through(api: Api) -> None:
    task = new_task(api)
    batch = [image(task, i, variant=v) for i in range(3) for v in ("a", "b")]
    api.batch("events.add_batch", batch)

    def place(answer: Document) -> tuple[int, str] | None:
        event = answer["event"]
        return event and (event["iter"], event["variant"])

    first = api("events.get_debug_image_sample", task=task, metric="m", variant="a")
    assert place(first) == (2, "a")
    assert (first["min_iteration"], first["max_iteration"]) == (0, 2)
    scroll_id = first["scroll_id"]

    def step(**body: Any) -> tuple[int, str] | None:
        return place(api("events.next_debug_image_sample", task=task, scroll_id=scroll_id, **body))

    assert step() == (1, "b")
    assert step() == (1, "a")
    assert step(navigate_earlier=False) == (1, "b")
    assert step(next_iteration=True) == (0, "b")
    assert step() == (0, "a")
    assert step() is None
    assert step(navigate_earlier=False) == (0, "b")
    assert step(navigate_earlier=False, next_iteration=True) == (1, "b")


@pytest.mark.parametrize(("asked", "given"), [(None, 20), (20, 20), (15, 10), (10, 10), (5, None)])
def test_the_image_of_an_iteration_or_the_closest_before_is_given(
    api: Api, asked: int | None, given: int | None
) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [image(task, i) for i in (10, 20)])
    body = {"task": task, "metric": "m", "variant": "v", "iteration": asked}
    event = api("events.get_debug_image_sample", **body)["event"]
    assert (event and event["iter"]) == given


@pytest.mark.parametrize(("within", "expected"), [(True, ("m", "a")), (False, ("l", "z"))])
def test_steps_stay_within_the_metric_unless_told_otherwise(
    api: Api, within: bool, expected: tuple[str, str]
) -> None:
    task = new_task(api)
    batch = [image(task, 1, "l", "z"), image(task, 1, "m", "b"), image(task, 0, "m", "a")]
    api.batch("events.add_batch", batch)
    body = {"task": task, "metric": "m", "variant": "b", "navigate_current_metric": within}
    scroll_id = api("events.get_debug_image_sample", **body)["scroll_id"]
    event = api("events.next_debug_image_sample", task=task, scroll_id=scroll_id)["event"]
    assert (event["metric"], event["variant"]) == expected


# --- plots ---------------------------------------------------------------------------------


def test_the_latest_plot_of_each_variant_is_given(api: Api) -> None:
    task = new_task(api)
    batch = [plot(task, i, variant=v) for i in range(3) for v in ("a", "b")]
    api.batch("events.add_batch", [*batch, plot(task, 7, "n", "c")])
    found = api("events.get_task_plots", task=task)
    assert {(p["metric"], p["variant"], p["iter"]) for p in found["plots"]} == {
        ("m", "a", 2),
        ("m", "b", 2),
        ("n", "c", 7),
    }
    assert found["returned"] == 3
    assert found["plots"][0]["plot_str"].startswith('{"data": [')


def test_plots_of_the_latest_iterations_are_given(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [plot(task, i) for i in range(5)])
    found = api("events.get_task_plots", task=task, iters=3)
    assert sorted(p["iter"] for p in found["plots"]) == [2, 3, 4]


def test_plots_are_asked_for_once_without_a_scroll(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [plot(task, 1)])
    assert api("events.get_task_plots", task=task, no_scroll=True).get("scroll_id") is None
    scroll_id = api("events.get_task_plots", task=task)["scroll_id"]
    rest = api("events.get_task_plots", task=task, scroll_id=scroll_id)
    assert (rest["plots"], rest["returned"]) == ([], 0)


def test_plots_of_some_metrics_are_asked_for(api: Api) -> None:
    task = new_task(api)
    batch = [plot(task, 1, m, v) for m in ("m", "n") for v in ("a", "b")]
    api.batch("events.add_batch", batch)
    wanted = [{"metric": "m", "variants": ["b"]}, {"metric": "n"}]
    found = api("events.get_task_plots", task=task, metrics=wanted)["plots"]
    named = {(p["metric"], p["variant"]) for p in found}
    assert named == {("m", "b"), ("n", "a"), ("n", "b")}


def test_a_plot_that_is_no_json_is_only_shown_when_its_sender_says_so(api: Api) -> None:
    task = new_task(api)
    good, bad = plot(task, 0, "good"), plot(task, 0, "bad", plot_str="not JSON")
    api.batch("events.add_batch", [good, bad])
    found = api("events.get_task_plots", task=task)["plots"]
    assert [p["plot_str"] for p in found] == [good["plot_str"]]
    api.batch("events.add_batch", [{**bad, "metric": "worse", "skip_validation": True}])
    assert len(api("events.get_task_plots", task=task)["plots"]) == 2


def test_a_plot_is_given_back_to_the_letter(api: Api) -> None:
    task = new_task(api)
    text = '{"data": [ {"x": [1,\t2], "ü": "\\u2028", "n": NaN} ]}'
    api.batch("events.add_batch", [plot(task, 1, plot_str=text)])
    assert api("events.get_task_plots", task=task)["plots"][0]["plot_str"] == text


def test_plots_of_several_tasks_stand_side_by_side(api: Api) -> None:
    tasks = [new_task(api) for _ in range(2)]
    api.batch("events.add_batch", [plot(task, i) for task in tasks for i in range(3)])
    found = api("events.get_multi_task_plots", tasks=tasks, iters=1)
    assert found["returned"] == 2
    by_task = found["plots"]["m"]["v"]
    assert set(by_task) == set(tasks)
    for task in tasks:
        (iteration,) = by_task[task]
        assert iteration == "2"
        assert by_task[task]["2"]["name"] == task_of(api, task)["name"]
        assert [p["task"] for p in by_task[task]["2"]["plots"]] == [task]


def test_plots_are_leafed_through_by_iteration(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [plot(task, i) for i in range(5)])
    body: Document = {"metrics": [{"task": task, "metric": "m"}], "iters": 2}
    answer = api("events.plots", **body)
    assert iterations(answer) == [4, 3]
    assert answer["metrics"][0]["task"] == task
    scroll_id = answer["scroll_id"]
    assert iterations(api("events.plots", **body, scroll_id=scroll_id)) == [2, 1]
    back = api("events.plots", **body, scroll_id=scroll_id, navigate_earlier=False)
    assert iterations(back) == [4, 3]


def test_plots_of_a_metric_are_stepped_through_together(api: Api) -> None:
    task = new_task(api)
    batch = [plot(task, i, variant=v) for i in range(3) for v in ("a", "b")]
    api.batch("events.add_batch", batch)
    first = api("events.get_plot_sample", task=task, metric="m")
    assert [(e["iter"], e["variant"]) for e in first["events"]] == [(2, "a"), (2, "b")]
    assert (first["min_iteration"], first["max_iteration"]) == (0, 2)
    scroll_id = first["scroll_id"]
    then = api("events.next_plot_sample", task=task, scroll_id=scroll_id)
    assert {e["iter"] for e in then["events"]} == {1}
    at = api("events.get_plot_sample", task=task, metric="m", iteration=0)
    assert {e["iter"] for e in at["events"]} == {0}
    end = api("events.next_plot_sample", task=task, scroll_id=at["scroll_id"])
    assert end["events"] == []


def test_a_single_plot_of_a_metric_is_stepped_through(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [plot(task, i, variant="a") for i in range(3)])
    api.batch("events.add_batch", [plot(task, i, variant="b") for i in range(9)])
    first = api("events.get_plot_sample", task=task, metric="m", variant="a")
    assert (first["event"]["iter"], first["event"]["variant"]) == (2, "a")
    assert (first["min_iteration"], first["max_iteration"]) == (0, 2)
    step = {"task": task, "scroll_id": first["scroll_id"], "next_iteration": True}
    then = api("events.next_plot_sample", **step)
    assert (then["event"]["iter"], then["event"]["variant"]) == (1, "a")


def test_a_scroll_is_of_one_kind_of_samples(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [plot(task, 1), image(task, 1)])
    scroll_id = api("events.get_plot_sample", task=task, metric="m")["scroll_id"]
    body = {"task": task, "scroll_id": scroll_id}
    refused((400, 1104), api, "events.next_debug_image_sample", **body)
    body = {"task": task, "scroll_id": "nothing"}
    refused((400, 1104), api, "events.next_plot_sample", **body)
