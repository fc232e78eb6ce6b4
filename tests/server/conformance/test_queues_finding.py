"""Lists of queues: pages, filters, order and what they join."""

from __future__ import annotations

import time
from typing import Any

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import Document, ids, refused, task_of
from tests.server.making import filled, unique


def made(api: Api, number: int, **fields: Any) -> tuple[str, list[str]]:
    """A word that is in the names of some queues, and their ids in order of name."""
    word = unique("list")
    made = [api("queues.create", name=f"{word} {index}", **fields)["id"] for index in range(number)]
    return word, made


@pytest.mark.parametrize("action", ["queues.get_all", "queues.get_all_ex"])
def test_pages_are_counted_from_zero(api: Api, action: str) -> None:
    word, queues = made(api, 5)
    pages = [
        ids(api(action, name=word, order_by=["name"], page=page, page_size=2), "queues")
        for page in range(4)
    ]
    assert pages == [queues[:2], queues[2:4], queues[4:], []]


@pytest.mark.parametrize("action", ["queues.get_all", "queues.get_all_ex"])
def test_a_scroll_delivers_everything_once(api: Api, action: str) -> None:
    word, queues = made(api, 5)
    query = {"name": word, "order_by": ["-name"], "size": 2}
    first = api(action, **query, scroll_id=None)
    second = api(action, **query, scroll_id=first["scroll_id"])
    again = api(action, **query, scroll_id=first["scroll_id"], refresh_scroll=True)
    last = api(action, **query, scroll_id=first["scroll_id"])
    found = ids(first, "queues") + ids(second, "queues")
    assert ids(again, "queues") == found
    assert found + ids(last, "queues") == queues[::-1]
    refused(errors.INVALID_SCROLL_ID[:2], api, action, **query, scroll_id="nobody's")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"tags": ["one"]}, {0, 2}),
        ({"tags": ["-one"]}, {1, 3}),
        ({"tags": ["one", "two"]}, {0, 1, 2}),
        ({"tags": ["__$all", "one", "two"]}, {2}),
        ({"tags": ["__$and", "one", "__$not", "two"]}, {0}),
        ({"tags": [None]}, {3}),
        ({"system_tags": ["s"]}, {1}),
        ({"filters": {"tags": {"any": {"include": ["one", "two"]}}}}, {0, 1, 2}),
        ({"filters": {"tags": {"all": {"exclude": ["one", "two"]}}}}, {3}),
        ({"metadata.k.1.value": ["3"]}, {3}),
        ({"search_text": "two"}, {1, 2}),
        ({"_any_": {"fields": ["name", "id"], "pattern": "NUMBER 3"}}, {3}),
        ({"_all_": {"fields": ["name", "tags"], "pattern": "two"}}, set()),
    ],
)
def test_queues_are_found_by(api: Api, query: Document, found: set[int]) -> None:
    tags = [["one"], ["two"], ["one", "two"], []]
    word = unique("found")
    queues = [
        api(
            "queues.create",
            name=f"{word} number {index}",
            tags=own,
            system_tags=["s"] if index == 1 else [],
            metadata=[{"key": "k.1", "type": "int", "value": str(index)}],
        )["id"]
        for index, own in enumerate(tags)
    ]
    answer = api("queues.get_all_ex", id=queues, **query)
    assert {queues.index(id) for id in ids(answer, "queues")} == found


def test_a_projection_keeps_what_it_names_and_the_id(api: Api) -> None:
    _, (queue,) = made(api, 1)
    (found,) = api("queues.get_all", id=[queue], only_fields=["name", "tags"])["queues"]
    assert found.keys() == {"id", "name", "tags"}
    (found,) = api("queues.get_all", id=[queue], projection="-entries")["queues"]
    assert "entries" not in found
    assert "name" in found


def test_the_number_of_entries_shown_is_limited(api: Api) -> None:
    queue, tasks = filled(api, 3)
    for action in ("queues.get_all", "queues.get_all_ex"):
        (found,) = api(action, id=[queue], max_task_entries=2)["queues"]
        assert len(found["entries"]) == 2
    answer = api("queues.get_by_id", queue=queue, max_task_entries=1)
    assert [entry["task"] for entry in answer["queue"]["entries"]] == tasks[:1]


def test_get_all_ex_joins_tasks_and_workers(api: Api) -> None:
    queue, (task,) = filled(api, 1)
    worker = unique("worker")
    api("workers.register", worker=worker, queues=[queue])
    (found,) = api("queues.get_all_ex", id=[queue])["queues"]
    (entry,) = found["entries"]
    assert entry["task"] == {"id": task, "name": task_of(api, task)["name"]}
    assert isinstance(entry["added"], str)
    (serving,) = found["workers"]
    assert serving["name"] == worker
    assert {"ip", "key"} <= serving.keys()
    assert serving["task"] is None
    now = int(time.time() * 1000)
    api("workers.status_report", worker=worker, timestamp=now, task=task)
    (found,) = api("queues.get_all_ex", id=[queue], only_fields=["workers"])["queues"]
    assert found["workers"][0]["task"] == entry["task"]
    api("workers.unregister", worker=worker)
    (found,) = api("queues.get_all_ex", id=[queue])["queues"]
    assert found["workers"] == []


def test_get_all_has_plain_entries_and_no_workers(api: Api) -> None:
    queue, (task,) = filled(api, 1)
    (found,) = api("queues.get_all", id=[queue])["queues"]
    assert [entry["task"] for entry in found["entries"]] == [task]
    assert "workers" not in found


def test_the_glues_queues_are_hidden_unless_asked_for(api: Api) -> None:
    name = unique("glue")
    id = api("queues.create", name=name, system_tags=["k8s-glue"])["id"]
    for action in ("queues.get_all", "queues.get_all_ex"):
        assert id not in ids(api(action), "queues")
        for query in ({"search_hidden": True}, {"name": name}, {"id": [id]}):
            assert id in ids(api(action, **query), "queues")


def test_queues_are_ordered_by_any_field(api: Api) -> None:
    word, queues = made(api, 3)
    api("queues.update", queue=queues[0], display_name="zzz")
    api("queues.update", queue=queues[2], display_name="aaa")
    answer = api("queues.get_all", name=word, order_by=["display_name"])
    assert ids(answer, "queues") == [queues[2], queues[0], queues[1]]
    latest = api("queues.get_all", name=word, order_by="-last_update")
    assert ids(latest, "queues")[0] == queues[2]


def test_queues_are_ordered_by_a_remark(api: Api) -> None:
    word, queues = made(api, 3)
    for queue, value in zip(queues, ("10", "9", "a"), strict=True):
        item = {"key": "x.y", "type": "t", "value": value}
        api("queues.add_or_update_metadata", queue=queue, metadata=[item])
    for key in ("metadata.x.y.value", "metadata.x%2Ey.value"):
        answer = api("queues.get_all_ex", name=word, order_by=[key])
        assert ids(answer, "queues") == [queues[1], queues[0], queues[2]]
