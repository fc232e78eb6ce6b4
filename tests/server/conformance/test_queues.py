"""Queues as the suites of the protocol use them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.making import (
    Document,
    ids,
    new_queue,
    new_task,
    refused,
    run,
    task_of,
    unique,
)

UNKNOWN = "f" * 32


def queue_of(api: Api, id: str) -> Document:
    found: Document = api("queues.get_by_id", queue=id)["queue"]
    return found


def waiting(api: Api, queue: str) -> list[str]:
    return [entry["task"] for entry in queue_of(api, queue)["entries"]]


def filled(api: Api, number: int) -> tuple[str, list[str]]:
    """A queue with that many tasks in it."""
    queue = new_queue(api)
    tasks = [new_task(api) for _ in range(number)]
    for task in tasks:
        api("tasks.enqueue", task=task, queue=queue)
    return queue, tasks


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


# --- lists ---------------------------------------------------------------------------------


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


# --- entries -------------------------------------------------------------------------------


def test_tasks_leave_in_the_order_they_came(api: Api) -> None:
    queue, tasks = filled(api, 3)
    assert api("queues.get_num_entries", queue=queue) == {"num": 3}
    assert api("queues.peek_task", queue=queue) == {"task": tasks[0]}
    for task in tasks:
        entry = api("queues.get_next_task", queue=queue)["entry"]
        assert entry["task"] == task
        assert isinstance(entry["added"], str)
    assert not api("queues.get_next_task", queue=queue).get("entry")
    assert api("queues.get_num_entries", queue=queue) == {"num": 0}
    assert not api("queues.peek_task", queue=queue).get("task")


def test_the_popped_task_is_described_on_request(api: Api) -> None:
    queue, (task,) = filled(api, 1)
    answer = api("queues.get_next_task", queue=queue, get_task_info=True)
    known = task_of(api, task)
    assert answer["task_info"] == {"company": known["company"], "user": known["user"]}


@pytest.mark.parametrize(
    ("action", "body", "position"),
    [
        ("move_task_forward", {}, 1),
        ("move_task_forward", {"count": 2}, 0),
        ("move_task_forward", {"count": 100}, 0),
        ("move_task_backward", {}, 3),
        ("move_task_backward", {"count": 2}, 4),
        ("move_task_backward", {"count": 100}, 4),
        ("move_task_to_front", {}, 0),
        ("move_task_to_back", {}, 4),
    ],
)
def test_a_task_moves(api: Api, action: str, body: Document, position: int) -> None:
    queue, tasks = filled(api, 5)
    answer = api(f"queues.{action}", queue=queue, task=tasks[2], **body)
    assert answer == {"position": position}
    others = [task for task in tasks if task != tasks[2]]
    assert waiting(api, queue) == [*others[:position], tasks[2], *others[position:]]


@pytest.mark.parametrize(
    ("action", "needs"),
    [
        ("get_by_id", ["queue"]),
        ("update", ["queue"]),
        ("delete", ["queue"]),
        ("add_task", ["queue", "task"]),
        ("get_next_task", ["queue"]),
        ("remove_task", ["queue", "task"]),
        ("clear_queue", ["queue"]),
        ("peek_task", ["queue"]),
        ("get_num_entries", ["queue"]),
        ("move_task_forward", ["queue", "task"]),
        ("move_task_backward", ["queue", "task"]),
        ("move_task_to_front", ["queue", "task"]),
        ("move_task_to_back", ["queue", "task"]),
        ("add_or_update_metadata", ["queue", "metadata"]),
        ("delete_metadata", ["queue", "keys"]),
    ],
)
def test_what_is_needed_and_who_is_unknown(api: Api, action: str, needs: list[str]) -> None:
    samples = {"queue": UNKNOWN, "task": UNKNOWN, "metadata": [{"key": "k"}], "keys": ["k"]}
    whole = {name: samples[name] for name in needs}
    for name in needs:
        rest = {key: value for key, value in whole.items() if key != name}
        refused(errors.MISSING_FIELDS[:2], api, f"queues.{action}", **rest)
    refused(errors.INVALID_QUEUE_ID[:2], api, f"queues.{action}", **whole)


@pytest.mark.parametrize(
    "action",
    [
        "remove_task",
        "move_task_forward",
        "move_task_backward",
        "move_task_to_front",
        "move_task_to_back",
    ],
)
def test_a_task_that_does_not_wait_here_is_refused(api: Api, action: str) -> None:
    queue, _ = filled(api, 1)
    body = {"queue": queue, "task": new_task(api)}
    refused(errors.TASK_NOT_IN_QUEUE[:2], api, f"queues.{action}", **body)


def test_adding_by_hand_needs_a_known_task_that_is_not_there(api: Api) -> None:
    queue, task = new_queue(api), new_task(api)
    assert api("queues.add_task", queue=queue, task=task) == {"added": 1}
    assert task_of(api, task)["execution"]["queue"] == queue
    refused(errors.TASK_ALREADY_QUEUED[:2], api, "queues.add_task", queue=queue, task=task)
    refused(errors.INVALID_TASK_ID[:2], api, "queues.add_task", queue=queue, task=UNKNOWN)
    assert api("queues.remove_task", queue=queue, task=task) == {"removed": 1}


def test_removing_by_hand_may_leave_the_status(api: Api) -> None:
    queue, (first, second) = filled(api, 2)
    assert api("queues.remove_task", queue=queue, task=first) == {"removed": 1}
    assert task_of(api, first)["status"] == "queued"
    api("queues.remove_task", queue=queue, task=second, update_task_status=True)
    found = task_of(api, second)
    assert found["status"] == "created"
    assert "queue" not in found["execution"]


def test_a_queue_with_tasks_needs_force_to_go(api: Api) -> None:
    queue, tasks = filled(api, 2)
    run(api, stopped := new_task(api), "started", "stopped")
    api("tasks.enqueue", task=stopped, queue=queue)
    refused(errors.QUEUE_NOT_EMPTY[:2], api, "queues.delete", queue=queue)
    assert api("queues.delete", queue=queue, force=True) == {"deleted": 1}
    refused(errors.INVALID_QUEUE_ID[:2], api, "queues.get_by_id", queue=queue)
    found = [task_of(api, task) for task in [*tasks, stopped]]
    assert [task["status"] for task in found] == ["created", "created", "stopped"]
    assert not any("queue" in task["execution"] for task in found)


def test_clearing_answers_what_was_there(api: Api) -> None:
    queue, tasks = filled(api, 2)
    assert sorted(api("queues.clear_queue", queue=queue)["removed_tasks"]) == sorted(tasks)
    assert waiting(api, queue) == []
    assert {task_of(api, task)["status"] for task in tasks} == {"created"}
    assert api("queues.clear_queue", queue=queue) == {"removed_tasks": []}


def test_a_task_waits_in_the_last_queue_it_was_sent_to(api: Api) -> None:
    first, (task,) = filled(api, 1)
    second = new_queue(api)
    api("tasks.enqueue", task=task, queue=second)
    assert (waiting(api, first), waiting(api, second)) == ([], [task])
    assert task_of(api, task)["execution"]["queue"] == second
    refused(errors.TASK_ALREADY_QUEUED[:2], api, "tasks.enqueue", task=task, queue=second)


@pytest.mark.parametrize(
    ("action", "removed"),
    [("tasks.dequeue", True), ("tasks.stop", True), ("tasks.reset", True), ("tasks.delete", True)],
)
def test_a_task_that_does_something_else_leaves_its_queue(
    api: Api, action: str, removed: bool
) -> None:
    queue, (task,) = filled(api, 1)
    api(action, task=task, force=True)
    assert (waiting(api, queue) == []) is removed


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


def test_queues_are_ordered_by_a_remark(api: Api) -> None:
    word, queues = made(api, 3)
    for queue, value in zip(queues, ("10", "9", "a"), strict=True):
        item = {"key": "x.y", "type": "t", "value": value}
        api("queues.add_or_update_metadata", queue=queue, metadata=[item])
    for key in ("metadata.x.y.value", "metadata.x%2Ey.value"):
        answer = api("queues.get_all_ex", name=word, order_by=[key])
        assert ids(answer, "queues") == [queues[1], queues[0], queues[2]]


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
