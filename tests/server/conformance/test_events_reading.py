"""Reading events back: the console, pages of everything, curves, raw points and names."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from tests.beds.server import Api
from tests.server.asking import Document, refused
from tests.server.making import new_task
from tests.server.reporting import START, scalar, scrolled


def line(task: str, number: int, **more: Any) -> Document:
    found = {"type": "log", "task": task, "msg": f"line {number}", "level": "INFO"}
    return {**found, "timestamp": START + number, "worker": "box", **more}


def printed(api: Api, count: int) -> str:
    """A task with so many lines in its console."""
    task = new_task(api)
    api.batch("events.add_batch", [line(task, number) for number in range(count)])
    return task


def numbers(page: Document) -> list[int]:
    return [int(event["msg"].removeprefix("line ")) for event in page["events"]]


# --- the console ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("navigate_earlier", "order", "expected"),
    [
        (None, None, [9, 8, 7, 6]),
        (True, "desc", [9, 8, 7, 6]),
        (True, "asc", [6, 7, 8, 9]),
        (False, None, [0, 1, 2, 3]),
        (False, "asc", [0, 1, 2, 3]),
        (False, "desc", [3, 2, 1, 0]),
    ],
)
def test_a_console_is_read_from_either_end_in_either_order(
    api: Api, navigate_earlier: bool | None, order: str | None, expected: list[int]
) -> None:
    page = api(
        "events.get_task_log",
        task=printed(api, 10),
        batch_size=4,
        navigate_earlier=navigate_earlier,
        order=order,
    )
    assert numbers(page) == expected
    assert (page["returned"], page["total"]) == (4, 10)


@pytest.mark.parametrize("navigate_earlier", [True, False])
def test_a_console_is_walked_by_the_time_of_the_last_line(api: Api, navigate_earlier: bool) -> None:
    task, seen, moment = printed(api, 10), [], None
    while True:
        page = api(
            "events.get_task_log",
            task=task,
            batch_size=3,
            navigate_earlier=navigate_earlier,
            from_timestamp=moment,
        )
        if not page["returned"]:
            break
        seen += numbers(page)
        moment = page["events"][-1]["timestamp"]
    assert seen == (list(range(9, -1, -1)) if navigate_earlier else list(range(10)))


def test_a_walk_through_the_console_turns_round(api: Api) -> None:
    task = printed(api, 10)
    first = api("events.get_task_log", task=task, batch_size=3)
    moment = first["events"][-1]["timestamp"]
    second = api("events.get_task_log", task=task, batch_size=3, from_timestamp=moment)
    assert numbers(second) == [6, 5, 4]
    back = api(
        "events.get_task_log",
        task=task,
        batch_size=3,
        from_timestamp=second["events"][0]["timestamp"],
        navigate_earlier=False,
    )
    assert numbers(back) == [7, 8, 9]


@pytest.mark.parametrize(("earlier", "expected"), [(True, [4, 3]), (False, [5, 6])])
def test_a_walk_may_begin_between_two_moments(api: Api, earlier: bool, expected: list[int]) -> None:
    page = api(
        "events.get_task_log",
        task=printed(api, 10),
        batch_size=2,
        navigate_earlier=earlier,
        from_timestamp=START + 4.5,
    )
    assert numbers(page) == expected


def test_an_empty_console_is_an_empty_page(api: Api) -> None:
    page = api("events.get_task_log", task=new_task(api))
    assert page == {"events": [], "returned": 0, "total": 0}


def test_a_line_says_who_printed_it_and_when(api: Api) -> None:
    task = printed(api, 1)
    (event,) = api("events.get_task_log", task=task)["events"]
    assert event == {**line(task, 0)}


@pytest.mark.parametrize(("start", "expected"), [("head", [0, 1, 2]), ("tail", [9, 8, 7])])
def test_old_clients_scroll_through_the_console(api: Api, start: str, expected: list[int]) -> None:
    old, task = api.as_version("2.4"), printed(api, 10)
    body = {
        "task": task,
        "from": start,
        "batch_size": 3,
        "order": "asc" if start == "head" else "desc",
    }
    pages = list(scrolled(old, "events.get_task_log", **body))
    assert numbers(pages[0]) == expected
    assert [page["returned"] for page in pages] == [3, 3, 3, 1]
    assert {page["total"] for page in pages} == {10}
    assert sorted(number for page in pages for number in numbers(page)) == list(range(10))


@pytest.mark.parametrize("line_type", ["text", "json"])
def test_a_console_is_downloaded_as_it_stands(api: Api, line_type: str) -> None:
    task = printed(api, 3)
    body = msgspec.json.encode(
        {"task": task, "line_type": line_type, "line_format": "{worker}|{msg}"}
    )
    answer = api.send("POST", "/events.download_task_log", body)
    assert answer.status == 200
    lines = answer.body.decode().splitlines()
    if line_type == "json":
        assert [msgspec.json.decode(one)["msg"] for one in lines] == ["line 0", "line 1", "line 2"]
    else:
        assert lines == ["box|line 0", "box|line 1", "box|line 2"]


@pytest.mark.parametrize(
    "action",
    [
        "events.get_task_log",
        "events.download_task_log",
        "events.get_task_events",
        "events.get_task_plots",
        "events.scalar_metrics_iter_histogram",
        "events.get_scalar_metrics_and_variants",
        "events.get_vector_metrics_and_variants",
        "events.get_task_latest_scalar_values",
    ],
)
def test_what_a_task_reported_is_asked_of_a_task_that_is_there(api: Api, action: str) -> None:
    refused((400, 101), api, action, task=uuid.uuid4().hex)
    refused((400, 11), api, action)


@pytest.mark.parametrize(
    "action",
    [
        "events.get_task_metrics",
        "events.get_multi_task_metrics",
        "events.get_multi_task_plots",
        "events.get_task_single_value_metrics",
        "events.multi_task_scalar_metrics_iter_histogram",
    ],
)
def test_what_tasks_reported_is_asked_of_tasks_that_are_there(api: Api, action: str) -> None:
    refused((400, 101), api, action, tasks=[new_task(api), uuid.uuid4().hex])
    refused((400, 11), api, action)


# --- everything, page by page --------------------------------------------------------------


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 7])
def test_pages_have_the_size_that_was_asked_for(api: Api, order: str, batch_size: int) -> None:
    task = new_task(api)
    batch = [scalar(task, i, variant=v) for i in (0, 0, 1, 2) for v in ("a", "b", "c")]
    batch += [{"type": "plot", "task": task, "metric": "p", "iter": 1, "plot_str": "{}"}]
    batch += [line(task, 5), line(task, 5), line(task, 6)]
    api.batch("events.add_batch", batch)
    body = {"task": task, "order": order, "batch_size": batch_size}
    pages = list(scrolled(api, "events.get_task_events", **body))
    sizes = [page["returned"] for page in pages]
    assert sum(sizes) == 13
    assert set(sizes[:-1]) <= {batch_size}
    assert {page["total"] for page in pages} == {13}
    seen = [event["iter"] for page in pages for event in page["events"] if event["type"] != "log"]
    assert seen == sorted(seen, reverse=order == "desc")
    whole = api("events.get_task_events", task=task, order=order)["events"]
    assert [event for page in pages for event in page["events"]] == whole


def test_lines_of_one_moment_are_on_several_pages(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [line(task, i, timestamp=START) for i in range(10)])
    body = {"task": task, "event_type": "log", "batch_size": 4}
    pages = list(scrolled(api, "events.get_task_events", **body))
    assert [page["returned"] for page in pages] == [4, 4, 2]
    assert [number for page in pages for number in numbers(page)] == list(range(10))


@pytest.mark.parametrize("edge", [-(2**63), 2**63 - 1])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_farthest_iterations_can_be_paged_through(api: Api, edge: int, order: str) -> None:
    task = new_task(api)
    batch = [scalar(task, 0, variant=v, iter=edge, timestamp=START) for v in ("a", "b", "c")]
    api.batch("events.add_batch", batch)
    body = {"task": task, "order": order, "batch_size": 1}
    pages = list(scrolled(api, "events.get_task_events", **body))
    assert [page["events"][0]["variant"] for page in pages] == ["a", "b", "c"]


def test_events_of_one_type_are_paged_through(api: Api) -> None:
    task = new_task(api)
    api.batch("events.add_batch", [scalar(task, i) for i in range(5)] + [line(task, 1)])
    found = api("events.get_task_events", task=task, event_type="training_stats_scalar")
    assert (found["returned"], found["total"]) == (5, 5)
    assert {event["type"] for event in found["events"]} == {"training_stats_scalar"}


def test_a_scroll_is_given_up(api: Api) -> None:
    scroll_id = api("events.get_task_events", task=printed(api, 2), batch_size=1)["scroll_id"]
    assert api("events.clear_scroll", scroll_id=scroll_id) == {}
    refused((400, 11), api, "events.clear_scroll")


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        (None, {"a", "b", "c", "d", "e"}),
        ("training_stats_scalar", {"a"}),
        ("training_stats_vector", {"b"}),
        ("training_debug_image", {"c"}),
        ("plot", {"d"}),
        ("log", {"e"}),
    ],
)
def test_metrics_are_named_by_type(api: Api, event_type: str | None, expected: set[str]) -> None:
    task, other = new_task(api), new_task(api)
    common = {"task": task, "iter": 1, "variant": "v"}
    batch = [
        {**common, "type": "training_stats_scalar", "metric": "a", "value": 1},
        {**common, "type": "training_stats_vector", "metric": "b", "values": [1]},
        {**common, "type": "training_debug_image", "metric": "c", "url": "u"},
        {**common, "type": "plot", "metric": "d", "plot_str": "{}"},
        {**common, "type": "log", "metric": "e", "msg": "x"},
    ]
    api.batch("events.add_batch", batch)
    found = api("events.get_task_metrics", tasks=[task, other], event_type=event_type)["metrics"]
    named = {one["task"]: set(one["metrics"]) for one in found}
    assert named[task] == expected
    assert not named.get(other)


def test_a_type_nobody_knows_is_refused(api: Api) -> None:
    refused((400, 12), api, "events.get_task_metrics", tasks=[new_task(api)], event_type="moon")


def test_scalars_are_named_by_metric(api: Api) -> None:
    task = new_task(api)
    batch = [scalar(task, 1, variant=v) for v in ("b", "a")] + [scalar(task, 1, metric="x.y $z")]
    api.batch("events.add_batch", batch)
    found = api("events.get_scalar_metrics_and_variants", task=task)
    assert found == {"metrics": {"loss": ["a", "b"], "x.y $z": ["train"]}}


def test_a_task_names_its_unique_metrics_in_its_project(api: Api) -> None:
    project = api("projects.create", name=f"metrics {uuid.uuid4().hex}")["id"]
    task = new_task(api, project=project)
    api.batch("events.add_batch", [scalar(task, 1, metric="m one", variant="v")])
    (found,) = api("projects.get_unique_metric_variants", project=project)["metrics"]
    assert (found["metric"], found["variant"]) == ("m one", "v")
