"""Models as documents in the database, and how they hang together with tasks."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, or_, select, update

from taskyard.api.errors import (
    MODEL_CREATING_TASK_EXISTS,
    MODEL_IN_USE,
    MODEL_IS_READY,
    ApiError,
)
from taskyard.api.states import Status
from taskyard.server.call import Call
from taskyard.server.domain.terms import AnyOf
from taskyard.server.store.database import keeping
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.conditions import Dialect
from taskyard.server.store.documents.kinds import MODEL, PROJECT, TASK
from taskyard.server.store.projects import projects
from taskyard.server.store.tables import models, tasks
from taskyard.server.store.tasks import task_life
from taskyard.server.store.tasks.task_life import Words

Document = dict[str, Any]

DELETED = "__DELETED__"
"""Put before the id of a model that is no more, where tasks name it."""
ARCHIVED = "archived"


def create(tx: Tx, call: Call, fields: Mapping[str, Any], *, public: bool = False) -> str:
    """Store a new model; gives its id. Raises what :func:`check_references` raises."""
    check_references(tx, call, fields)
    id = uuid.uuid4().hex
    documents.insert(
        tx,
        MODEL,
        {
            **fields,
            "id": id,
            "company": "" if public else call.company,
            "user": call.user,
            "last_changed_by": call.user,
        },
    )
    projects.touch(tx, [fields.get("project")])
    return id


def check_references(tx: Tx, call: Call, fields: Mapping[str, Any]) -> None:
    """See that project, task and parent exist and may be used.

    Raises ApiError: INVALID_PROJECT_ID, INVALID_TASK_ID, INVALID_MODEL_ID, READ_ONLY.
    """
    if project := fields.get("project"):
        documents.get(tx, PROJECT, project, call, only=["id"], for_write=True)
    if task := fields.get("task"):
        documents.get(tx, TASK, task, call, only=["id"])
    if parent := fields.get("parent"):
        documents.get(tx, MODEL, parent, call, only=["id"])


def write(tx: Tx, call: Call, id: str, fields: Mapping[Any, Any]) -> int:
    """Set fields of a model in the caller's name; gives how many models changed."""
    stamps = {"last_update": tx.now, "last_change": tx.now, "last_changed_by": call.user}
    return documents.update(tx, MODEL, id, {**fields, **stamps})


def hold(tx: Tx, call: Call, id: str, *fields: str) -> Document:
    """Fields of a model, held against other writers until the end of the transaction.

    Raises ApiError INVALID_MODEL_ID, or READ_ONLY for a public model.
    """
    return documents.get(tx, MODEL, id, call, only=["ready", "task", *fields], for_write=True)


def lock(tx: Tx, ids: Iterable[str]) -> list[str]:
    """Hold several models, as :func:`keeping.lock` does."""
    return keeping.lock(tx, models, ids)


def raise_iteration(tx: Tx, task: str | None, iteration: int | None) -> None:
    """Note how far a task has come, if that is news."""
    if task and iteration is not None:
        tx.execute(
            update(tasks)
            .where(
                tasks.c.id == task,
                or_(tasks.c.last_iteration.is_(None), tasks.c.last_iteration < iteration),
            )
            .values(last_iteration=iteration, last_update=tx.now)
        )
        tx.signal(f"task:{task}")


def publish(tx: Tx, call: Call, id: str, *, with_task: bool, force: bool) -> Document | None:
    """Publish a model, and the task that made it; gives what became of the task, if anything.

    Raises ApiError: MODEL_IS_READY, and INVALID_TASK_STATUS for a task that cannot be published
    unless with ``force``.
    """
    model = hold(tx, call, id)
    if model["ready"]:
        raise ApiError(MODEL_IS_READY, model=id)
    published = _publish_task(tx, call, model.get("task"), force) if with_task else None
    write(tx, call, id, {"ready": True})
    return published


def _publish_task(tx: Tx, call: Call, task: str | None, force: bool) -> Document | None:
    status = tx.execute(
        select(tasks.c.status).where(tasks.c.id == task, tasks.c.company == call.company)
    ).scalar()
    if status is None or status == Status.PUBLISHED:
        return None
    fields = task_life.publish(tx, call, str(task), Words("", ""), force=force, publish_model=False)
    return {"id": task, "data": {"updated": 1, "fields": fields}}


def set_archived(tx: Tx, call: Call, id: str, *, archived: bool) -> None:
    """Put a model out of sight or bring it back."""
    tags = set(hold(tx, call, id, "system_tags")["system_tags"]) - {ARCHIVED}
    write(tx, call, id, {"system_tags": [*tags, ARCHIVED] if archived else [*tags]})


def remove(tx: Tx, call: Call, id: str, *, force: bool) -> str | None:
    """Delete a model; gives the address of its file. Tasks that name it keep a mark.

    Raises ApiError: INVALID_MODEL_ID, READ_ONLY, and unless with ``force`` MODEL_IN_USE while it
    is the input of tasks, MODEL_CREATING_TASK_EXISTS while a published task made it.
    """
    model = hold(tx, call, id, "uri")
    users = _users(tx, call, id, "input")
    if not force:
        others = [task for task in users if task != model.get("task")]
        if others:
            raise ApiError(MODEL_IN_USE, "delete it with force", model=id, tasks=others[:10])
        made_by = tx.execute(select(tasks.c.status).where(tasks.c.id == model.get("task"))).scalar()
        if made_by == Status.PUBLISHED:
            raise ApiError(
                MODEL_CREATING_TASK_EXISTS, "it is published", model=id, task=model["task"]
            )
    for task in dict.fromkeys([*users, *_users(tx, call, id, "output")]):
        _mark(tx, task, id)
    tx.execute(update(models).where(models.c.parent == id).values(parent=DELETED + id))
    tx.execute(delete(models).where(models.c.id == id))
    uri: str | None = model.get("uri")
    return uri


def _users(tx: Tx, call: Call, id: str, use: str) -> list[str]:
    """The company's tasks that name a model as ``input`` or ``output``."""
    named = Dialect(tx.dialect, TASK).condition(AnyOf(("models", use, "model"), (id,)))
    query = select(tasks.c.id).where(tasks.c.company == call.company, named)
    return list(tx.execute(query.order_by(tasks.c.id)).scalars())


def _mark(tx: Tx, task: str, model: str) -> None:
    stored = tx.execute(select(tasks.c.doc).where(tasks.c.id == task).with_for_update()).scalar()
    named = (stored or {}).get("models") or {}
    marked = {
        use: [
            {**item, "model": DELETED + model} if item.get("model") == model else item
            for item in items
        ]
        for use, items in named.items()
    }
    documents.update(tx, TASK, task, {"models": marked})


def move(tx: Tx, call: Call, ids: Iterable[str], project: str | None) -> None:
    """Put models into a project, or into none."""
    touched = [project]
    for id in lock(tx, ids):
        touched.append(hold(tx, call, id, "project").get("project"))
        write(tx, call, id, {"project": project})
    projects.touch(tx, touched)
