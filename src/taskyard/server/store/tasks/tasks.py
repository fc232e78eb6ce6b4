"""Tasks as documents in the database. Their status is changed elsewhere: see ``lifecycle``."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from taskyard.api.errors import INVALID_MODEL_ID, INVALID_PROJECT_ID, READ_ONLY, ApiError
from taskyard.api.states import Status
from taskyard.server.call import Call
from taskyard.server.domain.task_fields import MERGED, Sent
from taskyard.server.store.database import keeping, locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.projects import projects
from taskyard.server.store.tables import models, tasks
from taskyard.server.store.tasks import journal

PUBLIC = ""
"""The company of what everybody may read."""

DELETED_PARENT = "__DELETED__"
"""Prefix of a parent's id once the parent is gone."""

CONTROLLER = "controller"
"""The type of a task that runs a pipeline; the steps it starts have it for their parent."""

_SECOND = 1_000_000


def was_made(tx: Tx, call: Call, task: str) -> bool:
    """Whether the caller has made this task already, by a request whose answer got lost."""
    locks.take(tx, f"task {task}")
    mine = (tasks.c.id == task, tasks.c.company == call.company, tasks.c.user == call.user)
    return tx.execute(select(tasks.c.id).where(*mine)).first() is not None


def create(tx: Tx, call: Call, fields: Sent, *, id: str | None = None, reason: str = "") -> str:
    """Insert a draft with these fields; gives its id, which may be given. ``reason``: where it
    comes from. Raises ApiError(NOT_UNIQUE) for an id that another's task has."""
    task = id or uuid.uuid4().hex
    sections = {name: fields.get(name) or {} for name in MERGED}
    documents.insert(
        tx,
        TASK,
        fields
        | sections
        | {
            "id": task,
            "company": call.company,
            "user": call.user,
            "status": str(Status.CREATED),
            "status_reason": "",
            "status_message": "",
            "last_changed_by": call.user,
            "last_iteration": 0,
        },
    )
    projects.touch(tx, [fields.get("project")])
    journal.add(tx, call.company, task, "created", by=call.user, reason=reason)
    tx.signal(f"task:{task}")
    return task


def lock(tx: Tx, ids: Iterable[str]) -> list[str]:
    """Hold several tasks, as :func:`keeping.lock` does."""
    return keeping.lock(tx, tasks, ids)


def for_edit(tx: Tx, call: Call, task: str, *fields: str) -> dict[str, Any]:
    """Status, project and ``fields`` of a task, held against other writers until the end.

    Raises ApiError INVALID_TASK_ID, or READ_ONLY for a public task.
    """
    return documents.get(tx, TASK, task, call, only=["status", "project", *fields], for_write=True)


def write(tx: Tx, call: Call, task: str, changes: Mapping[Any, Any]) -> int:
    """Set fields by path, in the caller's name; gives how many tasks changed.

    The journal tells of it, but not of what code says of itself while it runs.
    """
    stamps = {
        "last_update": tx.now,
        "last_change": tx.now,
        "last_changed_by": call.user,
    }
    changed = documents.update(tx, TASK, task, {**changes, **stamps})
    if _STATUS.first(tx, of_task=task).status != Status.IN_PROGRESS:
        what = ", ".join(sorted({_word(path) for path in changes}))
        journal.add(tx, call.company, task, "edited", by=call.user, message=what)
    tx.signal(f"task:{task}")
    return changed


_STATUS = Prepared(select(tasks.c.status).where(tasks.c.id == bindparam("of_task")))
_WORDS = {"hyperparams": "parameters", "models": "models", "comment": "description"}


def _word(path: str | Sequence[str]) -> str:
    """What people call a field, by its path."""
    parts = path.split(".") if isinstance(path, str) else path
    return _WORDS.get(parts[0], parts[-1].replace("_", " "))


def touch(tx: Tx, task: str) -> int:
    """Note that a task is alive; a running one has its duration brought up to date."""
    row = tx.execute(select(tasks.c.status, tasks.c.started).where(tasks.c.id == task)).one()
    columns: dict[str, Any] = {"last_update": tx.now}
    if row.status == Status.IN_PROGRESS and row.started is not None:
        columns["active_duration"] = max(0, tx.now - row.started) // _SECOND
    return tx.execute(update(tasks).where(tasks.c.id == task).values(columns)).rowcount


def check_references(tx: Tx, call: Call, fields: Mapping[str, Any]) -> None:
    """See that parent, project and input models exist and may be used.

    Raises ApiError INVALID_TASK_ID, INVALID_PROJECT_ID, INVALID_MODEL_ID, or READ_ONLY for a
    public project.
    """
    parent = fields.get("parent")
    if parent and not parent.startswith(DELETED_PARENT):
        documents.get(tx, TASK, parent, call, only=["id"])
    if project := fields.get("project"):
        company = keeping.company_of_project(tx, project)
        if company not in {call.company, PUBLIC}:
            raise ApiError(INVALID_PROJECT_ID, id=project)
        if company == PUBLIC:
            raise ApiError(READ_ONLY, "project", id=project)
    used = [item["model"] for item in (fields.get("models") or {}).get("input") or ()]
    if used:
        check_models(tx, call, used)


def check_models(tx: Tx, call: Call, ids: Iterable[str]) -> None:
    """See that models are there to be used, and have them stay. Raises INVALID_MODEL_ID."""
    wanted = list(dict.fromkeys(ids))
    known = keeping.known(tx, models, wanted, call.company)
    if unknown := [id for id in wanted if id not in known]:
        raise ApiError(INVALID_MODEL_ID, ids=unknown)


def validate(tx: Tx, call: Call, task: str) -> None:
    """See that what a task refers to is still there. Raises as :func:`check_references` does."""
    check_references(
        tx, call, documents.get(tx, TASK, task, call, only=["parent", "project", "models"])
    )


def with_steps(
    tx: Tx, call: Call, ids: Iterable[str], among: Iterable[Status] = tuple(Status)
) -> list[str]:
    """These tasks and, of the pipelines among them, the steps that stand at one of ``among``.

    Steps that are pipelines bring theirs.
    """
    wanted = [str(status) for status in among]
    run = tasks.alias()
    found = dict.fromkeys(ids)
    new = list(found)
    while new:
        query = (
            select(tasks.c.id)
            .join(run, run.c.id == tasks.c.parent)
            .where(
                run.c.id.in_(new),
                run.c.type == CONTROLLER,
                tasks.c.company == call.company,
                tasks.c.status.in_(wanted),
            )
            .order_by(tasks.c.created, tasks.c.id)
        )
        new = [id for id in tx.execute(query).scalars() if id not in found]
        found |= dict.fromkeys(new)
    return list(found)


def types(tx: Tx, call: Call, within: Sequence[str] | None) -> list[str]:
    """The types of the tasks that the caller sees: in these projects and below, or anywhere."""
    query = select(tasks.c.type).distinct().where(tasks.c.company.in_([call.company, PUBLIC]))
    if within:
        query = query.where(tasks.c.project.in_(documents.with_descendants(tx, list(within))))
    return sorted(tx.execute(query).scalars())
