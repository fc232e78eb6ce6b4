"""How long tasks waited in queues: counted as they are handed out, told as percentiles."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import select, update

from taskyard.server.domain import waits
from taskyard.server.jobs import statistics
from taskyard.server.store import tables
from taskyard.server.store.queues import queue_waits
from taskyard.server.store.queues.queue_waits import COARSE, KEPT_BY_MINUTE, MINUTE, SECOND, Slot
from tests.beds.server import Api, Running
from tests.server.making import filled, new_queue


def write(server: Running, work: Any) -> Any:
    return server.await_(server.server.control.write(work))


def handed_out(server: Running, api: Api, *waited: float) -> str:
    """A queue whose tasks were handed out after so many seconds each; gives its id."""
    queue, tasks = filled(api, len(waited))
    entries = tables.entries
    for task, seconds in zip(tasks, waited, strict=True):
        added = time.time_ns() // 1000 - int(seconds * SECOND)
        changed = update(entries).where(entries.c.task == task).values(added=added)
        write(server, lambda tx, changed=changed: tx.execute(changed))
    api("attempts.take", worker="waits", queues=[queue], capacity=len(waited))
    server.await_(statistics.run(server.server))
    return queue


def told(api: Api, queue: str) -> dict[str, Any]:
    (found,) = (one for one in api("queues.get_waits")["queues"] if one["queue"] == queue)
    return dict(found)


def rows(server: Running, queue: str) -> list[tuple[int, int]]:
    """Start and number of each row."""
    table = tables.queue_waits
    query = select(table.c.at, table.c.number).where(table.c.queue == queue).order_by(table.c.at)
    return [(at, number) for at, number in write(server, lambda tx: tx.execute(query).all())]


def test_a_queue_tells_half_and_nearly_all_of_its_waits(server: Running, api: Api) -> None:
    queue = handed_out(server, api, *[10.0] * 9, 500.0)
    found = told(api, queue)
    assert found["started"] == 10
    assert found["p50"] == pytest.approx(10, rel=0.2)
    assert found["p95"] == pytest.approx(500, rel=0.2)


def test_a_queue_that_handed_nothing_out_has_no_wait(api: Api) -> None:
    found = told(api, new_queue(api))
    assert (found["started"], found["p50"], found["p95"]) == (0, None, None)


def test_waits_stand_in_a_queues_history(server: Running, api: Api) -> None:
    queue = handed_out(server, api, 60.0, 60.0)
    now = time.time()
    asked = {"from_date": now - 3600, "to_date": now + 60, "interval": 3600, "queue_ids": [queue]}
    (found,) = api("queues.get_queue_metrics", **asked)["queues"]
    (seen,) = (wait for wait in found["p95_waits"] if wait is not None)
    assert seen == pytest.approx(60, rel=0.2)


def test_counts_of_one_minute_add_up(server: Running) -> None:
    slot = Slot("adding", 5 * MINUTE, 3)
    write(server, lambda tx: queue_waits.add(tx, {slot: 2}))
    write(server, lambda tx: queue_waits.add(tx, {slot: 5}))
    assert rows(server, "adding") == [(5 * MINUTE, 7)]


def test_older_counts_are_kept_in_coarse_intervals(server: Running) -> None:
    day_ago = time.time_ns() // 1000 - KEPT_BY_MINUTE
    start = day_ago - day_ago % COARSE - COARSE
    counts = {Slot("older", start + n * MINUTE, 3): 2 for n in range(4)}
    write(server, lambda tx: queue_waits.add(tx, counts))
    for _ in range(2):
        write(server, lambda tx: queue_waits.forget(tx, 0))
    assert rows(server, "older") == [(start, 8)]


def test_what_is_too_old_is_forgotten(server: Running) -> None:
    write(server, lambda tx: queue_waits.add(tx, {Slot("gone", MINUTE, 3): 1}))
    write(server, lambda tx: queue_waits.forget(tx, 2 * MINUTE))
    assert rows(server, "gone") == []


@pytest.mark.parametrize("seconds", [0.2, 1, 59, 3600, 400_000])
def test_a_percentile_is_off_by_no_more_than_a_tenth(seconds: float) -> None:
    counts = {waits.bucket(seconds): 1000}
    assert waits.percentile(counts, 0.5) == pytest.approx(seconds, rel=0.1)
