"""Workers as the suites of the protocol use them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api import errors
from taskyard.server.store.tables import workers
from tests.beds.server import Api, Running
from tests.server.asking import UNKNOWN, Document, refused, task_of
from tests.server.making import new_project, new_queue, new_task, run, unique

WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


def milliseconds() -> int:
    return int(time.time() * 1000)


def report(api: Api, worker: str, **body: Any) -> None:
    api("workers.status_report", **{"worker": worker, "timestamp": milliseconds(), **body})


def seen(api: Api, **query: Any) -> dict[str, Document]:
    return {worker["id"]: worker for worker in api("workers.get_all", **query)["workers"]}


# --- who is there --------------------------------------------------------------------------


def test_every_field_of_an_idle_worker_is_there(api: Api) -> None:
    worker, queue = unique("worker"), new_queue(api)
    api("workers.register", worker=worker, queues=[queue], tags=["t"], system_tags=["s"])
    found = seen(api)[worker]
    assert (found["tags"], found["system_tags"]) == (["t"], ["s"])
    assert (found["ip"], found["register_timeout"]) == ("127.0.0.1", 600)
    for field in ("register_time", "last_activity_time", "last_report_time"):
        assert WHEN.fullmatch(found[field])
    for field in ("user", "company"):
        assert found[field].keys() == {"id", "name"}
    name = api("queues.get_by_id", queue=queue)["queue"]["name"]
    assert found["queues"] == [{"id": queue, "name": name, "num_tasks": 0}]
    assert worker in found["key"]
    assert not found.get("task")


def test_a_busy_worker_shows_task_project_and_queue(api: Api) -> None:
    worker, queue, project = unique("worker"), new_queue(api), new_project(api)
    task = new_task(api, project=project)
    api("tasks.enqueue", task=task, queue=queue)
    api("tasks.enqueue", task=(following := new_task(api)), queue=queue)
    api("queues.get_next_task", queue=queue)
    run(api, task, "started")
    event = {"type": "training_stats_scalar", "task": task, "metric": "m", "variant": "v"}
    api("events.add", **event, iter=7, value=1.0)
    report(api, worker, task=task, queue=queue, queues=[queue])
    found = seen(api)[worker]
    assert found["task"].keys() == {"id", "name", "running_time", "last_iteration"}
    assert (found["task"]["id"], found["task"]["last_iteration"]) == (task, 7)
    assert found["project"]["id"] == project
    assert found["project"]["name"]
    assert (found["queue"]["id"], found["queue"]["num_tasks"]) == (queue, 1)
    assert found["queue"]["next_task"]["id"] == following
    assert found["queue"]["next_task"]["name"]


def test_a_report_marks_its_task(api: Api) -> None:
    worker, task = unique("worker"), new_task(api)
    before = task_of(api, task)
    report(api, worker, task=task)
    found = task_of(api, task)
    assert found["last_worker"] == worker
    assert WHEN.fullmatch(found["last_worker_report"])
    assert found["last_update"] > before["last_update"]
    assert found["status"] == before["status"]


def test_a_report_replaces_tags_and_queues_it_names(api: Api) -> None:
    worker, first, second = unique("worker"), new_queue(api), new_queue(api)
    api("workers.register", worker=worker, queues=[first], tags=["a"], system_tags=["s"])
    report(api, worker, queues=[second], tags=["b"], system_tags=["r"])
    found = seen(api)[worker]
    assert [queue["id"] for queue in found["queues"]] == [second]
    assert (found["tags"], found["system_tags"]) == (["b"], ["r"])
    report(api, worker)
    assert seen(api)[worker]["tags"] == ["b"]


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        ("workers.register", "worker"),
        ("workers.unregister", "worker"),
        ("workers.status_report", "worker"),
        ("workers.status_report", "timestamp"),
        ("workers.get_stats", "items"),
        ("workers.get_stats", "from_date"),
        ("workers.get_stats", "to_date"),
        ("workers.get_stats", "interval"),
        ("workers.get_activity_report", "from_date"),
        ("workers.get_activity_report", "to_date"),
        ("workers.get_activity_report", "interval"),
    ],
)
def test_what_is_needed(api: Api, action: str, missing: str) -> None:
    whole = {
        "worker": "w",
        "timestamp": 1,
        "items": [{"key": "cpu_usage"}],
        "from_date": 1,
        "to_date": 1000,
        "interval": 60,
    }
    del whole[missing]
    refused(errors.MISSING_FIELDS[:2], api, action, **whole)


def test_unknown_queues_and_tasks_are_refused(api: Api) -> None:
    body: Document = {"worker": unique("worker"), "queues": [new_queue(api), UNKNOWN]}
    refused(errors.INVALID_QUEUE_ID[:2], api, "workers.register", **body)
    body = {"worker": unique("worker"), "timestamp": milliseconds(), "task": UNKNOWN}
    refused(errors.INVALID_TASK_ID[:2], api, "workers.status_report", **body)


def age(server: Running, worker: str, seconds: int) -> None:
    """Make a worker's last sign of life older."""
    earlier = (
        update(workers)
        .where(workers.c.id == worker)
        .values(last_activity=workers.c.last_activity - seconds * 1_000_000)
    )
    server.await_(server.server.control.write(lambda tx: tx.execute(earlier)))


