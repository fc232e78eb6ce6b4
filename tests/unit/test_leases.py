"""What becomes of runs nobody speaks for, and of tasks that ended badly."""

from __future__ import annotations

import pytest

from taskyard.api.attempts import LEASE, RENEW_EVERY
from taskyard.api.errors import Cause
from taskyard.api.states import AttemptState, Status
from taskyard.server.domain.leases import lapsed, may_adopt, order_for
from taskyard.server.domain.retry import Policy, policy_of
from taskyard.server.jobs import reaper

NEVER = Policy()
ONCE = Policy(max=1)


def test_a_lost_run_is_noticed_within_a_minute() -> None:
    assert LEASE + 2 * reaper.INTERVAL < 60


def test_a_lease_outlives_three_renewals_that_fail() -> None:
    assert LEASE > 4 * RENEW_EVERY


@pytest.mark.parametrize(
    ("status", "message", "order"),
    [
        ("in_progress", "", "go"),
        ("in_progress", "stopping", "abort"),
        ("stopped", "", "abort"),
        ("failed", "", "abort"),
        ("published", "", "abort"),
        ("closed", "", "abort"),
        ("completed", "", "go"),
    ],
)
def test_an_agent_is_told(status: str, message: str, order: str) -> None:
    assert order_for(status, message) == order


@pytest.mark.parametrize(
    ("state", "message", "policy", "becomes", "task"),
    [
        ("running", "", NEVER, "lost", "fail"),
        ("preparing", "", NEVER, "lost", "fail"),
        ("running", "", ONCE, "lost", "requeue"),
        ("running", "stopping", ONCE, "lost", "stop"),
        ("leased", "", NEVER, "returned", "requeue unspent"),
        ("leased", "stopping", NEVER, "lost", "stop"),
    ],
)
def test_a_run_past_its_deadline(
    state: str, message: str, policy: Policy, becomes: str, task: str
) -> None:
    verdict = lapsed(AttemptState(state), False, Status.IN_PROGRESS, message, policy, 0)
    assert verdict == (becomes, task)


def test_a_task_with_another_status_is_left_alone() -> None:
    verdict = lapsed(AttemptState.RUNNING, False, Status.COMPLETED, "", ONCE, 0)
    assert verdict == (AttemptState.LOST, "leave")


def test_a_popped_task_that_was_never_started_goes_back() -> None:
    verdict = lapsed(AttemptState.LEASED, True, Status.QUEUED, "", NEVER, 0)
    assert verdict == (AttemptState.RETURNED, "requeue unspent")


@pytest.mark.parametrize(
    ("state", "status", "waiting", "reason", "may"),
    [
        ("lost", "queued", True, "", True),
        ("returned", "queued", True, "", True),
        ("lost", "queued", False, "", False),
        ("lost", "failed", False, "worker lost", True),
        ("lost", "failed", False, "user code", False),
        ("lost", "in_progress", False, "", False),
        ("failed", "queued", True, "", False),
    ],
)
def test_a_run_that_was_given_up_may_go_on(
    state: str, status: str, waiting: bool, reason: str, may: bool
) -> None:
    assert may_adopt(AttemptState(state), status, waiting, reason) is may


@pytest.mark.parametrize(
    ("given", "cause", "retries", "allowed"),
    [
        ({}, "user code", 0, False),
        ({"retry": {"max": 2}}, "user code", 1, True),
        ({"retry": {"max": 2}}, "user code", 2, False),
        ({"retry": {"max": 1, "causes": ["git"]}}, "git", 0, True),
        ({"retry": {"max": 1, "causes": ["git"]}}, "user code", 0, False),
        ({"retry": {"max": 1, "causes": ["infrastructure"]}}, Cause.WORKER_LOST, 0, True),
        ({"retry": {"max": 1, "causes": ["infrastructure"]}}, Cause.USER_CODE, 0, False),
        ({"retry": {"max": 9}}, Cause.ABORTED, 0, False),
        ({"retry": "nonsense"}, "user code", 0, False),
    ],
)
def test_a_retry_policy(given: dict[str, object], cause: str, retries: int, allowed: bool) -> None:
    assert policy_of(given).allows(cause, retries) is allowed
