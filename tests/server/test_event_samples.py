"""Plots and images."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


@pytest.fixture
def task(api: Api) -> str:
    return make_task(api)


def make_task(api: Api, name: str = "samples") -> str:
    found: str = api("tasks.create", name=name, type="training")["id"]
    return found


def plot(task: str, iteration: int, metric: str = "p", variant: str = "v", **more: Any) -> Any:
    event = {"type": "plot", "task": task, "metric": metric, "variant": variant}
    return {**event, "iter": iteration, "plot_str": f"[{iteration}]", **more}


def image(task: str, iteration: int, variant: str = "v", metric: str = "m", **more: Any) -> Any:
    event = {"type": "training_debug_image", "task": task, "metric": metric, "variant": variant}
    url = f"http://files/{metric}/{variant}/{iteration}"
    return {**event, "iter": iteration, "url": url, **more}


def iterations(page: Any) -> list[int]:
    return [group["iter"] for group in page["metrics"][0]["iterations"]]


# Plots


def test_a_plot_comes_back_verbatim(api: Api, task: str) -> None:
    text = '{"data": [1.0,  NaN], "é": "\\u00e9"}'
    api.batch("events.add_batch", [plot(task, 1, plot_str=text, source_urls=["s3://x"])])

    found = api("events.get_task_plots", task=task, no_scroll=True)["plots"]

    assert [(p["plot_str"], p["source_urls"]) for p in found] == [(text, ["s3://x"])]


def test_only_the_latest_plot_of_each_variant_is_given(api: Api, task: str) -> None:
    api.batch(
        "events.add_batch",
        [plot(task, 1), plot(task, 3), plot(task, 2), plot(task, 1, variant="w")],
    )

    found = api("events.get_task_plots", task=task)

    assert [(p["variant"], p["iter"]) for p in found["plots"]] == [("v", 3), ("w", 1)]
    assert (found["returned"], found["total"]) == (2, 2)


def test_plots_of_several_iterations_can_be_asked_for(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, i) for i in range(5)])

    found = api("events.get_task_plots", task=task, iters=3)["plots"]

    assert [p["iter"] for p in found] == [4, 3, 2]


def test_scrolling_beyond_the_last_plot_gives_none(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, 1)])
    scroll = api("events.get_task_plots", task=task)["scroll_id"]

    assert api("events.get_task_plots", task=task, scroll_id=scroll)["plots"] == []


def test_plots_of_one_metric_can_be_asked_for(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, 1, m, v) for m in "pq" for v in "vw"])
    wanted = [{"metric": "p", "variants": ["w"]}, {"metric": "q"}]

    found = api("events.get_task_plots", task=task, metrics=wanted)["plots"]

    assert [(p["metric"], p["variant"]) for p in found] == [("p", "w"), ("q", "v"), ("q", "w")]


def test_a_plot_reported_again_replaces_the_one_before(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, 1, plot_str="{}")])
    api.batch("events.add_batch", [plot(task, 1, plot_str="[]"), plot(task, 1, plot_str="[1]")])

    found = api("events.get_task_plots", task=task, iters=9)["plots"]

    assert [p["plot_str"] for p in found] == ["[1]"]


def test_a_plot_that_cannot_be_drawn_is_not_shown(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, 1, plot_str="{oops")])

    assert api("events.get_task_plots", task=task)["plots"] == []
    assert api("events.get_task_events", task=task, event_type="plot")["total"] == 1


def test_a_plot_that_was_not_to_be_checked_is_shown(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, 1, plot_str="{oops", skip_validation=True)])

    assert len(api("events.get_task_plots", task=task)["plots"]) == 1


def test_plots_of_several_tasks_stand_side_by_side(api: Api) -> None:
    one, two = make_task(api, "first"), make_task(api, "second")
    api.batch("events.add_batch", [plot(one, 1), plot(two, 4)])

    found = api("events.get_multi_task_plots", tasks=[one, two])

    sides = found["plots"]["p"]["v"]
    assert sides[one]["1"]["name"] == "first"
    assert [p["task"] for p in sides[two]["4"]["plots"]] == [two]
    assert found["returned"] == 2


def test_plots_are_leafed_through_by_iteration(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, i) for i in range(3)])

    page = api("events.plots", metrics=[{"task": task}], iters=2)

    assert page["metrics"][0]["task"] == task
    assert iterations(page) == [2, 1]


# Images by iteration


def test_images_are_leafed_through_from_the_latest(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i) for i in range(5)])
    wanted = [{"task": task, "metric": "m"}]

    first = api("events.debug_images", metrics=wanted, iters=2)
    second = api("events.debug_images", metrics=wanted, iters=2, scroll_id=first["scroll_id"])
    third = api("events.debug_images", metrics=wanted, iters=2, scroll_id=first["scroll_id"])

    assert [iterations(page) for page in (first, second, third)] == [[4, 3], [2, 1], [0]]


def test_images_are_leafed_through_in_both_directions(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i) for i in range(5)])
    wanted = [{"task": task, "metric": "m"}]
    scroll = api("events.debug_images", metrics=wanted)["scroll_id"]
    api("events.debug_images", metrics=wanted, scroll_id=scroll)

    back = api("events.debug_images", metrics=wanted, scroll_id=scroll, navigate_earlier=False)
    beyond = api("events.debug_images", metrics=wanted, scroll_id=scroll, navigate_earlier=False)

    assert (iterations(back), iterations(beyond)) == ([4], [])


def test_a_refreshed_scroll_starts_at_the_latest(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i) for i in range(5)])
    wanted = [{"task": task, "metric": "m"}]
    scroll = api("events.debug_images", metrics=wanted, iters=3)["scroll_id"]

    page = api("events.debug_images", metrics=wanted, scroll_id=scroll, refresh=True)

    assert iterations(page) == [4]


def test_images_of_an_iteration_are_in_order_of_their_names(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, 1, v) for v in ("c", "a", "b")])

    page = api("events.debug_images", metrics=[{"task": task}])

    events = page["metrics"][0]["iterations"][0]["events"]
    assert [event["variant"] for event in events] == ["a", "b", "c"]


def test_an_image_whose_file_was_overwritten_is_not_shown(api: Api, task: str) -> None:
    reused = [image(task, i, url=f"http://files/{i % 3}") for i in range(10)]
    api.batch("events.add_batch", reused[:6])
    api.batch("events.add_batch", reused[6:])

    page = api("events.debug_images", metrics=[{"task": task, "metric": "m"}], iters=10)

    assert iterations(page) == [9, 8, 7]


def test_an_old_image_that_comes_late_is_not_shown(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, 5, url="http://files/0")])
    api.batch("events.add_batch", [image(task, 2, url="http://files/0")])

    page = api("events.debug_images", metrics=[{"task": task}], iters=10)

    assert iterations(page) == [5]


def test_an_image_keeps_its_address(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, 1, key="k")])

    event = api("events.get_task_events", task=task, event_type="training_debug_image")["events"][0]

    assert (event["url"], event["key"]) == ("http://files/m/v/1", "k")


def test_an_older_client_leafs_through_each_metric(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, 1), image(task, 2, metric="n")])
    wanted = [{"task": task, "metric": "m"}, {"task": task, "metric": "n"}]

    page = api.as_version("2.9")("events.debug_images", metrics=wanted)

    assert [(g["metric"], g["iterations"][0]["iter"]) for g in page["metrics"]] == [
        ("m", 1),
        ("n", 2),
    ]


def test_the_oldest_clients_get_a_list(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, 1), image(task, 2)])

    found = api.as_version("2.5")("events.debug_images", task=task)

    assert [i["iter"] for i in found["images"]] == [2]
    assert (found["task"], found["returned"], found["total"]) == (task, 1, 1)


def test_images_of_an_unknown_task_are_an_error(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.debug_images", metrics=[{"task": "0" * 32}])

    assert caught.value.kind == (400, 101)


def test_an_expired_scroll_is_an_error(api: Api, task: str) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.debug_images", metrics=[{"task": task}], scroll_id="gone")

    assert caught.value.kind == (400, 1104)


# One by one


def at(found: Any) -> tuple[int, str]:
    return found["event"]["iter"], found["event"]["variant"]


def test_without_images_there_is_no_sample(api: Api, task: str) -> None:
    found = api("events.get_debug_image_sample", task=task, metric="m", variant="v")

    assert (found["event"], found["min_iteration"], found["max_iteration"]) == (None, None, None)


def test_the_latest_sample_is_given_with_its_range(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i, url=f"u{i % 4}") for i in range(10)])

    found = api("events.get_debug_image_sample", task=task, metric="m", variant="v")

    assert at(found) == (9, "v")
    assert (found["min_iteration"], found["max_iteration"]) == (6, 9)


def test_a_sample_of_an_iteration_can_be_asked_for(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i) for i in range(5)])

    found = api("events.get_debug_image_sample", task=task, metric="m", variant="v", iteration=2)

    assert at(found) == (2, "v")


def test_between_two_samples_the_one_before_is_given(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i) for i in (0, 10)])

    found = api("events.get_debug_image_sample", task=task, metric="m", variant="v", iteration=7)

    assert at(found) == (0, "v")


def test_samples_are_walked_through_variants_and_iterations(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i, v) for i in range(2) for v in ("a", "b")])
    first = api("events.get_debug_image_sample", task=task, metric="m", variant="b")

    walked = [at(first)]
    while True:
        found = api("events.next_debug_image_sample", task=task, scroll_id=first["scroll_id"])
        if found["event"] is None:
            break
        walked.append(at(found))

    assert walked == [(1, "b"), (1, "a"), (0, "b"), (0, "a")]


def test_a_walk_can_turn_round(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i) for i in range(3)])
    scroll = api("events.get_debug_image_sample", task=task, metric="m", variant="v")["scroll_id"]
    api("events.next_debug_image_sample", task=task, scroll_id=scroll)

    found = api(
        "events.next_debug_image_sample", task=task, scroll_id=scroll, navigate_earlier=False
    )

    assert at(found) == (2, "v")


def test_a_walk_can_jump_to_the_next_iteration(api: Api, task: str) -> None:
    api.batch("events.add_batch", [image(task, i, v) for i in range(3) for v in ("a", "b")])
    scroll = api("events.get_debug_image_sample", task=task, metric="m", variant="a")["scroll_id"]

    found = api("events.next_debug_image_sample", task=task, scroll_id=scroll, next_iteration=True)

    assert at(found) == (1, "a")


@pytest.mark.parametrize(("one_metric", "expected"), [(True, None), (False, (0, "v"))])
def test_a_walk_may_stay_within_its_metric(
    api: Api, task: str, one_metric: bool, expected: Any
) -> None:
    api.batch("events.add_batch", [image(task, 0, metric="a"), image(task, 0, metric="b")])
    scroll = api(
        "events.get_debug_image_sample",
        task=task,
        metric="b",
        variant="v",
        navigate_current_metric=one_metric,
    )["scroll_id"]

    found = api("events.next_debug_image_sample", task=task, scroll_id=scroll)

    assert (at(found) if found["event"] else None) == expected


def test_a_scroll_of_images_does_not_serve_plots(api: Api, task: str) -> None:
    scroll = api("events.get_debug_image_sample", task=task, metric="m", variant="v")["scroll_id"]

    with pytest.raises(ApiError) as caught:
        api("events.next_plot_sample", task=task, scroll_id=scroll)

    assert caught.value.kind == (400, 1104)


def test_plots_of_a_metric_are_looked_at_together(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, i, "p", v) for i in range(2) for v in ("a", "b")])

    found = api("events.get_plot_sample", task=task, metric="p")

    assert [(e["iter"], e["variant"]) for e in found["events"]] == [(1, "a"), (1, "b")]
    assert (found["min_iteration"], found["max_iteration"]) == (0, 1)


def test_plots_are_walked_through_iterations(api: Api, task: str) -> None:
    api.batch("events.add_batch", [plot(task, i, "p", v) for i in range(2) for v in ("a", "b")])
    scroll = api("events.get_plot_sample", task=task, metric="p")["scroll_id"]

    found = api("events.next_plot_sample", task=task, scroll_id=scroll)

    assert [(e["iter"], e["variant"]) for e in found["events"]] == [(0, "a"), (0, "b")]
    assert api("events.next_plot_sample", task=task, scroll_id=scroll)["events"] == []