def test_the_age_of_the_last_sign_of_life_filters(api: Api, server: Running) -> None:
    old, new = unique("worker"), unique("worker")
    for worker in (old, new):
        api("workers.register", worker=worker, timeout=100_000, tags=[old])
    age(server, old, 4000)
    assert seen(api, tags=[old]).keys() == {new}
    for any_age in (0, None):
        assert seen(api, tags=[old], last_seen=any_age).keys() == {old, new}
    assert seen(api, tags=[old], last_seen=5000).keys() == {old, new}
    assert api("workers.get_count", tags=[old]) == {"count": 2}
    assert api("workers.get_count", tags=[old], last_seen=3600) == {"count": 1}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"tags": ["x"]}, "ac"),
        ({"tags": ["-x"]}, "bd"),
        ({"tags": ["x", "y"]}, "abc"),
        ({"tags": ["x", "-y"]}, "a"),
        ({"system_tags": ["s"]}, "d"),
        ({"system_tags": ["-s"]}, "abc"),
        ({"worker_pattern": "*:gpu*"}, "ab"),
        ({"worker_pattern": "*:cpu:?"}, "cd"),
    ],
)
def test_workers_are_found_and_counted_by(api: Api, query: Document, found: str) -> None:
    host = unique("host")
    names = {"a": ":gpu0", "b": ":gpu0,1", "c": ":cpu:0", "d": ":cpu:1"}
    tags = {"a": ["x"], "b": ["y"], "c": ["x", "y"], "d": []}
    for letter, name in names.items():
        api(
            "workers.register",
            worker=host + name,
            tags=tags[letter],
            system_tags=["s"] if letter == "d" else None,
        )
    wanted = {host + names[letter] for letter in found}
    assert {worker for worker in seen(api, **query) if worker.startswith(host)} == wanted
    assert api("workers.get_count", **query)["count"] >= len(wanted)


def test_a_worker_is_forgotten_when_it_leaves_or_its_time_is_over(
    api: Api, server: Running
) -> None:
    leaves, silent = unique("worker"), unique("worker")
    for worker in (leaves, silent):
        api("workers.register", worker=worker, timeout=50)
    assert api("workers.unregister", worker=leaves) == {}
    age(server, silent, 60)
    assert not {leaves, silent} & seen(api, last_seen=0).keys()


# --- measurements --------------------------------------------------------------------------

STATS = {
    "cpu_usage": [10.0, 20.0],
    "cpu_temperature": [50.0],
    "gpu_usage": [40, 60],
    "gpu_temperature": [70, 80],
    "gpu_memory_free": [100, 200],
    "gpu_memory_used": [300, 400],
    "memory_used": 30,
    "memory_free": 70,
    "network_tx": 5,
    "network_rx": 6,
    "disk_free_home": 1000,
    "disk_free_temp": 900,
    "disk_read": 3,
    "disk_write": 4,
}
STEP = 60


def measured(api: Api, *moments: int, stats: Document = STATS, **body: Any) -> str:
    """A worker that reported ``stats`` at these seconds since the epoch."""
    worker = unique("worker")
    for moment in moments:
        report(api, worker, timestamp=moment * 1000, machine_stats=stats, **body)
    return worker


def a_while_ago() -> int:
    return int(time.time()) // STEP * STEP - 10 * STEP


def test_what_was_measured_is_listed_by_category(api: Api) -> None:
    worker = measured(api, a_while_ago())
    found = api("workers.get_metric_keys", worker_ids=[worker])["categories"]
    assert {category["name"]: set(category["metric_keys"]) for category in found} == {
        "cpu": {"cpu_usage", "cpu_temperature"},
        "disk": {"disk_free_home", "disk_free_temp", "disk_read", "disk_write"},
        "gpu": {"gpu_usage", "gpu_temperature", "gpu_memory_free", "gpu_memory_used"},
        "memory": {"memory_used", "memory_free"},
        "network": {"network_tx", "network_rx"},
    }
    refused(errors.NO_WORKER_STATS[:2], api, "workers.get_metric_keys", worker_ids=["nobody"])


def test_statistics_by_metric_and_aggregation(api: Api) -> None:
    start = a_while_ago()
    worker = measured(api, start + 1, start + STEP + 1)
    aggregations = ("avg", "min", "max")
    items = [{"key": "cpu_usage", "aggregation": a} for a in aggregations]
    answer = api(
        "workers.get_stats",
        worker_ids=[worker],
        items=[*items, {"key": "memory_used"}, {"key": "unheard_of"}],
        from_date=start,
        to_date=start + 3 * STEP,
        interval=STEP,
    )
    (found,) = answer["workers"]
    assert found["worker"] == worker
    by_name = {metric["metric"]: metric["stats"] for metric in found["metrics"]}
    assert by_name.keys() == {"cpu_usage", "memory_used"}
    values = {stats["aggregation"]: stats["values"] for stats in by_name["cpu_usage"]}
    assert values == {"avg": [15, 15, 0], "min": [10, 10, 0], "max": [20, 20, 0]}
    (stats,) = by_name["memory_used"]
    assert (stats["aggregation"], stats["values"]) == ("avg", [30, 30, 0])
    assert stats["dates"] == [(start + n * STEP) * 1000 for n in range(3)]


