"""The one place where a task's status changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Required, TypedDict, Unpack

from sqlalchemy import Row, bindparam, func, or_, select, update

from taskyard.api.errors import INVALID_TASK_ID, READ_ONLY, STATUS_CHANGED, ApiError
from taskyard.api.states import FINAL, SHOWN, Status
from taskyard.server.domain import lifecycle
from taskyard.server.domain.lifecycle import DEVELOPMENT, STOPPING, Standing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.tables import projects, tasks
from taskyard.server.store.tasks import attempts, journal

TIMES = frozenset(
    {"status_changed", "last_update", "last_change", "started", "completed", "published"}
)
_SYSTEM_TAGS = tasks.c.doc["system_tags"].label("system_tags")
_PRIORITY = tasks.c.doc["priority"].label("priority")
COLUMNS = (
    tasks.c.id,
    tasks.c.status,
    tasks.c.company,
    tasks.c.name,
    tasks.c.status_reason,
    tasks.c.status_message,
    tasks.c.started,
    tasks.c.last_update,
    tasks.c.last_worker,
    tasks.c.enqueue_status,
    tasks.c.queue,
    _SYSTEM_TAGS,
    _PRIORITY,
)
"""What makes a :class:`Standing`."""
_THIS = tasks.c.id == bindparam("of_task")
_STANDING = Prepared(select(*COLUMNS).where(_THIS).with_for_update())
_WORDS = Prepared(select(tasks.c.status, tasks.c.status_message).where(_THIS))
_OWNER = Prepared(select(tasks.c.company).where(_THIS))


def find_standing(tx: Tx, task: str) -> Standing | None:
    """What the life cycle needs to know of a task, which is locked until the transaction ends."""
    row = _STANDING.first(tx, of_task=task)
    return None if row is None else standing_of(row)


def standings(tx: Tx, company: str, ids: Sequence[str]) -> list[Standing]:
    """The same of several tasks, those that the company may see; nothing is locked."""
    query = select(*COLUMNS).where(tasks.c.id.in_(ids), tasks.c.company.in_([company, ""]))
    return [standing_of(row) for row in tx.execute(query)]


def standing_of(row: Row[Any]) -> Standing:
    """What a row with :data:`COLUMNS` says."""
    return Standing(
        id=row.id,
        status=Status(row.status),
        company=row.company,
        name=row.name,
        status_reason=row.status_reason,
        status_message=row.status_message,
        started=row.started,
        last_update=row.last_update,
        last_worker=row.last_worker,
        enqueue_status=row.enqueue_status,
        queue=row.queue,
        system_tags=tuple(row.system_tags or ()),
        priority=row.priority or 0,
    )


def standing(tx: Tx, company: str, task: str) -> Standing:
    """Like :func:`find_standing` for a caller who means to change the task.

    Raises ApiError: INVALID_TASK_ID for a task unknown to the company, READ_ONLY for a public one.
    """
    found = find_standing(tx, task)
    if found is None or found.company not in {company, ""}:
        raise ApiError(INVALID_TASK_ID, id=task, company=company)
    if found.company != company:
        raise ApiError(READ_ONLY, id=task)
    return found


class How(TypedDict, total=False):
    """What goes with a move: see :func:`move`."""

    by: Required[str | None]
    reason: str
    message: str
    force: bool
    also: dict[str, Any] | None
    follow: bool


def change(tx: Tx, task: Standing, new: Status, **how: Unpack[How]) -> dict[str, Any]:
    """Do as :func:`move`; gives the fields that changed, as the wire has them."""
    return as_fields(move(tx, task, new, **how))


def move(
    tx: Tx,
    task: Standing,
    new: Status,
    *,
    by: str | None,
    reason: str = "",
    message: str = "",
    force: bool = False,
    also: dict[str, Any] | None = None,
    follow: bool = True,
) -> dict[str, Any]:
    """Make ``task`` become ``new``; gives the columns that changed.

    ``also`` are further columns to set with it; ``by`` the user, None for the server itself.
    The task's live attempt follows, unless the caller has seen to it.
    Raises ApiError: INVALID_TASK_STATUS for a move that is not legal without ``force``,
    STATUS_CHANGED when somebody else was faster.
    """
    lifecycle.check_move(task, new, force=force)
    columns = lifecycle.moved(task, new, reason=reason, message=message, by=by, now=tx.now)
    columns |= also or {}
    changing = _changing(*sorted(columns))
    if changing.run(tx, of_task=task.id, of_status=task.status, **columns) == 0:
        raise ApiError(STATUS_CHANGED, task=task.id, expected=str(task.status))
    _note_down(tx, task, new, columns, by)
    if new == Status.QUEUED and DEVELOPMENT in task.system_tags:
        kept = [tag for tag in task.system_tags if tag != DEVELOPMENT]
        documents.update(tx, TASK, task.id, {"system_tags": kept})
    # The attempts of a draft are over, if it ever had one.
    if follow and task.status != Status.CREATED:
        attempts.follow(tx, task.id, new)
    tx.signal(f"task:{task.id}")
    return columns


def _note_down(
    tx: Tx, task: Standing, new: Status, columns: Mapping[str, Any], by: str | None
) -> None:
    what = SHOWN[new]
    if new == task.status:
        if STOPPING not in columns["status_message"]:
            return
        what = STOPPING
    ran = Status.IN_PROGRESS in {new, task.status}
    journal.add(
        tx,
        task.company,
        task.id,
        what,
        by=by,
        worker=columns.get("last_worker", task.last_worker) if ran else None,
        queue=columns.get("queue", task.queue),
        reason=columns["status_reason"],
        message=columns["status_message"],
    )


@cache
def _changing(*columns: str) -> Prepared:
    """The statement that changes these columns of a task whose status is still the same."""
    here = (_THIS, tasks.c.status == bindparam("of_status"))
    return Prepared(update(tasks).where(*here).values({name: bindparam(name) for name in columns}))


def note(tx: Tx, task: Standing, message: str, *, reason: str, by: str | None) -> dict[str, Any]:
    """Give a task another reason and message without changing its status."""
    return change(tx, task, task.status, by=by, reason=reason, message=message)


_WIRE_NAMES = {"queue": "execution.queue"}


def as_fields(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns as the answer's ``fields``: wire names, times in ISO-8601."""
    return {
        _WIRE_NAMES.get(name, name): to_wire(value) if name in TIMES else value
        for name, value in columns.items()
        if name != "enqueue_status"
    }


