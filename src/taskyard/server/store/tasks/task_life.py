"""What happens to a task, beyond its row, when its status changes: queues, models, events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, update

from taskyard.api.errors import (
    CONFLICTING_FIELDS,
    INVALID_TASK_ID,
    INVALID_TASK_STATUS,
    TASK_CANNOT_BE_DELETED,
    ApiError,
)
from taskyard.api.states import Status
from taskyard.server.call import Call
from taskyard.server.domain import lifecycle
from taskyard.server.domain.lifecycle import ARCHIVED, STOPPING, Standing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, texts
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.queues import queue_entries, queues
from taskyard.server.store.tables import models, tasks
from taskyard.server.store.tasks import attempts, journal, task_status

Fields = dict[str, Any]

DELETED = "__DELETED__"
"""Prefix of an id that is kept where the task it names is gone."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a caller says about a change."""

    reason: str = ""
    message: str = ""


# Queueing


def chosen_queue(tx: Tx, call: Call, queue: str | None, name: str | None) -> str:
    """The queue meant by id or by name (made if there is none of it), else the default one.

    Raises ApiError: CONFLICTING_FIELDS for both, INVALID_QUEUE_ID, NO_DEFAULT_QUEUE.
    """
    if queue and name:
        raise ApiError(CONFLICTING_FIELDS, "give queue or queue_name, not both")
    if queue:
        return str(queues.row(tx, call.company, queue).id)
    if name:
        return queues.ensure(tx, call.company, call.user, name)
    return queues.default(tx, call.company)[0]


def enqueue(
    tx: Tx,
    call: Call,
    task: Standing,
    queue: str,
    words: Words,
    *,
    force: bool = False,
    update_execution_queue: bool = True,
) -> Fields:
    """Put a task at the back of ``queue`` and take it out of every other one."""
    fields = task_status.change(
        tx,
        task,
        Status.QUEUED,
        by=call.user,
        reason=words.reason,
        message=words.message,
        force=force,
        also={"queue": queue} if update_execution_queue else None,
    )
    for other in queue_entries.push(tx, queue, task.id, priority=task.priority):
        queue_entries.take_out(tx, other, task.id)
    return fields


def dequeue(
    tx: Tx,
    call: Call,
    task_id: str,
    words: Words,
    *,
    new_status: Status | None = None,
    from_all: bool = False,
) -> tuple[bool, Fields | None]:
    """Take a task out of its queue: whether it was in one, and the fields that changed.

    Only a queued or running task changes. An unknown id is taken out of all queues quietly.
    """
    try:
        task = task_status.standing(tx, call.company, task_id)
    except ApiError as error:
        if error.kind != INVALID_TASK_ID[:2]:
            raise
        for queue in queue_entries.queues_of(tx, task_id):
            if queue in queues.all_ids(tx, call.company):
                queue_entries.take_out(tx, queue, task_id)
        return True, None
    if from_all or task.queue is None:
        removed = bool(queue_entries.remove_everywhere(tx, task_id))
    else:
        removed = queue_entries.take_out(tx, task.queue, task_id)
    if task.status not in {Status.QUEUED, Status.IN_PROGRESS}:
        return removed, None
    fields = task_status.change(
        tx,
        task,
        lifecycle.after_dequeue(task, new_status),
        by=call.user,
        reason=words.reason,
        message=words.message,
        force=True,
        also={"enqueue_status": None},
    )
    return True, fields


# Stopping


def stop(tx: Tx, call: Call, task_id: str, words: Words, *, force: bool = False) -> Fields:
    """Stop a task: out of its queue, through its worker, or at once where nobody runs it."""
    task = task_status.standing(tx, call.company, task_id)
    held = attempts.live(tx, task_id)
    leased = held is not None and not held.plain
    way = lifecycle.way_to_stop(task, leased=leased, now=tx.now)
    if way == "ask":
        tx.signal(f"worker:{task.last_worker}")
        return task_status.note(tx, task, STOPPING, reason=words.reason, by=call.user)
    if way == "dequeue":
        queue_entries.remove_everywhere(tx, task_id)
    return task_status.change(
        tx,
        task,
        Status.STOPPED,
        by=call.user,
        reason=words.reason,
        message=words.message or f"Stopped by {call.user_name}",
        force=force,
    )


