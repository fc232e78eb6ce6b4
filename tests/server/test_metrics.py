"""``/metrics``, as Prometheus reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import update

from taskyard.server import metrics
from taskyard.server.jobs import reaper
from taskyard.server.store.tables import attempts
from tests.beds.server import Api, Running, running

SAMPLE = re.compile(r'([a-z_:]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "FRESH", -1.0)


def read(api: Api) -> dict[str, float]:
    """Every sample by its name and labels as they are written."""
    answer = api.http.request("GET", "/metrics", b"", {})
    assert answer.status == 200
    found = {}
    for line in answer.body.decode().splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            found[line.rpartition(" ")[0]] = float(match[3])
    return found


def make_task(api: Api) -> str:
    id: str = api("tasks.create", name="counted", type="testing")["id"]
    return id


def test_a_queues_length_and_oldest_wait_are_shown(api: Api) -> None:
    queue = api("queues.create", name="measured")["id"]
    assert read(api)['taskyard_queue_length{queue="measured"}'] == 0
    assert read(api)['taskyard_queue_oldest_seconds{queue="measured"}'] == 0
    for _ in range(2):
        api("tasks.enqueue", task=make_task(api), queue=queue)
    assert read(api)['taskyard_queue_length{queue="measured"}'] == 2
    assert read(api)['taskyard_queue_oldest_seconds{queue="measured"}'] > 0


def test_names_cannot_break_out_of_their_quotes(api: Api) -> None:
    api("queues.create", name='a"} 1\n\\b')
    assert 'taskyard_queue_length{queue="a\\"} 1\\n\\\\b"}' in read(api)


def test_tasks_are_counted_by_status(api: Api) -> None:
    before = read(api)
    task = make_task(api)
    api("tasks.started", task=task)
    after = read(api)
    for status, more in (("in_progress", 1), ("created", 0)):
        name = f'taskyard_tasks{{status="{status}"}}'
        assert after[name] - before[name] == more


def test_runs_under_way_and_busy_workers_are_counted(api: Api) -> None:
    before = read(api)
    queue = api("queues.create", name="measured-work")["id"]
    api("tasks.enqueue", task=make_task(api), queue=queue)
    api("workers.register", worker="measured:1")
    api("workers.register", worker="measured:2")
    api("attempts.take", worker="measured:1", queues=[queue], wait=0)
    after = read(api)
    for name in (
        'taskyard_attempts{state="leased"}',
        'taskyard_workers{state="busy"}',
        'taskyard_workers{state="idle"}',
    ):
        assert after[name] - before[name] == 1


def test_requests_are_counted_by_action_and_code(api: Api) -> None:
    before = read(api)
    api("queues.get_default")
    api.send("POST", "/tasks.get_by_id", b'{"task": "none"}')
    after = read(api)
    good = 'taskyard_requests_total{action="queues.get_default",code="200"}'
    bad = 'taskyard_requests_total{action="tasks.get_by_id",code="400"}'
    assert after[good] - before.get(good, 0) == 1
    assert after[bad] - before.get(bad, 0) == 1


def test_times_of_requests_fall_into_buckets_that_add_up(api: Api) -> None:
    api("queues.get_default")
    found = read(api)
    name = 'action="queues.get_default"'
    buckets = [
        value
        for key, value in found.items()
        if key.startswith("taskyard_request_seconds_bucket{" + name)
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found[f"taskyard_request_seconds_count{{{name}}}"]
    assert found[f"taskyard_request_seconds_sum{{{name}}}"] > 0


def test_callers_cannot_make_up_labels(api: Api) -> None:
    api.send("POST", "/made.up", b"{}")
    found = read(api)
    assert not [key for key in found if "made" in key]
    assert found['taskyard_requests_total{action="unknown",code="404"}'] >= 1


def test_a_lost_lease_is_counted(server: Running, api: Api) -> None:
    queue = api("queues.create", name="measured-loss")["id"]
    task = make_task(api)
    api("tasks.enqueue", task=task, queue=queue)
    api("attempts.take", worker="measured:3", queues=[queue], wait=0)
    before = read(api)["taskyard_leases_lost_total"]
    over = update(attempts).where(attempts.c.task == task).values(deadline=1)
    server.await_(server.server.control.write(lambda tx: tx.execute(over).rowcount))
    server.await_(reaper.run(server.server))
    assert read(api)["taskyard_leases_lost_total"] == before + 1


def test_the_process_tells_its_memory(api: Api) -> None:
    assert read(api)["process_resident_memory_bytes"] > 1_000_000


def test_every_family_has_help_and_a_type(api: Api) -> None:
    lines = api.http.request("GET", "/metrics", b"", {}).body.decode().splitlines()
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert named == {line.split()[2] for line in lines if line.startswith("# HELP")}
    for line in lines:
        if not line.startswith("#"):
            name = re.split(r"[{ ]", line)[0]
            assert {name, re.sub(r"_(bucket|sum|count)$", "", name)} & named


def test_metrics_can_be_made_private(tmp_path: Path) -> None:
    with running(tmp_path, private_metrics=True) as server:
        api = Api(server)
        assert api.http.request("GET", "/metrics", b"", {}).status == 401
        assert api.send("GET", "/metrics").status == 200
