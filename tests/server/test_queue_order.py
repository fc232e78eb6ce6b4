"""Parts of long queues, and moves that can be undone whoever else moves tasks."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api import errors
from tests.beds.server import Api
from tests.server.asking import refused, waiting
from tests.server.making import filled


def move(api: Api, queue: str, tasks: list[str], **where: Any) -> dict[str, Any]:
    found: dict[str, Any] = api("queues.move_tasks", queue=queue, tasks=tasks, **where)
    return found


class TestParts:
    def test_a_part_of_a_queue_is_in_order_and_says_how_many_there_are(self, api: Api) -> None:
        queue, tasks = filled(api, 5)
        part = api("queues.get_entries", queue=queue, first=1, limit=3)
        assert [entry["task"] for entry in part["entries"]] == tasks[1:4]
        assert part["total"] == 5

    def test_each_task_says_why_it_waits_and_whose_it_is(self, api: Api) -> None:
        queue, _ = filled(api, 3)
        part = api("queues.get_entries", queue=queue, first=2)
        (entry,) = part["entries"]
        assert entry["code"] == "no worker"
        assert "position 3 of 3" in entry["why"]
        assert entry["user"] == api("users.get_current_user")["user"]["name"]

    def test_what_is_beyond_the_end_is_empty(self, api: Api) -> None:
        queue, _ = filled(api, 1)
        assert api("queues.get_entries", queue=queue, first=7)["entries"] == []

    @pytest.mark.parametrize("span", [{"first": -1}, {"limit": 0}, {"limit": 1001}])
    def test_a_part_has_bounds(self, api: Api, span: dict[str, int]) -> None:
        queue, _ = filled(api, 0)
        refused(errors.VALIDATION[:2], api, "queues.get_entries", queue=queue, **span)


class TestUndo:
    @pytest.mark.parametrize("where", [{"ahead": 0}, {"ahead": 3}, {}])
    def test_a_move_tells_the_moves_that_undo_it(self, api: Api, where: dict[str, int]) -> None:
        queue, (a, b, c, d, e) = filled(api, 5)
        stood = move(api, queue, [e, b, c], **where)["stood"]
        assert waiting(api, queue) != [a, b, c, d, e]
        for stand in reversed(stood):
            move(api, queue, **stand)
        assert waiting(api, queue) == [a, b, c, d, e]

    def test_undoing_keeps_what_others_moved_meanwhile(self, api: Api) -> None:
        queue, (a, b, c, d) = filled(api, 4)
        (stand,) = move(api, queue, [b])["stood"]
        move(api, queue, [d], ahead=0)
        move(api, queue, **stand)
        assert waiting(api, queue) == [d, a, b, c]

    def test_a_task_that_was_taken_off_is_brought_back_to_where_it_stood(self, api: Api) -> None:
        queue, (a, b, c) = filled(api, 3)
        (stand,) = api("queues.get_stands", queue=queue, tasks=[b])["stood"]
        api("tasks.dequeue", task=b)
        api("tasks.enqueue", task=b, queue=queue)
        move(api, queue, **stand)
        assert waiting(api, queue) == [a, b, c]


class TestOthers:
    def test_who_moves_tasks_of_an_order_that_has_changed_is_told_by_whom(self, api: Api) -> None:
        queue, (a, b, c) = filled(api, 3)
        seen = api("queues.get_entries", queue=queue)["order"]
        assert move(api, queue, [c], ahead=0, seen=seen)["meanwhile"] is None
        told = move(api, queue, [b], ahead=0, seen=seen)
        assert told["meanwhile"] == api("users.get_current_user")["user"]["name"]
        assert waiting(api, queue) == [b, c, a]
        assert move(api, queue, [a], ahead=0, seen=told["order"])["meanwhile"] is None

    def test_a_move_of_one_counts_too(self, api: Api) -> None:
        queue, (first, second) = filled(api, 2)
        seen = api("queues.get_entries", queue=queue)["order"]
        api("queues.move_task_to_front", queue=queue, task=second)
        assert move(api, queue, [first], ahead=0, seen=seen)["meanwhile"]

    def test_what_changes_nothing_is_no_new_order(self, api: Api) -> None:
        queue, (first, _) = filled(api, 2)
        before = api("queues.get_entries", queue=queue)["order"]
        assert move(api, queue, [first], ahead=0)["order"] == before


def test_a_queue_says_since_when_its_oldest_task_waits(api: Api) -> None:
    queue, (first, second) = filled(api, 2)
    move(api, queue, [second], ahead=0)
    (found,) = api("queues.get_all_ex", id=[queue], max_task_entries=1)["queues"]
    added = {e["task"]: e["added"] for e in api("queues.get_entries", queue=queue)["entries"]}
    assert found["oldest"] == added[first]


def test_an_empty_queue_has_no_oldest_task(api: Api) -> None:
    queue, _ = filled(api, 0)
    assert api("queues.get_all_ex", id=[queue])["queues"][0]["oldest"] is None