def archive(tx: Tx, call: Call, task_id: str, words: Words) -> None:
    """Put a task out of sight; one that waits is dequeued, one that runs is stopped."""
    task = task_status.standing(tx, call.company, task_id)
    if task.status == Status.QUEUED:
        dequeue(tx, call, task_id, words, from_all=True)
    elif task.status == Status.IN_PROGRESS:
        task_status.change(
            tx, task, Status.STOPPED, by=call.user, reason=words.reason, message=words.message
        )
    _set_system_tags(tx, call, task, {*task.system_tags, ARCHIVED})
    journal.add(tx, call.company, task_id, "archived", by=call.user, reason=words.reason)


def unarchive(tx: Tx, call: Call, task_id: str) -> None:
    """Bring an archived task back into sight."""
    task = task_status.standing(tx, call.company, task_id)
    _set_system_tags(tx, call, task, {*task.system_tags} - {ARCHIVED})
    journal.add(tx, call.company, task_id, "restored", by=call.user)


def _set_system_tags(tx: Tx, call: Call, task: Standing, tags: set[str]) -> None:
    stamps = {"last_update": tx.now, "last_change": tx.now, "last_changed_by": call.user}
    documents.update(tx, TASK, task.id, {"system_tags": sorted(tags), **stamps})
    tx.signal(f"task:{task.id}")


# Publishing


def publish(
    tx: Tx,
    call: Call,
    task_id: str,
    words: Words,
    *,
    force: bool = False,
    publish_model: bool = True,
) -> Fields:
    """Make a finished task unchangeable, and with it its last output model."""
    task = task_status.standing(tx, call.company, task_id)
    lifecycle.check_move(task, Status.PUBLISHED, force=force)
    if publish_model:
        _publish_last_model(tx, call, task_id)
    return task_status.change(
        tx,
        task,
        Status.PUBLISHED,
        by=call.user,
        reason=words.reason,
        message=words.message,
        force=force,
    )


def _publish_last_model(tx: Tx, call: Call, task_id: str) -> None:
    document = documents.get(tx, TASK, task_id, call, only=["models"])
    output = (document.get("models") or {}).get("output") or []
    if not output:
        return
    tx.execute(
        update(models)
        .where(
            models.c.id == output[-1].get("model"),
            models.c.company == call.company,
            models.c.ready.is_(False),
        )
        .values(ready=True, last_update=tx.now, last_change=tx.now, last_changed_by=call.user)
    )


# Reset and deletion


@dataclass(slots=True)
class Cleared:
    """What went with a task's results."""

    deleted_models: int = 0
    model_urls: list[str] = field(default_factory=list)
    artifact_urls: list[str] = field(default_factory=list)


def reset(
    tx: Tx,
    call: Call,
    task_id: str,
    words: Words,
    *,
    force: bool = False,
    clear_all: bool = False,
    delete_output_models: bool = True,
) -> tuple[Fields, list[str], Cleared]:
    """Make a task a draft without results: changed fields, queues it was in, what was cleared."""
    task = task_status.standing(tx, call.company, task_id)
    if not force:
        if task.status == Status.PUBLISHED:
            raise ApiError(
                INVALID_TASK_STATUS,
                "a published task is reset with force only",
                task=task_id,
                current_status=str(task.status),
            )
        _guard(tx, task)
    left = queue_entries.remove_everywhere(tx, task_id)
    cleared = _clear_results(tx, call, task_id, delete_output_models)
    fields = task_status.change(
        tx,
        task,
        Status.CREATED,
        by=call.user,
        reason=words.reason or "reset",
        message=words.message or "reset",
        force=True,
        also=dict.fromkeys(_OF_A_RUN) | {"last_iteration": 0},
    )
    kept = documents.get(tx, TASK, task_id, call, only=["execution"]).get("execution") or {}
    inputs = [a for a in kept.get("artifacts") or () if a.get("mode") == "input"]
    unset = ["last_metrics", "unique_metrics", "runtime", "output.error", "output.result"]
    if clear_all:
        unset += ["script", "hyperparams", "configuration", "container", "execution"]
    documents.update(tx, TASK, task_id, {"models.output": [], "execution.artifacts": inputs}, unset)
    _forget_events(tx, call, task_id)
    return fields, left, cleared


