"""Two servers on one PostgreSQL: clients cannot tell which of them they talk to."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import update

from taskyard.server import app
from taskyard.server.core import Server
from taskyard.server.jobs import reaper
from taskyard.server.settings import Settings
from taskyard.server.store.tables import attempts
from tests.beds import postgres
from tests.beds.server import Api, Running, running
from tests.beds.waiting import until

LONG = 30.0
"""Seconds of a long poll: longer than a server waits in one piece when no signal reaches it."""

SOON = 5.0


@pytest.fixture(scope="module")
def pair(
    postgres_cluster: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    url = postgres.fresh_database(postgres_cluster)
    with (
        running(tmp_path_factory.mktemp("one"), url) as one,
        running(tmp_path_factory.mktemp("other"), url, like=one) as other,
    ):
        yield one, other


def make_task(api: Api) -> str:
    id: str = api("tasks.create", name="shared", type="testing")["id"]
    return id


def test_what_one_server_writes_the_other_reads(pair: tuple[Running, Running]) -> None:
    one, other = map(Api, pair)
    task = make_task(one)
    assert other("tasks.get_by_id", task=task)["task"]["name"] == "shared"


def test_a_token_of_one_server_is_good_for_the_other(pair: tuple[Running, Running]) -> None:
    one, other = map(Api, pair)
    headers = {"Authorization": f"Bearer {one('auth.login')['token']}"}
    assert other.http.request("POST", "/users.get_current_user", b"{}", headers).status == 200


def test_an_entry_added_on_one_server_wakes_an_agent_that_waits_on_the_other(
    pair: tuple[Running, Running],
) -> None:
    one, other = map(Api, pair)
    queue = one("queues.create", name="woken")["id"]
    task = make_task(one)
    waiting = pair[1].server.signals.waiting
    with ThreadPoolExecutor(1) as pool:
        took = pool.submit(other, "attempts.take", worker="w:1", queues=[queue], wait=LONG)
        until(lambda: f"queue:{queue}" in waiting)
        begun = time.monotonic()
        one("tasks.enqueue", task=task, queue=queue)
        leases = took.result()["attempts"]
    assert [lease["task"] for lease in leases] == [task]
    assert time.monotonic() - begun < SOON


def test_lines_reported_to_one_server_wake_who_follows_them_on_the_other(
    pair: tuple[Running, Running],
) -> None:
    one, other = map(Api, pair)
    task = make_task(one)
    one("tasks.started", task=task)
    waiting = pair[1].server.signals.waiting
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(other, "events.follow_log", task=task, after=0, wait=LONG)
        until(lambda: f"log:{task}" in waiting)
        begun = time.monotonic()
        one("events.add", type="log", task=task, msg="hello")
        assert [line["text"] for line in read.result()["lines"]] == ["hello"]
    assert time.monotonic() - begun < SOON


def test_an_abort_on_one_server_reaches_the_agent_that_renews_on_the_other(
    pair: tuple[Running, Running],
) -> None:
    one, other = map(Api, pair)
    queue = one("queues.create", name="aborted")["id"]
    task = make_task(one)
    one("tasks.enqueue", task=task, queue=queue)
    other("attempts.take", worker="w:abort", queues=[queue], wait=0)
    held = [{"task": task, "attempt": 1}]
    waiting = pair[1].server.signals.waiting
    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(other, "attempts.renew", worker="w:abort", attempts=held, wait=LONG)
        until(lambda: "worker:w:abort" in waiting)
        begun = time.monotonic()
        one("tasks.stop", task=task)
        (result,) = renewed.result()["results"]
    assert result["order"] == "abort"
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize("way", ["attempts.take", "queues.get_next_task"])
def test_entries_taken_from_both_servers_at_once_are_each_handed_out_once(
    pair: tuple[Running, Running], way: str
) -> None:
    one = Api(pair[0])
    queue = one("queues.create", name=f"contended {way}")["id"]
    tasks = [make_task(one) for _ in range(100)]
    for first in range(0, len(tasks), 50):
        one("tasks.enqueue_many", ids=tasks[first : first + 50], queue=queue)

    def agent(number: int, server: Running) -> list[str]:
        api, taken = Api(server), []
        while True:
            if way == "attempts.take":
                worker = f"contender:{number}"
                leases = api(way, worker=worker, queues=[queue], capacity=3, wait=0)["attempts"]
                found = [lease["task"] for lease in leases]
            else:
                entry = api(way, queue=queue).get("entry")
                found = [entry["task"]] if entry else []
            taken += found
            if not found and not one_left():
                return taken

    looking = Api(pair[1])
    lock = threading.Lock()

    def one_left() -> bool:
        # An entry that another agent is just taking may be passed over: empty means no entries.
        with lock:
            return bool(looking("queues.get_num_entries", queue=queue)["num"])

    with ThreadPoolExecutor(8) as pool:
        agents = [pool.submit(agent, n, s) for n, s in zip(range(8), cycle(pair), strict=False)]
        taken = Counter(task for done in agents for task in done.result())
    assert taken == Counter(tasks)


def test_a_lost_run_is_judged_once_though_both_servers_look(
    pair: tuple[Running, Running],
) -> None:
    one, other = pair
    api = Api(one)
    queue = api("queues.create", name="judged")["id"]
    found = []
    for _ in range(10):
        task = make_task(api)
        api("tasks.enqueue", task=task, queue=queue)
        found.append(task)
    api("attempts.take", worker="w:lost", queues=[queue], capacity=10, wait=0)
    held = [{"task": task, "attempt": 1} for task in found]
    api("attempts.renew", worker="w:lost", attempts=held)
    before = [server.server.counters.leases_lost for server in pair]
    over = update(attempts).where(attempts.c.task.in_(found)).values(deadline=1)
    one.await_(one.server.control.write(lambda tx: tx.execute(over).rowcount))
    rounds = [
        asyncio.run_coroutine_threadsafe(reaper.run(server.server), server.loop)
        for server in (one, other)
    ]
    for round_ in rounds:
        round_.result(30)
    for task in found:
        history = api("attempts.get_all", task=task)["attempts"]
        assert [attempt["state"] for attempt in history] == ["lost"]
    after = [server.server.counters.leases_lost for server in pair]
    assert sum(after) - sum(before) == len(found)


def test_a_revoked_key_is_refused_by_both(pair: tuple[Running, Running]) -> None:
    one, other = map(Api, pair)
    made = one("auth.create_credentials")["credentials"]
    keys = made["access_key"], made["secret_key"]
    headers = {"Authorization": _basic(*keys)}
    for api in (one, other):
        assert api.http.request("POST", "/queues.get_default", b"{}", headers).status == 200
    other("auth.revoke_credentials", access_key=keys[0])
    for api in (one, other):

        def refused(api: Api = api) -> bool:
            return api.http.request("POST", "/queues.get_default", b"{}", headers).status == 401

        until(refused)


def test_a_session_that_was_ended_on_one_server_is_refused_by_both(
    pair: tuple[Running, Running],
) -> None:
    one, other = map(Api, pair)
    headers = {"Authorization": f"Bearer {one('auth.login')['token']}"}
    for api in (one, other):
        assert api.http.request("POST", "/queues.get_default", b"{}", headers).status == 200
    assert one.http.request("POST", "/auth.logout", b"{}", headers).status == 200
    for api in (one, other):

        def refused(api: Api = api) -> bool:
            return api.http.request("POST", "/queues.get_default", b"{}", headers).status == 401

        until(refused)


def test_servers_that_start_together_on_an_empty_database_agree(
    postgres_cluster: str, tmp_path: Path
) -> None:
    url = postgres.fresh_database(postgres_cluster)
    settings = [Settings(data=tmp_path / str(n), database_url=url, port=0) for n in range(3)]

    async def start_all() -> tuple[list[str], list[Server]]:
        servers = await asyncio.gather(*(app.start(each) for each in settings))
        names = await servers[0].control.read(
            lambda tx: [row[0] for row in tx.connection.exec_driver_sql("SELECT name FROM queues")]
        )
        for server in servers:
            await app.stop(server)
        return names, servers

    names, servers = asyncio.run(start_all())
    assert sorted(names) == ["default", "services"]
    assert sum(server.first_keys is not None for server in servers) == 1
    assert len({server.guard.tokens._secret for server in servers}) == 1


def _basic(access: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{access}:{secret}".encode()).decode()


def test_a_reader_who_counts_lines_misses_none_that_two_servers_write(
    pair: tuple[Running, Running],
) -> None:
    one, other = map(Api, pair)
    task = make_task(one)

    def write(number: int) -> None:
        head = {"type": "log", "task": task, "timestamp": 1}
        writer = Api(pair[number % 2])
        for line in range(20):
            writer.batch("events.add_batch", [{**head, "msg": f"{number}-{line}"}])

    seen: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, number) for number in range(4)]
        while True:
            over = all(writer.done() for writer in writing)
            found = other("events.read_log", task=task, first=len(seen))["lines"]
            seen += [line["text"] for line in found]
            if over and not found:
                break
        for writer in writing:
            writer.result()

    assert sorted(seen) == sorted(f"{number}-{line}" for number in range(4) for line in range(20))


def test_a_console_is_gone_on_every_server_when_a_reset_is_answered(
    pair: tuple[Running, Running],
) -> None:
    one, other = map(Api, pair)
    task = make_task(one)
    line = {"type": "log", "task": task, "timestamp": 1, "msg": "old"}
    for _ in range(10):
        one.batch("events.add_batch", [line])
        one("tasks.reset", task=task, force=True)

        assert other("events.get_task_log", task=task)["total"] == 0