def names(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """The names of tasks by id."""
    rows = tx.execute(select(tasks.c.id, tasks.c.name).where(tasks.c.id.in_(ids)))
    return {row.id: row.name for row in rows}


def check_visible(tx: Tx, company: str, task: str) -> None:
    """Raise ApiError(INVALID_TASK_ID) for a task the company cannot see."""
    found = _OWNER.first(tx, of_task=task)
    if found is None or found.company not in {company, ""}:
        raise ApiError(INVALID_TASK_ID, id=task, company=company)


def counts(tx: Tx, company: str, statuses: Iterable[Status]) -> dict[str, int]:
    """How many tasks of a company have each of these statuses."""
    wanted = [str(status) for status in statuses]
    rows = tx.execute(
        select(tasks.c.status, func.count().label("number"))
        .where(tasks.c.company == company, tasks.c.status.in_(wanted))
        .group_by(tasks.c.status)
    )
    return dict.fromkeys(wanted, 0) | {row.status: row.number for row in rows}


def words(tx: Tx, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Status and status message of tasks by id."""
    found = ((id, _WORDS.first(tx, of_task=id)) for id in ids)
    return {id: (row.status, row.status_message or "") for id, row in found if row is not None}


def set_queue(tx: Tx, task: str, queue: str | None) -> None:
    """Record which queue a task is in, or was taken from."""
    tx.execute(update(tasks).where(tasks.c.id == task).values(queue=queue))


def reported_by(tx: Tx, company: str, task: str, worker: str) -> bool:
    """Record that a worker says it runs a task. False when there is no such task."""
    done = tx.execute(
        update(tasks)
        .where(tasks.c.id == task, tasks.c.company == company)
        .values(
            last_worker=worker,
            last_worker_report=tx.now,
            last_update=tx.now,
            last_change=tx.now,
        )
    )
    return bool(done.rowcount)


HEARD_EVERY = 5_000_000
"""Microseconds: a run that prints without pause rewrites its task's row no more often."""


_HEARD = Prepared(
    update(tasks)
    .where(_THIS, tasks.c.last_worker_report < bindparam("before"))
    .values(last_update=bindparam("now"), last_worker_report=bindparam("now"))
)


def heard(tx: Tx, task: str) -> None:
    """Note that a task gave a sign of life."""
    _HEARD.run(tx, of_task=task, now=tx.now, before=tx.now - HEARD_EVERY)


def running(tx: Tx, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """What lists of workers show of their tasks, by id: of those that are not over."""
    rows = tx.execute(
        select(
            tasks.c.id,
            tasks.c.name,
            tasks.c.started,
            tasks.c.last_iteration,
            tasks.c.project,
            projects.c.name.label("project_name"),
        )
        .outerjoin(projects, projects.c.id == tasks.c.project)
        .where(tasks.c.id.in_(ids), tasks.c.status.not_in(FINAL))
    )
    return {row.id: row for row in rows}


def silent(tx: Tx, before: int, *, limit: int = 500) -> Sequence[str]:
    """Running tasks on which nobody has reported since ``before`` (microseconds)."""
    return (
        tx.execute(
            select(tasks.c.id)
            .where(
                tasks.c.status == Status.IN_PROGRESS,
                or_(tasks.c.last_update < before, tasks.c.last_update.is_(None)),
            )
            .order_by(tasks.c.last_update)
            .limit(limit)
        )
        .scalars()
        .all()
    )
