"""Pages of tasks are the same whichever index they are found by."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from taskyard.server.store.database import sqlite
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import finding, scrolls
from tests.beds.server import Api, Running
from tests.server.asking import ids
from tests.server.making import new_task, queued, run


@pytest.fixture(params=["few", "many"])
def project(request: pytest.FixtureRequest, api: Api, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project that is taken for one of few tasks, or of many."""
    if request.param == "many":
        monkeypatch.setattr(finding, "MANY", 0)
    found: str = api("projects.create", name=f"p {uuid.uuid4().hex}")["id"]
    return found


def create(api: Api, project: str, name: str, **fields: Any) -> None:
    api("tasks.create", **{"name": name, "type": "training", "project": project, **fields})


def names(api: Api, **query: Any) -> list[str]:
    found = api("tasks.get_all_ex", only_fields=["name"], **query)["tasks"]
    return [task["name"] for task in found]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name", ["ann", "bob", "cid"]),
        ("-name", ["cid", "bob", "ann"]),
        ("created", ["bob", "cid", "ann"]),
        ("-last_update", ["ann", "cid", "bob"]),
        ("comment", ["cid", "ann", "bob"]),
        ("-started", ["ann", "bob", "cid"]),
    ],
)
def test_a_project_s_tasks_come_in_any_order(
    api: Api, project: str, order: str, expected: list[str]
) -> None:
    for name, comment in (("bob", "3"), ("cid", "1"), ("ann", "2")):
        create(api, project, name, comment=comment)

    found = names(api, project=[project], order_by=[order])

    if order == "-started":
        # None has a start: the tie is broken by their ids.
        assert sorted(found) == expected
    else:
        assert found == expected


def test_a_page_begins_where_the_last_one_ended(api: Api, project: str) -> None:
    for number in range(5):
        create(api, project, f"name {number}")
    asked = {"project": [project], "order_by": ["name"], "page_size": 2}

    pages = [names(api, **asked, page=page) for page in range(3)]

    assert pages == [["name 0", "name 1"], ["name 2", "name 3"], ["name 4"]]


def test_pages_go_on_from_tasks_with_a_time_to_those_without(api: Api, project: str) -> None:
    drafts = sorted(new_task(api, project=project) for _ in range(3))
    started = [run(api, new_task(api, project=project), "started") for _ in range(3)]
    for order, expected in (
        ("-started", [*reversed(started), *drafts]),
        ("started", [*started, *drafts]),
    ):
        query = {"project": [project], "order_by": [order], "page_size": 2}
        pages = [ids(api("tasks.get_all", **query, page=page)) for page in range(4)]
        assert pages == [expected[:2], expected[2:4], expected[4:], []]


def test_a_project_s_tasks_of_one_type_are_found(api: Api, project: str) -> None:
    create(api, project, "trains")
    create(api, project, "tests", type="testing")

    assert names(api, project=[project], type=["testing"], order_by=["name"]) == ["tests"]


def test_archived_tasks_are_left_out_on_request(api: Api, project: str) -> None:
    create(api, project, "stays")
    create(api, project, "goes", system_tags=["archived"])

    assert names(api, project=[project], system_tags=["-archived"]) == ["stays"]
    assert names(api, project=[project], system_tags=["archived"]) == ["goes"]


def test_a_task_taken_out_of_the_archive_is_there_again(api: Api, project: str) -> None:
    create(api, project, "goes", system_tags=["archived"])
    task = api("tasks.get_all_ex", project=[project])["tasks"][0]["id"]
    api("tasks.update", task=task, system_tags=[])

    assert names(api, project=[project], system_tags=["-archived"]) == ["goes"]


def test_tasks_without_the_archived_tag_or_any_are_found_together(api: Api, project: str) -> None:
    create(api, project, "untagged")
    create(api, project, "archived", system_tags=["archived"])
    create(api, project, "other", system_tags=["other"])

    found = names(api, project=[project], system_tags=["archived", None])

    assert sorted(found) == ["archived", "untagged"]


def test_tasks_are_counted_by_the_statuses_asked_for(api: Api) -> None:
    asked = {"status": ["queued", "published"]}
    before = api("tasks.get_count", **asked)["counts"]
    queued(api)
    new_task(api)
    assert api("tasks.get_count", **asked)["counts"] == {**before, "queued": before["queued"] + 1}


def test_a_long_search_by_scroll_keeps_nobody_from_writing(server: Running) -> None:
    written = threading.Event()

    def search(_tx: Tx) -> bool:
        return written.wait(30)

    async def at_once() -> bool:
        control = server.server.control
        searching = asyncio.create_task(scrolls.answer(control, {"size": 1}, search))
        await control.write(lambda _tx: None)
        written.set()
        return await searching

    assert server.await_(at_once())


def test_a_search_that_takes_too_long_is_the_callers_to_change(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "READ_LIMIT", 0.05)

    def endless(tx: Tx) -> None:
        if tx.dialect == "postgresql":
            tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 50")
        tx.connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        )

    with pytest.raises(ApiError) as caught:
        server.await_(server.server.control.read(endless))
    assert (caught.value.kind, "seconds" in caught.value.what) == ((400, 12), True)
    assert server.await_(server.server.control.read(lambda tx: tx.now)), "the next is not hurried"
