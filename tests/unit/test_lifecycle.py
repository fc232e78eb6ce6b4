"""The rules by which a status changes, without a database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.api.errors import INVALID_TASK_STATUS, ApiError
from taskyard.api.states import Status, may_move
from taskyard.server.domain.lifecycle import (
    UNRESPONSIVE,
    Standing,
    after_dequeue,
    check_move,
    may_be_deleted,
    moved,
    way_to_stop,
)

NOW = 1_700_000_000_000_000
DRAFT = Standing(id="t", status=Status.CREATED)
statuses = st.sampled_from(list(Status))


def change(task: Standing, new: Status, now: int = NOW) -> dict[str, Any]:
    return moved(task, new, reason="", message="", by="u", now=now)


@given(statuses, statuses)
def test_a_move_outside_the_table_needs_force(old: Status, new: Status) -> None:
    task = DRAFT._replace(status=old)
    check_move(task, new, force=True)
    if may_move(old, new):
        check_move(task, new, force=False)
    else:
        with pytest.raises(ApiError) as caught:
            check_move(task, new, force=False)
        assert caught.value.kind == INVALID_TASK_STATUS[:2]


@given(statuses, statuses)
def test_every_change_is_signed_and_dated(old: Status, new: Status) -> None:
    columns = change(DRAFT._replace(status=old), new)
    assert columns["status"] == new
    assert columns["last_changed_by"] == "u"
    assert columns["status_changed"] == columns["last_update"] == columns["last_change"] == NOW


def test_the_server_signs_with_nobodys_name() -> None:
    columns = moved(DRAFT, Status.STOPPED, reason="", message="", by=None, now=NOW)
    assert "last_changed_by" not in columns


def test_a_first_start_forgets_an_earlier_end() -> None:
    columns = change(DRAFT._replace(status=Status.STOPPED, started=1), Status.IN_PROGRESS)
    assert columns["started"] == NOW
    assert columns["completed"] is columns["active_duration"] is None


def test_a_repeated_start_moves_nothing() -> None:
    running = DRAFT._replace(status=Status.IN_PROGRESS, started=1)
    assert "started" not in change(running, Status.IN_PROGRESS)


def test_a_task_made_running_without_a_start_gets_one() -> None:
    running = DRAFT._replace(status=Status.IN_PROGRESS)
    assert change(running, Status.IN_PROGRESS)["started"] == NOW


@pytest.mark.parametrize("end", [Status.STOPPED, Status.FAILED, Status.COMPLETED])
def test_an_end_is_dated_and_the_run_measured_in_seconds(end: Status) -> None:
    running = DRAFT._replace(status=Status.IN_PROGRESS, started=NOW - 3_900_000)
    columns = change(running, end)
    assert (columns["completed"], columns["active_duration"]) == (NOW, 3)


def test_enqueueing_remembers_what_the_task_was() -> None:
    stopped = DRAFT._replace(status=Status.STOPPED)
    assert change(stopped, Status.QUEUED)["enqueue_status"] == "stopped"


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_enqueueing_again_keeps_the_older_memory(status: Status) -> None:
    assert "enqueue_status" not in change(DRAFT._replace(status=status), Status.QUEUED)


def test_a_dequeued_task_becomes_what_is_wanted_or_was() -> None:
    queued = DRAFT._replace(status=Status.QUEUED, enqueue_status="stopped")
    assert after_dequeue(queued, Status.IN_PROGRESS) == Status.IN_PROGRESS
    assert after_dequeue(queued) == Status.STOPPED
    assert after_dequeue(queued._replace(enqueue_status=None)) == Status.CREATED


RUNNING = DRAFT._replace(status=Status.IN_PROGRESS, last_worker="w", last_update=NOW)


@pytest.mark.parametrize(
    ("task", "leased", "way"),
    [
        (DRAFT._replace(status=Status.QUEUED), False, "dequeue"),
        (RUNNING, False, "ask"),
        (RUNNING._replace(last_worker=None), False, "now"),
        (RUNNING._replace(last_update=NOW - UNRESPONSIVE - 1), False, "now"),
        (RUNNING._replace(last_update=NOW - UNRESPONSIVE - 1), True, "ask"),
        (RUNNING._replace(system_tags=("development",)), False, "now"),
        (RUNNING._replace(status=Status.STOPPED), False, "now"),
    ],
)
def test_a_task_is_stopped(task: Standing, leased: bool, way: str) -> None:
    assert way_to_stop(task, leased=leased, now=NOW) == way


@pytest.mark.parametrize(
    ("task", "may"),
    [
        (DRAFT, True),
        (DRAFT._replace(status=Status.COMPLETED), False),
        (DRAFT._replace(status=Status.COMPLETED, system_tags=("archived",)), True),
    ],
)
def test_a_task_may_be_deleted_without_force(task: Standing, may: bool) -> None:
    assert may_be_deleted(task) is may
