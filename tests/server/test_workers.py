"""The workers service, as a stranger's client sees it."""

from __future__ import annotations

import itertools
import time
import uuid
from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api import errors
from taskyard.api.errors import ApiError
from taskyard.server.jobs import statistics
from taskyard.server.store.tables import workers
from tests.beds.server import Api, Running
from tests.server.asking import UNKNOWN
from tests.server.making import new_queue

STATS = {
    "cpu_usage": [10.0, 30.0],
    "memory_used": 1000,
    "gpu_usage": [50, 70],
    "disk_read": 0,
    "network_tx": None,
}


def unique(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


def make_task(api: Api, **fields: Any) -> str:
    id: str = api("tasks.create", name=unique("task"), type="training", **fields)["id"]
    return id


def find(api: Api, worker: str, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("workers.get_all", worker_pattern=worker, **body)["workers"]
    return found


def say(api: Api, worker: str, **body: Any) -> None:
    now = int(time.time() * 1000)
    api("workers.status_report", **{"worker": worker, "timestamp": now, **body})


def refused(api: Api, action: str, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        api(action, **body)
    return caught.value.kind


def silence(server: Running, worker: str, seconds: int) -> None:
    """Make a worker's last sign of life older."""
    by = seconds * 1_000_000
    earlier = (
        update(workers)
        .where(workers.c.id == worker)
        .values(last_activity=workers.c.last_activity - by)
    )
    server.await_(server.server.control.write(lambda tx: tx.execute(earlier)))


def test_a_registered_worker_is_listed_with_its_queues(api: Api) -> None:
    queue, worker = new_queue(api), unique("registered")
    task = make_task(api)
    api("tasks.enqueue", task=task, queue=queue)
    assert api("workers.register", worker=worker, queues=[queue], tags=["t"], timeout=60) == {}
    (found,) = find(api, worker)
    assert (found["id"], found["tags"], found["system_tags"]) == (worker, ["t"], [])
    assert found["ip"] == "127.0.0.1"
    assert found["register_timeout"] == 60
    assert found["register_time"].endswith("+00:00")
    assert set(found["user"]) == set(found["company"]) == {"id", "name"}
    assert found["key"] == f"worker_{found['company']['id']}_{found['user']['id']}_{worker}"
    (shown,) = found["queues"]
    assert (shown["id"], shown["num_tasks"], shown["next_task"]["id"]) == (queue, 1, task)


def test_a_worker_cannot_serve_a_queue_that_does_not_exist(api: Api) -> None:
    body = {"worker": unique("w"), "queues": [UNKNOWN]}
    assert refused(api, "workers.register", **body) == errors.INVALID_QUEUE_ID[:2]


def test_an_unregistered_worker_is_gone_and_may_say_so_twice(api: Api) -> None:
    worker = unique("leaving")
    api("workers.register", worker=worker)
    assert api("workers.unregister", worker=worker) == {}
    assert find(api, worker) == []
    assert api("workers.unregister", worker=worker, queues=[]) == {}


def test_a_report_registers_a_worker_nobody_knew(api: Api) -> None:
    worker = unique("unknown")
    say(api, worker)
    (found,) = find(api, worker)
    assert found["queues"] == []


def test_a_worker_shows_the_task_it_reports(api: Api) -> None:
    worker, queue = unique("busy"), new_queue(api)
    project = api("projects.create", name=unique("project"))["id"]
    task = make_task(api, project=project)
    api("tasks.started", task=task)
    say(api, worker, task=task, queue=queue)
    (found,) = find(api, worker)
    assert found["task"]["id"] == task
    assert isinstance(found["task"]["running_time"], int)
    assert found["task"]["last_iteration"] == 0
    assert (found["project"]["id"], found["queue"]["id"]) == (project, queue)
    assert api("tasks.get_by_id", task=task)["task"]["last_worker"] == worker


def test_a_report_without_a_task_says_that_the_worker_is_idle(api: Api) -> None:
    worker = unique("idle")
    say(api, worker, task=make_task(api))
    say(api, worker)
    (found,) = find(api, worker)
    assert not {"task", "project", "queue"} & set(found)


def test_a_report_on_an_unknown_task_is_refused(api: Api) -> None:
    body = {"worker": unique("w"), "timestamp": 1, "task": UNKNOWN}
    assert refused(api, "workers.status_report", **body) == errors.INVALID_TASK_ID[:2]


def test_nulls_in_a_report_change_nothing(api: Api) -> None:
    worker, queue = unique("nulls"), new_queue(api)
    api("workers.register", worker=worker, queues=[queue], tags=["t"])
    say(api, worker, queues=None, tags=None, machine_stats=None, task=None)
    (found,) = find(api, worker)
    assert ([q["id"] for q in found["queues"]], found["tags"]) == ([queue], ["t"])


def test_a_worker_that_falls_silent_is_forgotten_after_its_timeout(
    api: Api, server: Running
) -> None:
    worker = unique("silent")
    api("workers.register", worker=worker, timeout=100)
    silence(server, worker, 99)
    assert len(find(api, worker)) == 1
    silence(server, worker, 2)
    assert find(api, worker, last_seen=0) == []


def test_last_seen_narrows_the_list(api: Api, server: Running) -> None:
    worker = unique("seen")
    api("workers.register", worker=worker, timeout=100_000)
    silence(server, worker, 4000)
    assert find(api, worker) == []
    assert len(find(api, worker, last_seen=0)) == 1
    assert len(find(api, worker, last_seen=5000)) == 1
    assert api("workers.get_count", worker_pattern=worker)["count"] == 1


@pytest.mark.parametrize(
    ("tags", "shown"), [(["a"], True), (["b"], False), (["-a"], False), (["-b"], True)]
)
def test_tags_narrow_the_list(api: Api, tags: list[str], shown: bool) -> None:
    worker = unique("tagged")
    api("workers.register", worker=worker, tags=["a"])
    assert bool(find(api, worker, tags=tags)) is shown


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [("{}:gpu*", True), ("{}:gpu?,1", True), ("{}", False), ("{}:cpu*", False)],
)
def test_a_pattern_narrows_the_list(api: Api, pattern: str, shown: bool) -> None:
    host = unique("host")
    api("workers.register", worker=f"{host}:gpu0,1")
    assert bool(find(api, pattern.format(host))) is shown


def test_notes_about_a_worker_can_be_set_read_and_removed(api: Api) -> None:
    worker = unique("noted")
    api("workers.register", worker=worker)
    assert api("workers.get_runtime_properties", worker=worker) == {"runtime_properties": []}
    notes = [{"key": "force", "value": "on", "expiry": 3600}, {"key": "max", "value": "2"}]
    api("workers.set_runtime_properties", worker=worker, runtime_properties=notes)
    force, most = api("workers.get_runtime_properties", worker=worker)["runtime_properties"]
    assert (force["key"], force["value"]) == ("force", "on")
    assert 3500 < force["expiry"] <= 3600
    assert most == {"key": "max", "value": "2", "expiry": None}
    gone = [{"key": "force", "value": ""}]
    api("workers.set_runtime_properties", worker=worker, runtime_properties=gone)
    assert api("workers.get_runtime_properties", worker=worker)["runtime_properties"] == [most]


def test_notes_outlive_a_new_registration(api: Api) -> None:
    worker = unique("noted")
    notes = [{"key": "force", "value": "on"}]
    api("workers.set_runtime_properties", worker=worker, runtime_properties=notes)
    api("workers.register", worker=worker)
    assert api("workers.get_runtime_properties", worker=worker)["runtime_properties"]


def test_an_unknown_worker_cannot_be_ordered_about(api: Api) -> None:
    assert refused(api, "workers.pause", worker=unique("w")) == errors.INVALID_WORKER_ID[:2]


def test_an_order_is_shown_with_its_worker(api: Api) -> None:
    worker = unique("ordered")
    api("workers.register", worker=worker)
    assert api("workers.drain", worker=worker, reason="moving")["order"] == "drain"
    (found,) = find(api, worker)
    assert (found["order"]["kind"], found["order"]["reason"]) == ("drain", "moving")


def test_an_order_is_kept_with_who_gave_it_and_why_when_the_worker_has_left(api: Api) -> None:
    worker, me = unique("told"), api("users.get_current_user")["user"]["name"]
    api("workers.register", worker=worker)
    api("workers.pause", worker=worker, reason="a new driver")
    assert find(api, worker)[0]["order"]["by_name"] == me
    api("workers.resume", worker=worker, reason="installed")
    api("workers.unregister", worker=worker)
    assert [
        (one["kind"], one["reason"], one["by_name"])
        for one in api("workers.get_orders", worker=worker)["orders"]
    ] == [("resume", "installed", me), ("pause", "a new driver", me)]


def test_an_id_in_use_on_another_machine_is_refused_to_a_second_agent(
    api: Api, server: Running
) -> None:
    worker = unique("twin")
    api("workers.register", worker=worker)
    api("workers.register", worker=worker, exclusive=True)
    elsewhere(server, worker, seconds_ago=1)
    kind = refused(api, "workers.register", worker=worker, exclusive=True)
    assert kind == errors.WORKER_REGISTERED[:2]
    elsewhere(server, worker, seconds_ago=60)
    api("workers.register", worker=worker, exclusive=True)


def elsewhere(server: Running, worker: str, *, seconds_ago: int) -> None:
    """Have the worker be heard of last from another machine."""
    heard = {"ip": "10.9.8.7", "last_activity": time.time_ns() // 1000 - seconds_ago * 1_000_000}
    query = update(workers).where(workers.c.id == worker).values(heard)
    server.await_(server.server.control.write(lambda tx: tx.execute(query).rowcount))


def test_a_worker_that_is_to_stop_is_shown_so(api: Api) -> None:
    worker = unique("stopped")
    api("workers.register", worker=worker)
    assert api("workers.stop", worker=worker)["order"] == "stop"
    assert find(api, worker)[0]["order"]["kind"] == "stop"


def test_a_worker_says_why_it_takes_nothing_until_it_does(api: Api) -> None:
    worker = unique("unfit")
    say(api, worker, unfit="the disk is full")
    assert find(api, worker)[0]["unfit"] == "the disk is full"
    say(api, worker)
    assert find(api, worker)[0]["unfit"] == "the disk is full"
    say(api, worker, unfit="")
    assert "unfit" not in find(api, worker)[0]


# Statistics


def test_metric_keys_are_listed_by_category(api: Api) -> None:
    worker = unique("measured")
    kind = refused(api, "workers.get_metric_keys", worker_ids=[worker])
    assert kind == errors.NO_WORKER_STATS[:2]
    say(api, worker, machine_stats=STATS)
    found = api("workers.get_metric_keys", worker_ids=[worker])["categories"]
    assert found == [
        {"name": "cpu", "metric_keys": ["cpu_usage"]},
        {"name": "gpu", "metric_keys": ["gpu_usage"]},
        {"name": "memory", "metric_keys": ["memory_used"]},
    ]


def ask(api: Api, worker: str, **body: Any) -> list[dict[str, Any]]:
    items = [{"key": "cpu_usage", "aggregation": a} for a in ("avg", "max")]
    items.append({"key": "gpu_usage", "aggregation": "min"})
    now = time.time()
    (found,) = api(
        "workers.get_stats",
        **{
            "items": items,
            "worker_ids": [worker],
            "from_date": now - 400,
            "to_date": now + 100,
            "interval": 1,
            **body,
        },
    )["workers"]
    assert found["worker"] == worker
    metrics: list[dict[str, Any]] = found["metrics"]
    return metrics


def test_measurements_are_aggregated_by_interval(api: Api) -> None:
    worker = unique("measured")
    say(api, worker, machine_stats=STATS)
    cpu, gpu = ask(api, worker)
    assert [s["aggregation"] for s in cpu["stats"]] == ["avg", "max"]
    average, greatest = (s["values"] for s in cpu["stats"])
    assert (max(average), max(greatest), max(gpu["stats"][0]["values"])) == (20.0, 30.0, 50.0)
    dates = cpu["stats"][0]["dates"]
    assert len(dates) == len(average)
    assert {b - a for a, b in itertools.pairwise(dates)} == {40_000}


def test_graphics_cards_are_shown_one_by_one_on_request(api: Api) -> None:
    worker = unique("measured")
    say(api, worker, machine_stats=STATS)
    cpu, gpu = ask(api, worker, split_by_resource=True)
    assert "resource_series" not in cpu["stats"][0]
    cards = gpu["stats"][0]["resource_series"]
    assert [(card["name"], max(card["values"])) for card in cards] == [("0", 50.0), ("1", 70.0)]


def test_an_interval_without_a_report_is_a_gap_on_request_and_idleness_none(api: Api) -> None:
    worker = unique("measured")
    say(api, worker, machine_stats={"cpu_usage": [10], "gpu_usage": [0, 70]})
    earlier = int((time.time() - 90) * 1000)
    say(api, worker, timestamp=earlier, machine_stats={"cpu_usage": [20]})
    cpu, gpu = ask(api, worker, split_by_variant=True, gaps=True)
    seen = [
        [value for value in one["stats"][0]["values"] if value is not None] for one in (cpu, gpu)
    ]
    assert seen == [[20.0, 10.0], [0.0, 70.0]]
    assert None in gpu["stats"][0]["values"]


def test_older_clients_get_one_curve_a_unit(api: Api) -> None:
    worker = unique("measured")
    say(api, worker, machine_stats=STATS)
    found = ask(api, worker, split_by_variant=True)
    assert [(m["metric"], m["variant"]) for m in found] == [
        ("cpu_usage", "0"),
        ("cpu_usage", "1"),
        ("gpu_usage", "0"),
        ("gpu_usage", "1"),
    ]


def test_a_time_given_in_seconds_is_understood(api: Api) -> None:
    worker = unique("seconds")
    api("workers.status_report", worker=worker, timestamp=int(time.time()), machine_stats=STATS)
    cpu, _ = ask(api, worker)
    assert max(cpu["stats"][0]["values"]) == 20.0


def test_the_activity_report_counts_workers_and_busy_ones(api: Api) -> None:
    say(api, unique("one"))
    say(api, unique("two"), task=make_task(api))
    now = time.time()
    body = {"from_date": now - 300, "to_date": now + 100, "interval": 1}
    found = api("workers.get_activity_report", **body)
    assert max(found["total"]["counts"]) >= 2
    assert max(found["active"]["counts"]) >= 1
    assert found["total"]["dates"] == found["active"]["dates"]


def test_old_measurements_are_deleted(api: Api, server: Running) -> None:
    worker = unique("old")
    long_ago = (time.time() - 365 * 86400) * 1000
    api("workers.status_report", worker=worker, timestamp=long_ago, machine_stats=STATS)
    new_queue(api)
    server.await_(server.server.control.write(lambda tx: statistics.sample_and_forget(tx, 10**12)))
    kind = refused(api, "workers.get_metric_keys", worker_ids=[worker])
    assert kind == errors.NO_WORKER_STATS[:2]


@pytest.mark.parametrize("action", ["get_stats", "get_activity_report"])
def test_a_span_that_ends_before_it_begins_is_refused(api: Api, action: str) -> None:
    body: dict[str, Any] = {"from_date": 2, "to_date": 1, "interval": 1, "items": []}
    assert refused(api, f"workers.{action}", **body) == errors.VALIDATION[:2]
