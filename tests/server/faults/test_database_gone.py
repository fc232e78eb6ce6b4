"""PostgreSQL goes away under the server and comes back: the server stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskyard.api.errors import ApiError
from tests.beds import postgres
from tests.beds.server import Api, Running, running
from tests.beds.waiting import until
from tests.server.faults.process import PATIENCE


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    with postgres.stoppable() as found:
        yield found


@pytest.fixture
def server(cluster: postgres.Cluster, tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, postgres.fresh_database(cluster.url)) as found:
        yield found


def works(api: Api) -> bool:
    try:
        api("queues.get_all")
    except ApiError as error:
        if error.code != 503:
            raise
        return False
    return True


def test_a_database_that_went_away_is_named_and_found_again(
    cluster: postgres.Cluster, server: Running
) -> None:
    api = Api(server)
    task = api("tasks.create", name="kept", type="testing")["id"]

    cluster.stop()

    for name, body in (
        ("tasks.get_by_id", {"task": task}),
        ("tasks.create", {"name": "lost", "type": "testing"}),
        ("events.get_task_log", {"task": task}),
    ):
        with pytest.raises(ApiError) as refused:
            api(name, **body)
        assert refused.value.kind == (503, 2)
        assert refused.value.hint
    assert api.http.request("GET", "/healthz").status == 503

    cluster.start()

    until(lambda: works(api), "an answer after the database is back")
    assert api("tasks.get_by_id", task=task)["task"]["name"] == "kept"
    assert api("tasks.create", name="again", type="testing")["id"]


def test_an_agent_that_waits_gets_its_task_after_the_database_was_away(
    cluster: postgres.Cluster, server: Running
) -> None:
    api = Api(server)
    queue = api("queues.create", name="away")["id"]
    task = api("tasks.create", name="waited for", type="testing")["id"]
    waiting = server.server.signals.waiting
    take = {"worker": "w:1", "queues": [queue], "wait": 50, "known": []}
    agent = server.session(patience=PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        took = pool.submit(agent.raw, "attempts.take", take, timeout=PATIENCE)
        until(lambda: f"queue:{queue}" in waiting, "the agent waits")
        cluster.stop()
        cluster.start()
        until(lambda: works(api), "an answer after the database is back")
        api("tasks.enqueue", task=task, queue=queue)
        assert [lease["task"] for lease in took.result(PATIENCE)["attempts"]] == [task]
