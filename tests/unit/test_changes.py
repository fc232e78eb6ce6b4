"""The numbered changes behind the stream."""

from __future__ import annotations

import pytest

from taskyard.api.errors import ApiError
from taskyard.server.changes import Changes, interest
from taskyard.server.signals import EVERYTHING


def test_what_changed_after_a_revision_is_known_once_each_in_order() -> None:
    changes = Changes()
    changes.told("task:before")
    revision = changes.revision
    for topic in ("task:a", "queue:q", "task:a", "worker:w"):
        changes.told(topic)
    assert changes.since(revision) == ["task:a", "queue:q", "worker:w"]


def test_nothing_changed_since_the_newest_revision() -> None:
    changes = Changes()
    changes.told("task:a")
    assert changes.since(changes.revision) == []


def test_the_latest_kept_changes_can_be_resumed_and_no_older_ones() -> None:
    changes = Changes(kept=3)
    revisions = [changes.revision]
    for number in range(4):
        changes.told(f"task:{number}")
        revisions.append(changes.revision)
    assert changes.since(revisions[0]) is None
    assert changes.since(revisions[1]) == ["task:1", "task:2", "task:3"]


@pytest.mark.parametrize("revision", ["", "x", "0-0", "-1", "feed-1", "feed-", "9" * 50])
def test_a_revision_of_another_process_is_not_known(revision: str) -> None:
    assert Changes().since(revision) is None


def test_a_revision_of_the_future_is_not_known() -> None:
    changes = Changes()
    epoch = changes.revision.partition("-")[0]
    assert changes.since(f"{epoch}-1") is None


def test_after_signals_were_lost_no_revision_is_known() -> None:
    changes = Changes()
    revision = changes.revision
    changes.told(EVERYTHING)
    assert changes.since(revision) is None


@pytest.mark.parametrize("topic", ["key:secret", "session:s", "user:u"])
def test_changes_of_keys_sessions_and_users_are_not_shown(topic: str) -> None:
    changes = Changes()
    changes.told(topic)
    assert changes.revision.endswith("-0")


@pytest.mark.parametrize(
    ("topics", "change", "asked"),
    [
        ("tasks", "task:a", True),
        ("tasks", "queue:a", False),
        ("tasks", "log:a", False),
        ("queues", "queue:a", True),
        ("queues", "queues", True),
        ("queue:a", "queue:a", True),
        ("queue:a", "queues", False),
        ("task:a,log:a", "log:a", True),
        ("task:a", "task:b", False),
        ("", "worker:w", True),
    ],
)
def test_a_stream_holds_what_its_topics_name(topics: str, change: str, asked: bool) -> None:
    assert bool(interest(topics).of([change])) is asked


@pytest.mark.parametrize("topics", ["nonsense", "key:a", "seen:w", "task:", "tasks,other:x"])
def test_other_topics_are_refused(topics: str) -> None:
    with pytest.raises(ApiError, match="no topic"):
        interest(topics)
