"""The queues service, as a stranger's client sees it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api import errors
from taskyard.api.errors import ApiError
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_samples as samples
from taskyard.server.store.tables import entries as entries_table
from taskyard.server.store.tables import queue_samples
from tests.beds.server import Api, Running
from tests.server.asking import UNKNOWN, waiting
from tests.server.making import unique


def make_queue(api: Api, **fields: Any) -> str:
    id: str = api("queues.create", name=unique("queue"), **fields)["id"]
    return id


def make_task(api: Api, **fields: Any) -> str:
    id: str = api("tasks.create", name=unique("task"), type="training", **fields)["id"]
    return id


def fill(api: Api, queue: str, count: int, **fields: Any) -> list[str]:
    tasks = [make_task(api, **fields) for _ in range(count)]
    for task in tasks:
        api("tasks.enqueue", task=task, queue=queue)
    return tasks


def status(api: Api, task: str) -> str:
    found: str = api("tasks.get_by_id", task=task)["task"]["status"]
    return found


def refused(api: Api, action: str, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        api(action, **body)
    return caught.value.kind


def test_the_first_start_makes_a_default_queue_and_one_for_services(api: Api) -> None:
    default = api("queues.get_default")
    assert default["name"] == "default"
    found = api("queues.get_all", name="^(default|services)$", order_by=["name"])["queues"]
    assert [(q["name"], q["system_tags"]) for q in found] == [
        ("default", ["default"]),
        ("services", []),
    ]


def test_a_new_queue_is_shown_with_all_its_fields(api: Api) -> None:
    name = unique("shown")
    id = api("queues.create", name=f"  {name} ", tags=["b", "a"], display_name="Shown")["id"]
    queue = api("queues.get_by_id", queue=id)["queue"]
    assert (queue["name"], queue["tags"], queue["system_tags"]) == (name, ["a", "b"], [])
    assert (queue["entries"], queue["metadata"]) == ([], {})
    assert queue["display_name"] == "Shown"
    assert queue["created"].endswith("+00:00")
    assert len(id) == 32


@pytest.mark.parametrize("name", ["ab", "   ", "0123456789abcdef0123456789abcdef"])
def test_a_queue_needs_a_proper_name(api: Api, name: str) -> None:
    assert refused(api, "queues.create", name=name) == errors.DATA_VALIDATION[:2]


def test_two_queues_cannot_have_one_name(api: Api) -> None:
    name = unique("twice")
    api("queues.create", name=name)
    assert refused(api, "queues.create", name=name) == errors.NOT_UNIQUE[:2]


def test_a_name_is_no_id(api: Api) -> None:
    assert refused(api, "queues.get_by_id", queue="default") == errors.INVALID_QUEUE_ID[:2]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("get_by_id", {}),
        ("update", {"name": "other"}),
        ("delete", {}),
        ("add_task", {"task": UNKNOWN}),
        ("get_next_task", {}),
        ("remove_task", {"task": UNKNOWN}),
        ("clear_queue", {}),
        ("peek_task", {}),
        ("get_num_entries", {}),
        ("move_task_forward", {"task": UNKNOWN}),
        ("move_task_to_back", {"task": UNKNOWN}),
        ("add_or_update_metadata", {"metadata": []}),
        ("delete_metadata", {"keys": []}),
        ("pause", {}),
        ("resume", {}),
    ],
)
def test_an_unknown_queue_is_refused_by(api: Api, action: str, body: dict[str, Any]) -> None:
    assert refused(api, f"queues.{action}", queue=UNKNOWN, **body) == errors.INVALID_QUEUE_ID[:2]


def test_an_update_tells_what_it_changed(api: Api) -> None:
    id = make_queue(api)
    name = unique("renamed")
    answer = api("queues.update", queue=id, name=name, tags=["x"])
    assert answer["updated"] == 1
    assert (answer["fields"]["name"], answer["fields"]["tags"]) == (name, ["x"])
    assert api("queues.get_by_id", queue=id)["queue"]["name"] == name


def test_a_queue_may_keep_its_name_in_an_update(api: Api) -> None:
    id = make_queue(api)
    name = api("queues.get_by_id", queue=id)["queue"]["name"]
    assert api("queues.update", queue=id, name=name)["updated"] == 1


def test_a_queue_cannot_take_another_ones_name(api: Api) -> None:
    id = make_queue(api)
    assert refused(api, "queues.update", queue=id, name="default") == errors.NOT_UNIQUE[:2]


def test_get_all_gives_ids_and_tags_as_agents_ask_for_them(api: Api) -> None:
    ids = sorted([make_queue(api), make_queue(api, tags=["t"])])
    found = api("queues.get_all", id=ids, only_fields=["id", "tags"])["queues"]
    assert sorted(q["id"] for q in found) == ids
    assert all(set(q) == {"id", "tags"} for q in found)


def test_get_all_limits_the_entries_it_shows(api: Api) -> None:
    id = make_queue(api)
    tasks = fill(api, id, 3)
    found = api("queues.get_all", id=[id], max_task_entries=2)["queues"]
    assert [entry["task"] for entry in found[0]["entries"]] == tasks[:2]


def test_get_all_ex_names_waiting_tasks_and_workers(api: Api) -> None:
    id = make_queue(api)
    (task,) = fill(api, id, 1)
    worker = unique("worker")
    api("workers.register", worker=worker, queues=[id])
    (found,) = api("queues.get_all_ex", id=[id])["queues"]
    name = api("tasks.get_by_id", task=task)["task"]["name"]
    assert found["entries"][0]["task"] == {"id": task, "name": name}
    assert [w["name"] for w in found["workers"]] == [worker]


def test_get_all_ex_counts_the_entries_it_does_not_show(api: Api) -> None:
    id = make_queue(api)
    first = fill(api, id, 3)[0]
    (found,) = api("queues.get_all_ex", id=[id], max_task_entries=1)["queues"]
    assert [entry["task"]["id"] for entry in found["entries"]] == [first]
    assert found["waiting"] == 3


def test_queues_of_the_kubernetes_glue_are_hidden_unless_asked_for(api: Api) -> None:
    id = make_queue(api, system_tags=["k8s-glue"])
    shown = [q["id"] for q in api("queues.get_all", page_size=500)["queues"]]
    all_of_them = api("queues.get_all", page_size=500, search_hidden=True)["queues"]
    assert id not in shown
    assert id in [q["id"] for q in all_of_them]


def test_tasks_come_out_in_the_order_they_went_in(api: Api) -> None:
    id = make_queue(api)
    tasks = fill(api, id, 3)
    out = [api("queues.get_next_task", queue=id)["entry"]["task"] for _ in range(3)]
    assert out == tasks
    assert api("queues.get_next_task", queue=id) == {}


def test_a_popped_task_stays_queued(api: Api) -> None:
    id = make_queue(api)
    (task,) = fill(api, id, 1)
    answer = api("queues.get_next_task", queue=id, get_task_info=True)
    assert answer["task_info"]["company"]
    assert answer["entry"]["added"].endswith("+00:00")
    assert status(api, task) == "queued"


def test_only_the_named_task_is_popped_and_only_if_it_is_the_first(api: Api) -> None:
    id = make_queue(api)
    first, second = fill(api, id, 2)
    assert api("queues.get_next_task", queue=id, task=second) == {}
    assert api("queues.get_next_task", queue=id, task=first)["entry"]["task"] == first


def test_a_higher_priority_goes_first(api: Api) -> None:
    id = make_queue(api)
    low = fill(api, id, 2)
    high = fill(api, id, 2, priority=5)
    assert waiting(api, id) == high + low


def test_adding_a_task_does_not_touch_its_status(api: Api) -> None:
    id, task = make_queue(api), make_task(api)
    assert api("queues.add_task", queue=id, task=task) == {"added": 1}
    found = api("tasks.get_by_id", task=task)["task"]
    assert (found["status"], found["execution"]["queue"]) == ("created", id)


def test_a_task_is_in_a_queue_once_only(api: Api) -> None:
    id, task = make_queue(api), make_task(api)
    api("queues.add_task", queue=id, task=task)
    assert refused(api, "queues.add_task", queue=id, task=task) == errors.TASK_ALREADY_QUEUED[:2]


def test_an_unknown_task_cannot_be_added(api: Api) -> None:
    id = make_queue(api)
    assert refused(api, "queues.add_task", queue=id, task=UNKNOWN) == errors.INVALID_TASK_ID[:2]


def test_removing_takes_one_task_out(api: Api) -> None:
    id = make_queue(api)
    first, second = fill(api, id, 2)
    assert api("queues.remove_task", queue=id, task=first) == {"removed": 1}
    assert waiting(api, id) == [second]
    assert status(api, first) == "queued"


def test_removing_with_the_status_makes_the_task_what_it_was(api: Api) -> None:
    id = make_queue(api)
    (task,) = fill(api, id, 1)
    api("queues.remove_task", queue=id, task=task, update_task_status=True)
    found = api("tasks.get_by_id", task=task)["task"]
    assert found["status"] == "created"
    assert not found["execution"].get("queue")


def test_what_is_not_in_the_queue_cannot_be_removed(api: Api) -> None:
    id, task = make_queue(api), make_task(api)
    assert refused(api, "queues.remove_task", queue=id, task=task) == errors.TASK_NOT_IN_QUEUE[:2]


def test_clearing_a_queue_makes_its_tasks_what_they_were(api: Api) -> None:
    id = make_queue(api)
    tasks = fill(api, id, 2)
    assert api("queues.clear_queue", queue=id)["removed_tasks"] == tasks
    assert [status(api, task) for task in tasks] == ["created", "created"]
    assert api("queues.get_num_entries", queue=id) == {"num": 0}


def test_a_queue_with_tasks_is_deleted_with_force_only(api: Api) -> None:
    id = make_queue(api)
    (task,) = fill(api, id, 1)
    assert refused(api, "queues.delete", queue=id) == errors.QUEUE_NOT_EMPTY[:2]
    assert api("queues.delete", queue=id, force=True) == {"deleted": 1}
    assert status(api, task) == "created"
    assert refused(api, "queues.get_by_id", queue=id) == errors.INVALID_QUEUE_ID[:2]


def test_peeking_leaves_the_task_in_its_place(api: Api) -> None:
    id = make_queue(api)
    assert api("queues.peek_task", queue=id) == {"task": None}
    tasks = fill(api, id, 2)
    assert api("queues.peek_task", queue=id) == {"task": tasks[0]}
    assert api("queues.get_num_entries", queue=id) == {"num": 2}


@pytest.mark.parametrize(
    ("action", "body", "position"),
    [
        ("move_task_forward", {}, 1),
        ("move_task_forward", {"count": 99}, 0),
        ("move_task_backward", {}, 3),
        ("move_task_backward", {"count": 99}, 4),
        ("move_task_to_front", {}, 0),
        ("move_task_to_back", {}, 4),
    ],
)
def test_a_task_can_be_moved_with(
    api: Api, action: str, body: dict[str, Any], position: int
) -> None:
    id = make_queue(api)
    tasks = fill(api, id, 5)
    moved = tasks[2]
    assert api(f"queues.{action}", queue=id, task=moved, **body) == {"position": position}
    tasks.remove(moved)
    tasks.insert(position, moved)
    assert waiting(api, id) == tasks


def test_a_task_that_is_not_there_cannot_be_moved(api: Api) -> None:
    id, task = make_queue(api), make_task(api)
    fill(api, id, 1)
    kind = refused(api, "queues.move_task_to_front", queue=id, task=task)
    assert kind == errors.TASK_NOT_IN_QUEUE[:2]


def test_tasks_can_be_moved_between_the_same_two_neighbours_for_ever(api: Api) -> None:
    id = make_queue(api)
    first, second, third = fill(api, id, 3)
    for _ in range(60):
        last = waiting(api, id)[-1]
        api("queues.move_task_forward", queue=id, task=last)
    assert sorted(waiting(api, id)) == sorted([first, second, third])


@pytest.mark.parametrize(
    ("names", "before", "order"),
    [
        ("ca", "d", "bcade"),
        ("ec", "a", "ecabd"),
        ("ba", "", "cdeba"),
        ("b", "xd", "acbde"),
        ("bx", "x", "acdeb"),
        ("bc", "d", "abcde"),
        ("b", "bd", "acbde"),
    ],
)
def test_several_tasks_are_moved_together_ahead_of_another(
    api: Api, names: str, before: str, order: str
) -> None:
    id = make_queue(api)
    tasks = {**dict(zip("abcde", fill(api, id, 5), strict=True)), "x": make_task(api)}
    asked = {"tasks": [tasks[n] for n in names], "before": [tasks[n] for n in before]}
    moved = api("queues.move_tasks", queue=id, **asked)["moved"]
    assert moved == [tasks[n] for n in names if n != "x"]
    assert waiting(api, id) == [tasks[n] for n in order]


def test_several_tasks_take_over_the_priority_of_those_they_come_ahead_of(api: Api) -> None:
    id = make_queue(api)
    high = fill(api, id, 2, priority=5)
    low = fill(api, id, 3, priority=1)
    api("queues.move_tasks", queue=id, tasks=low[1:], before=[high[1]])
    assert waiting(api, id) == [high[0], *low[1:], high[1], low[0]]


def test_many_tasks_fit_between_the_same_two_neighbours_for_ever(api: Api) -> None:
    id = make_queue(api)
    first, *others = fill(api, id, 6)
    for _ in range(40):
        others = [*others[2:4], *others[:2], *others[4:]]
        api("queues.move_tasks", queue=id, tasks=others[:2], before=[others[2]])
    assert waiting(api, id) == [first, *others]


def test_a_paused_queue_hands_nothing_out_until_it_is_resumed(api: Api) -> None:
    id = make_queue(api)
    (task,) = fill(api, id, 1)
    assert api("queues.pause", queue=id, reason="upgrade")["updated"] == 1
    assert api("queues.get_next_task", queue=id) == {}
    shown = api("queues.get_by_id", queue=id)["queue"]
    assert (shown["paused"], shown["pause"]["reason"]) == (True, "upgrade")
    api("queues.resume", queue=id)
    assert api("queues.get_next_task", queue=id)["entry"]["task"] == task


def test_metadata_is_merged_replaced_and_deleted_by_key(api: Api) -> None:
    id = make_queue(api)
    a = {"key": "a", "type": "str", "value": "1"}
    b = {"key": "b.c$", "type": "str", "value": "2"}
    api("queues.add_or_update_metadata", queue=id, metadata=[a])
    assert api("queues.add_or_update_metadata", queue=id, metadata=[b]) == {"updated": 1}
    assert api("queues.get_by_id", queue=id)["queue"]["metadata"] == {"a": a, "b.c$": b}
    assert api("queues.delete_metadata", queue=id, keys=["a", "none"]) == {"updated": 1}
    assert api("queues.get_by_id", queue=id)["queue"]["metadata"] == {"b.c$": b}
    api("queues.add_or_update_metadata", queue=id, metadata=[a], replace_metadata=True)
    assert api("queues.get_by_id", queue=id)["queue"]["metadata"] == {"a": a}


def test_metrics_tell_how_long_a_queue_was(api: Api) -> None:
    id = make_queue(api)
    start = time.time() - 10
    fill(api, id, 2)
    body = {"from_date": start, "to_date": time.time() + 10, "interval": 3600, "refresh": True}
    (found,) = api("queues.get_queue_metrics", queue_ids=[id], **body)["queues"]
    assert found["queue"] == id
    assert found["queue_lengths"][-1] == 2
    assert found["avg_waiting_times"][-1] >= 0
    assert all(isinstance(date, int) and date > 1e12 for date in found["dates"])


def test_metrics_tell_how_long_a_task_waited_that_was_taken(
    api: Api, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "SAMPLE_GAP", 0)
    monkeypatch.setattr(samples, "SAMPLE_SHARE", 1e9)
    id = make_queue(api)
    (task,) = fill(api, id, 1)
    ago = 100_000_000

    def let_it_wait(tx: Tx) -> None:
        waits = update(entries_table).where(entries_table.c.task == task)
        tx.execute(waits.values(added=entries_table.c.added - ago))
        tx.execute(update(queue_samples).values(at=queue_samples.c.at - ago))

    server.await_(server.server.control.write(let_it_wait))
    api("queues.get_next_task", queue=id)
    body = {"from_date": time.time() - 10, "to_date": time.time() + 10, "interval": 3600}
    (found,) = api("queues.get_queue_metrics", queue_ids=[id], **body)["queues"]
    assert max(found["avg_waiting_times"]) >= 100


def test_metrics_of_all_queues_are_one_series(api: Api) -> None:
    fill(api, make_queue(api), 1)
    body = {"from_date": time.time() - 10, "to_date": time.time() + 10, "interval": 1}
    (found,) = api("queues.get_queue_metrics", **body)["queues"]
    assert found["queue"] == "total"
    assert len(found["dates"]) == len(found["queue_lengths"]) == len(found["avg_waiting_times"])
