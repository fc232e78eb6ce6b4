"""The stream of changes, over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from taskyard.server import live
from tests.beds import postgres
from tests.beds.server import Api, Running, running
from tests.beds.waiting import until


class Event(NamedTuple):
    kind: str
    id: str
    data: dict[str, Any]


class Stream:
    """An open stream, read event by event."""

    def __init__(self, api: Api, headers: dict[str, str] | None = None, **query: str) -> None:
        address = urlsplit(api.running.url).netloc
        self._connection = http.client.HTTPConnection(address, timeout=20)
        merged = {"Authorization": f"Bearer {api('auth.login')['token']}"} | (headers or {})
        self._connection.request("GET", f"/events/stream?{urlencode(query)}", headers=merged)
        self.answer = self._connection.getresponse()

    def next(self) -> Event:
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode()
            if not line:
                raise EOFError
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n" and "event" in fields:
                return Event(fields["event"], fields["id"], msgspec.json.decode(fields["data"]))
            fields[name] = value

    def changed(self, wanted: str) -> Event:
        """Read on until an event names this change."""
        while wanted not in (event := self.next()).data.get("changed", ()):
            pass
        return event

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@contextlib.contextmanager
def stream(api: Api, headers: dict[str, str] | None = None, **query: str) -> Iterator[Stream]:
    opened = Stream(api, headers, **query)
    try:
        yield opened
    finally:
        opened.close()


def make_task(api: Api) -> str:
    id: str = api("tasks.create", name="live task", type="testing")["id"]
    return id


def test_a_stream_begins_with_the_revision_it_stands_at(api: Api) -> None:
    with stream(api) as found:
        event = found.next()
    assert (event.kind, event.id) == ("ready", event.data["rev"])


def test_a_change_of_a_task_is_told(api: Api) -> None:
    task = make_task(api)
    with stream(api, topics="tasks") as found:
        found.next()
        api("tasks.edit", task=task, name="another")
        event = found.changed(f"task:{task}")
    assert event.kind == "change"
    assert event.id == event.data["rev"]


def test_entries_that_come_and_go_change_their_queue(api: Api) -> None:
    queue = api("queues.create", name="live")["id"]
    task = make_task(api)
    with stream(api, topics=f"queue:{queue}") as found:
        found.next()
        api("tasks.enqueue", task=task, queue=queue)
        found.changed(f"queue:{queue}")
        api("tasks.dequeue", task=task)
        found.changed(f"queue:{queue}")


def test_a_worker_that_takes_a_task_is_told(api: Api) -> None:
    queue = api("queues.create", name="live-work")["id"]
    api("tasks.enqueue", task=make_task(api), queue=queue)
    api("workers.register", worker="live:1", queues=[queue])
    with stream(api, topics="worker:live:1") as found:
        found.next()
        api("attempts.take", worker="live:1", queues=[queue], wait=0)
        found.changed("worker:live:1")


def test_signs_of_life_alone_are_not_told(api: Api) -> None:
    api("workers.register", worker="live:2")
    with stream(api, topics="workers") as found:
        found.next()
        api("workers.status_report", worker="live:2", timestamp=int(time.time()))
        api("workers.register", worker="live:3")
        assert found.next().data["changed"] == ["worker:live:3"]


def test_lines_of_a_console_are_told(api: Api) -> None:
    task = make_task(api)
    with stream(api, topics=f"log:{task}") as found:
        found.next()
        api("events.add", type="log", task=task, msg="hello")
        found.changed(f"log:{task}")


def test_what_is_not_asked_for_is_not_told(api: Api) -> None:
    mine, other = make_task(api), make_task(api)
    with stream(api, topics=f"task:{mine}") as found:
        found.next()
        api("tasks.edit", task=other, name="changed")
        api("tasks.edit", task=mine, name="changed")
        assert found.next().data["changed"] == [f"task:{mine}"]


@pytest.mark.parametrize("way", ["query", "header"])
def test_a_stream_resumes_after_the_last_event_it_had(api: Api, way: str) -> None:
    task = make_task(api)
    with stream(api, topics="tasks") as found:
        last = found.next().id
    api("tasks.edit", task=task, name="meanwhile")
    query, headers = {"topics": "tasks"}, {}
    if way == "query":
        query["since"] = last
    else:
        headers["Last-Event-ID"] = last
    with stream(api, headers, **query) as found:
        assert found.next() == ("ready", last, {"rev": last})
        found.changed(f"task:{task}")


def test_a_revision_that_is_not_known_any_more_is_told_as_a_reset(api: Api) -> None:
    with stream(api, since="0000-12") as found:
        event = found.next()
    assert event.kind == "reset"
    with stream(api, since=event.id) as found:
        assert found.next().kind == "ready"


def test_a_burst_of_changes_arrives_as_few_events(api: Api) -> None:
    tasks = [make_task(api) for _ in range(3)]
    with stream(api, topics="tasks") as found:
        found.next()
        for number in range(40):
            api("tasks.edit", task=tasks[number % 3], name=f"name {number}")
        done = make_task(api)
        api("tasks.edit", task=done, name="last")
        events = 1
        while f"task:{done}" not in found.next().data["changed"]:
            events += 1
    assert events < 40


def test_strangers_get_no_stream(server: Running) -> None:
    answer = Api(server).http.request("GET", "/events/stream", b"", {})
    assert answer.status == 401


def test_a_page_of_another_site_gets_no_stream(api: Api) -> None:
    cookie = f"clearml_token_basic={api('auth.login')['token']}"
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}
    assert api.http.request("GET", "/events/stream", b"", headers).status == 401


def test_an_unknown_topic_is_refused(api: Api) -> None:
    answer = api.send("GET", "/events/stream?topics=nonsense")
    assert answer.status == 400
    assert "nonsense" in msgspec.json.decode(answer.body)["message"]


def test_a_stream_whose_reader_left_is_forgotten(server: Running, api: Api) -> None:
    with stream(api) as found:
        found.next()
        until(lambda: server.server.changes.followers > 0)
    until(lambda: server.server.changes.followers == 0)


def test_a_silent_stream_shows_signs_of_life_until_its_session_ends(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEEP_ALIVE", 0.05)
    token = api("auth.login")["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with stream(api, headers, topics="task:nobody") as found:
        assert found.next().kind == "ready"
        assert found.answer.readline().startswith(b": ")
        api.http.request("POST", "/auth.logout", b"{}", headers)
        with pytest.raises(EOFError):
            found.next()


def test_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        opened = Stream(Api(server))
        opened.next()
        server.loop.call_soon_threadsafe(server.server.close)
        with pytest.raises(EOFError):
            opened.next()
    opened.close()


def test_changes_made_through_another_server_are_told(
    postgres_cluster: str, tmp_path: Path
) -> None:
    url = postgres.fresh_database(postgres_cluster)
    with running(tmp_path / "a", url) as one, running(tmp_path / "b", url, like=one) as other:
        task = make_task(Api(one))
        with stream(Api(one), topics=f"task:{task},log:{task}") as found:
            found.next()
            Api(other)("tasks.edit", task=task, name="changed")
            found.changed(f"task:{task}")
            Api(other)("events.add", type="log", task=task, msg="hello")
            found.changed(f"log:{task}")
