"""The states of a task, the moves between them, and the states of an attempt.

The tables are the rule: nothing else in the code decides whether a move is legal.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """A task's status. Pages show other words for some: see :data:`SHOWN`."""

    CREATED = "created"
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    STOPPED = "stopped"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    CLOSED = "closed"
    FAILED = "failed"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


_S = Status

MOVES: dict[Status, frozenset[Status]] = {
    _S.CREATED: frozenset({_S.QUEUED, _S.IN_PROGRESS}),
    _S.QUEUED: frozenset({_S.CREATED, _S.IN_PROGRESS, _S.STOPPED}),
    _S.IN_PROGRESS: frozenset({_S.STOPPED, _S.FAILED, _S.CREATED, _S.COMPLETED}),
    _S.STOPPED: frozenset(
        {
            _S.CLOSED,
            _S.CREATED,
            _S.FAILED,
            _S.QUEUED,
            _S.IN_PROGRESS,
            _S.PUBLISHED,
            _S.PUBLISHING,
            _S.COMPLETED,
        }
    ),
    _S.CLOSED: frozenset({_S.CREATED, _S.FAILED, _S.PUBLISHED, _S.PUBLISHING, _S.STOPPED}),
    _S.FAILED: frozenset({_S.CREATED, _S.STOPPED, _S.PUBLISHED, _S.QUEUED}),
    _S.PUBLISHING: frozenset({_S.PUBLISHED}),
    _S.PUBLISHED: frozenset(),
    _S.COMPLETED: frozenset({_S.PUBLISHED, _S.IN_PROGRESS, _S.CREATED}),
    _S.UNKNOWN: frozenset(),
}
"""What a task may become without ``force``. Staying what it is, is always allowed."""

SHOWN: dict[Status, str] = {
    _S.CREATED: "draft",
    _S.QUEUED: "queued",
    _S.IN_PROGRESS: "running",
    _S.STOPPED: "aborted",
    _S.PUBLISHING: "publishing",
    _S.PUBLISHED: "published",
    _S.CLOSED: "closed",
    _S.FAILED: "failed",
    _S.COMPLETED: "completed",
    _S.UNKNOWN: "unknown",
}
"""The word people see for a status."""

FINAL = frozenset({_S.STOPPED, _S.CLOSED, _S.FAILED, _S.COMPLETED, _S.PUBLISHED})
"""States in which nothing runs and nothing will by itself."""


def may_move(old: Status, new: Status) -> bool:
    """Whether a task may go from ``old`` to ``new`` without force."""
    return old == new or new in MOVES[old]


class AttemptState(StrEnum):
    """One run of a task, from the moment an agent takes it."""

    LEASED = "leased"
    PREPARING = "preparing"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"
    RETURNED = "returned"


_A = AttemptState
LIVE_ATTEMPT = frozenset({_A.LEASED, _A.PREPARING, _A.RUNNING})

ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    _A.LEASED: frozenset(set(_A) - {_A.LEASED}),
    _A.PREPARING: frozenset(set(_A) - {_A.LEASED, _A.PREPARING}),
    _A.RUNNING: frozenset(set(_A) - {_A.LEASED, _A.PREPARING, _A.RUNNING}),
    _A.COMPLETED: frozenset(),
    _A.FAILED: frozenset(),
    _A.STOPPED: frozenset(),
    _A.LOST: frozenset(),
    _A.RETURNED: frozenset(),
}
"""An attempt only goes forward; once it is over it stays as it is."""
