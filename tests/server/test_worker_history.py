"""How workers, queues and their machines were, over hours and weeks."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from taskyard.api.errors import ApiError
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_samples
from taskyard.server.store.workers import worker_history
from taskyard.server.store.workers.worker_history import DAY, SECOND
from tests.beds.server import Api, Running

COMPANY = "history"
MINUTE = 60 * SECOND


def write(server: Running, work: Any) -> Any:
    return server.await_(server.server.control.write(work))


@pytest.fixture
def worker() -> str:
    return f"w{uuid.uuid4().hex[:8]}"


def report(server: Running, worker: str, at: int, value: float, task: str = "") -> None:
    measured = [("gpu", "gpu_usage", "0", value)]
    write(server, lambda tx: worker_history.add(tx, COMPANY, worker, at, measured, task))


def gather(server: Running) -> None:
    while write(server, worker_history.gather):
        pass


def seen(server: Running, worker: str, start: int, end: int) -> list[tuple[Any, ...]]:
    """At, mean, least, greatest and weight of each measurement."""
    found = write(
        server,
        lambda tx: list(worker_history.samples(tx, COMPANY, [worker], ["gpu_usage"], start, end)),
    )
    return [
        (m.at, m.mean, m.low, m.high, m.weight) for m in (sample.measurement for sample in found)
    ]


def minutes_ago(days: float) -> int:
    """The beginning of a whole ten minutes, so long ago."""
    at = time.time_ns() // 1000 - int(days * DAY)
    return at - at % (10 * MINUTE)


def rows(server: Running, worker: str) -> dict[int, int]:
    """How many rows there are of each step."""
    table = tables.worker_samples
    query = select(table.c.step, func.count()).where(table.c.worker == worker)
    return dict(write(server, lambda tx: tx.execute(query.group_by("step")).all()))


@pytest.fixture(autouse=True)
def nothing_before(server: Running) -> None:
    write(server, lambda tx: tx.execute(tables.worker_samples.delete()))


def test_reports_of_today_are_given_as_they_came(server: Running, worker: str) -> None:
    at = minutes_ago(0.5)
    report(server, worker, at + 1, 10)
    report(server, worker, at + 2, 30)
    gather(server)

    assert seen(server, worker, at, at + MINUTE) == [
        (at + 1, 10, 10, 10, 1),
        (at + 2, 30, 30, 30, 1),
    ]


def test_reports_of_yesterday_are_given_by_the_minute(server: Running, worker: str) -> None:
    at = minutes_ago(2)
    for second, value in ((1, 10), (2, 30), (61, 5)):
        report(server, worker, at + second * SECOND, value)
    gather(server)

    assert seen(server, worker, at, at + 10 * MINUTE) == [
        (at, 20, 10, 30, 2),
        (at + MINUTE, 5, 5, 5, 1),
    ]


def test_reports_of_last_month_are_given_by_ten_minutes(server: Running, worker: str) -> None:
    at = minutes_ago(30)
    for minute, value in ((0, 10), (1, 30), (9, 50), (10, 7)):
        report(server, worker, at + minute * MINUTE, value)
    gather(server)

    assert seen(server, worker, at, at + 20 * MINUTE) == [
        (at, 30, 10, 50, 3),
        (at + 10 * MINUTE, 7, 7, 7, 1),
    ]


def test_what_was_gathered_is_not_gathered_again(server: Running, worker: str) -> None:
    at = minutes_ago(2)
    report(server, worker, at, 10)
    gather(server)
    gather(server)

    assert rows(server, worker) == {0: 1, 60: 1, 600: 1}


def test_gathering_goes_on_after_a_silence(server: Running, worker: str) -> None:
    report(server, worker, minutes_ago(6), 1)
    gather(server)
    report(server, worker, minutes_ago(2), 2)
    gather(server)

    assert rows(server, worker)[60] == 2


def test_the_present_interval_is_not_gathered_yet(server: Running, worker: str) -> None:
    report(server, worker, time.time_ns() // 1000, 1)
    gather(server)

    assert rows(server, worker) == {0: 1}


def test_fine_rows_go_when_coarse_ones_are_shown(server: Running, worker: str) -> None:
    report(server, worker, minutes_ago(2), 1)
    report(server, worker, minutes_ago(30), 1)
    gather(server)
    write(server, lambda tx: worker_history.forget(tx, 90 * DAY))

    assert rows(server, worker) == {60: 1, 600: 2}


def test_nothing_is_kept_longer_than_the_settings_say(server: Running, worker: str) -> None:
    report(server, worker, minutes_ago(30), 1)
    gather(server)
    write(server, lambda tx: worker_history.forget(tx, 20 * DAY))

    assert rows(server, worker) == {}


def test_who_ran_what_is_remembered_in_coarse_intervals(server: Running, worker: str) -> None:
    at = minutes_ago(30)
    report(server, worker, at, 1)
    report(server, worker, at + SECOND, 1, task="busy")
    report(server, worker, at + 2 * SECOND, 1)
    gather(server)

    def tasks(tx: Tx) -> list[str]:
        return [row.task for row in worker_history.sightings(tx, COMPANY, at, at + MINUTE)]

    assert write(server, tasks) == ["busy"]


# The time line


def run(api: Api, worker: str, *, finish: bool) -> str:
    queue = f"q{uuid.uuid4().hex[:8]}"
    task: str = api("tasks.create", name="job", type="training")["id"]
    api("tasks.enqueue", task=task, queue_name=queue)
    id = api("queues.get_all", name=f"^{queue}$")["queues"][0]["id"]
    (held,) = api("attempts.take", worker=worker, queues=[id])["attempts"]
    if finish:
        number = held["attempt"]
        api("attempts.finish", task=task, attempt=number, worker=worker, outcome="completed")
    return task


def timeline(api: Api, worker: str, start: float = 0, end: float = 2**33) -> list[dict[str, Any]]:
    asked = {"from_date": start, "to_date": end, "worker_ids": [worker]}
    found: list[dict[str, Any]] = api("workers.get_timeline", **asked)["runs"]
    return found


def test_a_time_line_has_what_a_worker_ran_and_runs(api: Api, worker: str) -> None:
    over = run(api, worker, finish=True)
    live = run(api, worker, finish=False)

    found = timeline(api, worker)

    assert [(one["task"], one["name"], one["ended"] is None) for one in found] == [
        (live, "job", True),
        (over, "job", False),
    ]


def test_what_runs_now_is_told_with_whose_it_is(api: Api, worker: str) -> None:
    run(api, worker, finish=True)
    live = run(api, worker, finish=False)
    found = [one for one in api("workers.get_runs")["runs"] if one["worker"] == worker]
    assert [(one["task"], one["user"]) for one in found] == [
        (live, api("users.get_current_user")["user"]["name"])
    ]


def test_a_time_line_tells_which_gpus_a_run_has(api: Api, worker: str) -> None:
    task = run(api, worker, finish=False)
    place = {"worker": f"{worker}:gpu1", "gpus": ["GPU-1"], "share": 10_000}
    api("attempts.report", task=task, attempt=1, worker=worker, phase="launch", place=place)

    (found,) = timeline(api, worker)

    assert found["place"] == place


def test_the_load_of_a_machine_is_its_last_report(api: Api, worker: str) -> None:
    now = int(time.time() * 1000)
    for ago, usage in ((200_000, 1), (20_000, 2), (0, 30)):
        api(
            "workers.status_report",
            worker=worker,
            timestamp=now - ago,
            machine_stats={"cpu_usage": [usage, 50], "memory_used": 7},
        )

    (found,) = api("workers.get_load", worker_ids=[worker])["loads"]

    assert found == {
        "worker": worker,
        "at": now,
        "load": {"cpu_usage": {"0": 30, "1": 50}, "memory_used": {"total": 7}},
    }


def test_a_machine_that_is_silent_has_no_load(api: Api, worker: str) -> None:
    at = int(time.time() * 1000) - 200_000
    api("workers.status_report", worker=worker, timestamp=at, machine_stats={"cpu_usage": 5})

    assert api("workers.get_load", worker_ids=[worker])["loads"] == []


def test_a_time_line_leaves_out_what_was_over_before_it(api: Api, worker: str) -> None:
    run(api, worker, finish=True)

    assert timeline(api, worker, start=time.time() + 60) == []


def test_a_time_line_leaves_out_what_began_after_it(api: Api, worker: str) -> None:
    run(api, worker, finish=False)

    assert timeline(api, worker, end=time.time() - 60) == []


def test_a_time_line_must_not_end_before_it_begins(api: Api, worker: str) -> None:
    with pytest.raises(ApiError, match="from_date"):
        timeline(api, worker, start=2, end=1)


# Queues


def test_a_queue_s_samples_tell_of_the_oldest_and_the_running(api: Api, worker: str) -> None:
    queue: str = api("queues.create", name=f"q{uuid.uuid4().hex[:8]}")["id"]
    for _ in range(2):
        task = api("tasks.create", name="job", type="training")["id"]
        api("tasks.enqueue", task=task, queue=queue)
    api("attempts.take", worker=worker, queues=[queue])

    now = time.time()
    asked = {"from_date": now - 600, "to_date": now + 600, "interval": 1200, "refresh": True}
    (found,) = api("queues.get_queue_metrics", queue_ids=[queue], **asked)["queues"]

    assert found["running"][-1] == 1
    assert found["oldest_waiting_times"][-1] > 0


def test_old_samples_of_a_queue_are_thinned_out(server: Running) -> None:
    queue = uuid.uuid4().hex
    now = time.time_ns() // 1000
    day_ago, just_now = now - DAY - 20 * MINUTE, now - MINUTE
    day_ago -= day_ago % MINUTE
    moments = [day_ago, day_ago + 10 * SECOND, day_ago + MINUTE, just_now, just_now + SECOND]
    row = {"queue": queue, "length": 1, "oldest": 0.0, "running": 0}

    def sample(tx: Tx) -> list[int]:
        for at, waiting in zip(moments, (5.0, 9.0, 1.0, 1.0, 1.0), strict=True):
            tx.execute(tables.queue_samples.insert().values(**row, at=at, waiting=waiting))
        queue_samples.forget(tx, 0)
        return [found.at for found in queue_samples.between(tx, [queue], 0, 2**62)]

    assert write(server, sample) == moments[1:]
