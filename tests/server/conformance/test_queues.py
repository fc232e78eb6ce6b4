"""Queues as the suites of the protocol use them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import UNKNOWN, Document, ids, queue_of, refused
from tests.server.making import filled, new_queue, unique

# --- documents -----------------------------------------------------------------------------


def test_every_field_of_a_new_queue_is_there(api: Api) -> None:
    name = unique("queue")
    id = api("queues.create", name=name, tags=["b", "a"], system_tags=["s"])["id"]
    found = queue_of(api, id)
    assert re.fullmatch(r"[0-9a-f]{32}", found["id"])
    assert (found["name"], found["tags"], found["system_tags"]) == (name, ["a", "b"], ["s"])
    assert (found["entries"], found["metadata"]) == ([], {})
    for field in ("user", "company"):
        assert isinstance(found[field], str)
    for field in ("created", "last_update"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", found[field])


def test_extra_sections_and_nulls_are_ignored(api: Api) -> None:
    body: Document = {"input": {"view": {}}, "method": "get", "tags": None, "metadata": None}
    id = api("queues.create", name=unique("queue"), **body)["id"]
    assert queue_of(api, id)["tags"] == []


def test_the_name_is_required(api: Api) -> None:
    refused(errors.MISSING_FIELDS[:2], api, "queues.create")


@pytest.mark.parametrize("name", ["", "ab", "  ab  "])
def test_a_name_that_is_too_short_is_refused(api: Api, name: str) -> None:
    refused(errors.DATA_VALIDATION[:2], api, "queues.create", name=name)
    refused(errors.DATA_VALIDATION[:2], api, "queues.update", queue=new_queue(api), name=name)


def test_a_name_is_taken_once(api: Api) -> None:
    name = unique("queue")
    api("queues.create", name=name)
    refused(errors.NOT_UNIQUE[:2], api, "queues.create", name=name)


def test_a_deleted_queues_name_is_free_again(api: Api) -> None:
    name = unique("queue")
    assert api("queues.delete", queue=api("queues.create", name=name)["id"]) == {"deleted": 1}
    assert api("queues.create", name=name)["id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "renamed"},
        {"tags": ["x"]},
        {"system_tags": ["y"]},
        {"display_name": "shown"},
    ],
)
def test_update_answers_the_changed_fields(api: Api, fields: Document) -> None:
    queue = new_queue(api)
    if "name" in fields:
        fields = {"name": unique("renamed")}
    answer = api("queues.update", queue=queue, **fields)
    assert answer["updated"] == 1
    assert fields.items() <= answer["fields"].items()
    assert fields.items() <= queue_of(api, queue).items()


def test_an_update_of_an_unknown_queue_is_refused(api: Api) -> None:
    refused(errors.INVALID_QUEUE_ID[:2], api, "queues.update", queue=UNKNOWN, name="some name")


def test_there_is_one_default_queue(api: Api) -> None:
    answer = api("queues.get_default")
    assert answer.keys() == {"id", "name"}
    assert "default" in queue_of(api, answer["id"])["system_tags"]


def test_without_a_default_queue_there_is_none_to_answer(api: Api) -> None:
    id = api("queues.get_default")["id"]
    api("queues.update", queue=id, system_tags=[])
    refused(errors.NO_DEFAULT_QUEUE[:2], api, "queues.get_default")
    second = api("queues.create", name=unique("queue"), system_tags=["default"])["id"]
    api("queues.update", queue=id, system_tags=["default"])
    refused(errors.SEVERAL_DEFAULT_QUEUES[:2], api, "queues.get_default")
    api("queues.delete", queue=second)
    assert api("queues.get_default")["id"] == id


# --- remarks -------------------------------------------------------------------------------


def test_remarks_are_added_changed_replaced_and_deleted(api: Api) -> None:
    one = {"key": "a.$b %", "type": "t", "value": "1"}
    two = {"key": "other", "type": "t", "value": "2"}
    queue = api("queues.create", name=unique("queue"), metadata=[one])["id"]
    body = {"queue": queue}
    assert queue_of(api, queue)["metadata"] == {one["key"]: one}
    changed = {**one, "value": "3"}
    answer = api("queues.add_or_update_metadata", **body, metadata=[changed, two])
    assert answer == {"updated": 1}
    assert queue_of(api, queue)["metadata"] == {one["key"]: changed, "other": two}
    api("queues.add_or_update_metadata", **body, metadata=[two], replace_metadata=True)
    assert queue_of(api, queue)["metadata"] == {"other": two}
    assert api("queues.delete_metadata", **body, keys=["other", "none"]) == {"updated": 1}
    assert queue_of(api, queue)["metadata"] == {}


# --- metrics -------------------------------------------------------------------------------


def metrics(api: Api, **body: Any) -> list[Document]:
    now = time.time()
    span = {"from_date": now - 3600, "to_date": now + 60, "interval": 60}
    found: list[Document] = api("queues.get_queue_metrics", **span, **body)["queues"]
    return found


def test_metrics_of_a_queue_are_lists_of_one_length(api: Api) -> None:
    queue, _ = filled(api, 3)
    (found,) = metrics(api, queue_ids=[queue], refresh=True)
    assert found["queue"] == queue
    assert len(found["dates"]) == len(found["avg_waiting_times"]) == len(found["queue_lengths"])
    assert found["dates"] == sorted(found["dates"])
    assert all(isinstance(date, int) for date in found["dates"])
    assert max(found["queue_lengths"]) == 3


def test_metrics_of_all_queues_are_called_total(api: Api) -> None:
    filled(api, 2)
    (found,) = metrics(api)
    assert found["queue"] == "total"
    assert max(found["queue_lengths"]) >= 2


@pytest.mark.parametrize("missing", ["from_date", "to_date", "interval"])
def test_metrics_need_a_span(api: Api, missing: str) -> None:
    body = {"from_date": 1, "to_date": 2, "interval": 1}
    del body[missing]
    refused(errors.MISSING_FIELDS[:2], api, "queues.get_queue_metrics", **body)


# --- older versions ------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.1", "2.4", "2.12", "2.20", "2.30"])
def test_the_basics_work_in_every_version(api: Api, version: str) -> None:
    old = api.as_version(version)
    queue, (task,) = filled(old, 1)
    assert ids(old("queues.get_all", id=[queue]), "queues") == [queue]
    assert old("queues.get_next_task", queue=queue)["entry"]["task"] == task


def test_remarks_are_unknown_to_old_versions(api: Api) -> None:
    body = {"queue": new_queue(api), "keys": ["k"]}
    refused(errors.NO_SUCH_ENDPOINT[:2], api.as_version("2.12"), "queues.delete_metadata", **body)


def test_old_versions_have_one_list_of_tags(api: Api) -> None:
    old = api.as_version("2.2")
    queue = api("queues.create", name=unique("queue"), tags=["t"], system_tags=["hidden"])["id"]
    assert queue_of(old, queue)["tags"] == ["hidden", "t"]
    (found,) = old("queues.get_all", id=[queue], tags=["hidden"])["queues"]
    assert (found["tags"], found["system_tags"]) == (["hidden", "t"], [])