_OF_A_RUN = (
    "started",
    "completed",
    "published",
    "active_duration",
    "last_worker",
    "last_worker_report",
    "enqueue_status",
    "queue",
)


def _guard(tx: Tx, task: Standing) -> None:
    """Raise ApiError(TASK_CANNOT_BE_DELETED) while published things come from the task."""
    children = _count(tx, tasks.c.parent == task.id, tasks.c.status == Status.PUBLISHED)
    if children:
        raise ApiError(
            TASK_CANNOT_BE_DELETED, "it has published children", task=task.id, children=children
        )
    published = _count(tx, models.c.task == task.id, models.c.ready.is_(True))
    if published:
        raise ApiError(
            TASK_CANNOT_BE_DELETED, "it has published models", task=task.id, models=published
        )


def _count(tx: Tx, *conditions: Any) -> int:
    return int(tx.execute(select(func.count()).where(*conditions)).scalar_one())


def _clear_results(tx: Tx, call: Call, task_id: str, delete_models: bool) -> Cleared:
    document = documents.get(tx, TASK, task_id, call, only=["execution.artifacts"])
    artifacts = (document.get("execution") or {}).get("artifacts") or []
    cleared = Cleared(
        artifact_urls=[a["uri"] for a in artifacts if a.get("uri") and a.get("mode") != "input"]
    )
    if not delete_models:
        return cleared
    drafts = tx.execute(
        select(models.c.id, models.c.uri).where(
            models.c.task == task_id, models.c.company == call.company, models.c.ready.is_(False)
        )
    ).all()
    used = _used_elsewhere(tx, call, task_id, [model.id for model in drafts])
    for model in drafts:
        if model.id not in used:
            tx.execute(models.delete().where(models.c.id == model.id))
            cleared.deleted_models += 1
            if model.uri:
                cleared.model_urls.append(model.uri)
    return cleared


def _used_elsewhere(tx: Tx, call: Call, task_id: str, ids: list[str]) -> set[str]:
    """Those of these models that other tasks have for input."""
    if not ids:
        return set()
    users = documents.find(
        tx,
        TASK,
        call,
        {"models.input.model": ids, "search_hidden": True, "only_fields": ["models"]},
    )
    return {
        use.get("model")
        for task in users
        if task["id"] != task_id
        for use in (task.get("models") or {}).get("input") or ()
    }


def _forget_events(tx: Tx, call: Call, task_id: str) -> None:
    tx.after_commit(lambda: call.server.forget_events([task_id]))


@dataclass(slots=True)
class Deleted:
    cleared: Cleared
    updated_children: int
    updated_models: int


def delete(
    tx: Tx, call: Call, task_id: str, *, force: bool = False, delete_output_models: bool = True
) -> Deleted:
    """Delete a task; its children and the models that stay keep a mark of where they came from."""
    task = task_status.standing(tx, call.company, task_id)
    if not force:
        if not lifecycle.may_be_deleted(task):
            raise ApiError(
                TASK_CANNOT_BE_DELETED,
                f"its status is {task.status}",
                task=task_id,
                current_status=str(task.status),
                hint="Archive it first, or delete it with force.",
            )
        _guard(tx, task)
    queue_entries.remove_everywhere(tx, task_id)
    cleared = _clear_results(tx, call, task_id, delete_output_models)
    gone = DELETED + task_id
    children = tx.execute(update(tasks).where(tasks.c.parent == task_id).values(parent=gone))
    kept = tx.execute(update(models).where(models.c.task == task_id).values(task=gone))
    held = attempts.live(tx, task_id)
    if held is not None:
        tx.signal(f"worker:{held.worker}")
    attempts.forget(tx, [task_id])
    journal.add(tx, call.company, task_id, "deleted", by=call.user, message=task.name)
    tx.execute(tasks.delete().where(tasks.c.id == task_id))
    texts.note(tx, task_id)
    _forget_events(tx, call, task_id)
    tx.signal(f"task:{task_id}")
    return Deleted(cleared, children.rowcount, kept.rowcount)