def test_short_intervals_are_lengthened_and_the_unfinished_one_cut(api: Api) -> None:
    start = a_while_ago() // 120 * 120
    worker = measured(api, start + 1)
    answer = api(
        "workers.get_stats",
        worker_ids=[worker],
        items=[{"key": "cpu_usage"}],
        from_date=start,
        to_date=start + 100,
        interval=1,
    )
    dates = answer["workers"][0]["metrics"][0]["stats"][0]["dates"]
    assert dates == [start * 1000, (start + 40) * 1000]


def test_units_are_apart_on_request(api: Api) -> None:
    start = a_while_ago()
    worker = measured(api, start + 1)
    body = {
        "worker_ids": [worker],
        "items": [{"key": "gpu_usage"}, {"key": "cpu_usage"}],
        "from_date": start,
        "to_date": start + STEP,
        "interval": STEP,
    }
    (found,) = api("workers.get_stats", **body, split_by_resource=True)["workers"]
    by_name = {metric["metric"]: metric["stats"][0] for metric in found["metrics"]}
    assert by_name["gpu_usage"]["values"] == [50]
    assert by_name["gpu_usage"]["resource_series"] == [
        {"name": "0", "values": [40]},
        {"name": "1", "values": [60]},
    ]
    assert "resource_series" not in by_name["cpu_usage"]
    (found,) = api("workers.get_stats", **body)["workers"]
    assert not any("resource_series" in m["stats"][0] for m in found["metrics"])


def test_statistics_of_all_workers_are_apart_by_worker(api: Api) -> None:
    start = a_while_ago()
    names = {measured(api, start + 1), measured(api, start + 1)}
    body = {"items": [{"key": "cpu_usage"}], "interval": STEP}
    answer = api("workers.get_stats", **body, from_date=start, to_date=start + STEP)
    assert names <= {worker["worker"] for worker in answer["workers"]}
    nothing = api("workers.get_stats", **body, from_date=1, to_date=1 + STEP)
    assert nothing == {"workers": []}


def test_an_unknown_aggregation_is_refused(api: Api) -> None:
    body = {"from_date": 1, "to_date": 100, "interval": 60}
    items = [{"key": "cpu_usage", "aggregation": "median"}]
    refused(errors.VALIDATION[:2], api, "workers.get_stats", **body, items=items)


def test_activity_counts_workers_and_those_with_a_task(api: Api) -> None:
    start = a_while_ago() - 100 * STEP
    measured(api, start + 1, start + STEP + 1)
    measured(api, start + 1, task=new_task(api))
    measured(api, start + 1, stats={})
    answer = api(
        "workers.get_activity_report", from_date=start, to_date=start + 3 * STEP, interval=STEP
    )
    dates = [(start + n * STEP) * 1000 for n in range(3)]
    assert answer == {
        "total": {"dates": dates, "counts": [3, 1, 0]},
        "active": {"dates": dates, "counts": [1, 0, 0]},
    }


# --- notes and versions --------------------------------------------------------------------


def test_notes_are_kept_until_they_are_emptied(api: Api) -> None:
    worker = unique("worker")
    api("workers.register", worker=worker)
    assert api("workers.get_runtime_properties", worker=worker) == {"runtime_properties": []}
    given = [{"key": "a", "value": "1"}, {"key": "b", "value": "2", "expiry": 100}]
    answer = api("workers.set_runtime_properties", worker=worker, runtime_properties=given)
    assert sorted(answer["added"]) == ["a", "b"]
    found = api("workers.get_runtime_properties", worker=worker)["runtime_properties"]
    assert [(note["key"], note["value"]) for note in found] == [("a", "1"), ("b", "2")]
    emptied = [{"key": "a", "value": ""}]
    answer = api("workers.set_runtime_properties", worker=worker, runtime_properties=emptied)
    assert answer["removed"] == ["a"]


@pytest.mark.parametrize("version", ["2.1", "2.4", "2.5", "2.23", "2.30"])
def test_the_basics_work_in_every_version(api: Api, version: str) -> None:
    old, worker, start = api.as_version(version), unique("worker"), a_while_ago()
    old("workers.register", worker=worker, input={"view": {}})
    report(old, worker, machine_stats=STATS, timestamp=(start + 1) * 1000)
    assert worker in seen(old)
    items = [{"key": "cpu_usage", "category": "max"}]
    span = {"from_date": start, "to_date": start + STEP, "interval": STEP}
    answer = old("workers.get_stats", worker_ids=[worker], items=items, **span)
    (metric,) = answer["workers"][0]["metrics"]
    assert metric["stats"][0]["values"] == [20]
    old("workers.unregister", worker=worker)
    assert worker not in seen(old)
