"""The rules by which a task's status changes. No I/O: what is known goes in, columns come out."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from taskyard.api.errors import INVALID_TASK_STATUS, ApiError
from taskyard.api.states import Status, may_move

SECOND = 1_000_000
UNRESPONSIVE = 600 * SECOND
"""A running task that nobody spoke of for this long has no worker that could be asked to stop."""

STOPPING = "stopping"
"""The status message by which everybody knows that a running task was asked to stop."""

DEVELOPMENT = "development"
"""The system tag of a task that runs by hand, outside any agent."""

ARCHIVED = "archived"
"""The system tag of a task that was put out of sight."""

_ENDS = frozenset({Status.STOPPED, Status.FAILED, Status.COMPLETED})


class Standing(NamedTuple):
    """What the rules need to know of a task. Times in microseconds."""

    id: str
    status: Status
    company: str = ""
    name: str = ""
    status_reason: str = ""
    status_message: str = ""
    started: int | None = None
    last_update: int | None = None
    last_worker: str | None = None
    enqueue_status: str | None = None
    queue: str | None = None
    system_tags: tuple[str, ...] = ()
    priority: int = 0


def check_move(task: Standing, new: Status, *, force: bool) -> None:
    """Raise ApiError(INVALID_TASK_STATUS) unless the task may become ``new``."""
    if not force and not may_move(task.status, new):
        raise ApiError(
            INVALID_TASK_STATUS,
            f"a task that is {task.status} cannot become {new}",
            task=task.id,
            current_status=str(task.status),
            new_status=str(new),
            hint="Look at the task first; with force the change is made all the same.",
        )


def moved(
    task: Standing, new: Status, *, reason: str, message: str, by: str | None, now: int
) -> dict[str, Any]:
    """The columns that change when ``task`` becomes ``new``. ``by`` is None for the server."""
    columns: dict[str, Any] = {
        "status": str(new),
        "status_reason": reason,
        "status_message": message,
        "status_changed": now,
        "last_update": now,
        "last_change": now,
    }
    if by is not None:
        columns["last_changed_by"] = by
    if new == Status.IN_PROGRESS:
        columns |= _started(task, now)
    elif new in _ENDS and not _restored(task, new):
        columns |= _ended(task, now)
    elif new == Status.PUBLISHED:
        columns["published"] = now
    elif new == Status.QUEUED and task.status not in {Status.QUEUED, Status.IN_PROGRESS}:
        # A running task is queued again only for its next attempt: what it was before stays.
        columns["enqueue_status"] = str(task.status)
    return columns


def _restored(task: Standing, new: Status) -> bool:
    """Whether a task that waited, and so has not run since, gets its last status back."""
    return task.status == Status.QUEUED and task.enqueue_status == new


def _started(task: Standing, now: int) -> dict[str, Any]:
    if task.status == Status.IN_PROGRESS and task.started is not None:
        return {}
    return {"started": now, "completed": None, "active_duration": None}


def _ended(task: Standing, now: int) -> dict[str, Any]:
    columns: dict[str, Any] = {"completed": now}
    if task.started is not None and task.status == Status.IN_PROGRESS:
        columns["active_duration"] = max(0, now - task.started) // SECOND
    return columns


def after_dequeue(task: Standing, wanted: Status | None = None) -> Status:
    """What a task becomes that is taken out of its queue: as wanted, as before, or a draft."""
    if wanted is not None:
        return wanted
    return Status(task.enqueue_status) if task.enqueue_status else Status.CREATED


def way_to_stop(task: Standing, *, leased: bool, now: int) -> Literal["dequeue", "ask", "now"]:
    """How a task is stopped: out of its queue, by asking its worker, or at once."""
    if task.status == Status.QUEUED:
        return "dequeue"
    if task.status != Status.IN_PROGRESS:
        return "now"
    if leased:
        return "ask"
    silent = task.last_update is None or task.last_update < now - UNRESPONSIVE
    if DEVELOPMENT in task.system_tags or not task.last_worker or silent:
        return "now"
    return "ask"


def may_be_deleted(task: Standing) -> bool:
    """Whether a task may be deleted without force."""
    return task.status == Status.CREATED or ARCHIVED in task.system_tags
