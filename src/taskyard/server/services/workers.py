"""The workers service."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from taskyard.api import workers as api
from taskyard.api.attempts import LEASE, WorkerOrder
from taskyard.api.errors import (
    INVALID_TASK_ID,
    INVALID_WORKER_ID,
    VALIDATION,
    WORKER_REGISTERED,
    ApiError,
)
from taskyard.server.call import Call, reads, writes
from taskyard.server.domain import statistics
from taskyard.server.domain.company import COMPANY_NAME
from taskyard.server.domain.statistics import SECOND
from taskyard.server.store import users
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import from_wire, to_wire
from taskyard.server.store.queues import queue_entries, queues
from taskyard.server.store.tasks import endings, task_status
from taskyard.server.store.workers import worker_history, worker_orders, workers

Document = dict[str, Any]
LAST_SEEN = 3600
"""Seconds: workers silent for longer are not listed unless asked for."""


@writes(api.Register)
def register(tx: Tx, call: Call, request: api.Register) -> None:
    _check_name(request.worker)
    if request.timeout <= 0:
        raise ApiError(VALIDATION, "timeout must be positive", field="timeout")
    queues.check_ids(tx, call.company, request.queues or [])
    if request.exclusive:
        _check_alone(tx, call, request.worker)
    workers.register(
        tx,
        call.company,
        call.user,
        request.worker,
        ip=call.ip,
        timeout=request.timeout,
        queues=request.queues,
        tags=request.tags,
        system_tags=request.system_tags,
        resources=request.resources,
    )


def _check_alone(tx: Tx, call: Call, worker: str) -> None:
    row = workers.find(tx, call.company, worker)
    if row is None or row.ip == call.ip or row.last_activity < tx.now - LEASE * SECOND:
        return
    raise ApiError(
        WORKER_REGISTERED,
        f"a worker of this id lives at {row.ip}",
        worker=worker,
        hint="Give each agent a name of its own with CLEARML_WORKER_NAME. If that one is gone, "
        f"wait {LEASE} seconds.",
    )


def _check_name(worker: str) -> None:
    if not worker.strip():
        raise ApiError(INVALID_WORKER_ID, "a worker needs a name", worker=worker)


@writes(api.Unregister)
def unregister(tx: Tx, call: Call, request: api.Unregister) -> None:
    endings.give_back_unbegun(tx, call.company, request.worker, call.user)
    workers.unregister(tx, call.company, call.user, request.worker)


@writes(api.StatusReport)
def status_report(tx: Tx, call: Call, request: api.StatusReport) -> None:
    _check_name(request.worker)
    at = from_wire(request.timestamp)
    if request.queues is not None:
        queues.check_ids(tx, call.company, request.queues)
    if request.task and not task_status.reported_by(tx, call.company, request.task, request.worker):
        raise ApiError(INVALID_TASK_ID, id=request.task)
    workers.seen(
        tx,
        call.company,
        call.user,
        request.worker,
        ip=call.ip,
        columns={
            "task": request.task or None,
            "queue": request.queue or None,
            "last_report": tx.now,
        },
        queues=request.queues,
        tags=request.tags,
        system_tags=request.system_tags,
        unfit=request.unfit,
    )
    measured = statistics.flatten(request.machine_stats or {})
    worker_history.add(tx, call.company, request.worker, at, measured, request.task)


@reads(api.GetAll)
def get_all(tx: Tx, call: Call, request: api.GetAll) -> api.GetAllResponse:
    found = _matching(tx, call, request, LAST_SEEN)
    return api.GetAllResponse(workers=_described(tx, call, found))


@reads(api.GetCount)
def get_count(tx: Tx, call: Call, request: api.GetCount) -> api.GetCountResponse:
    return api.GetCountResponse(count=len(_matching(tx, call, request, 0)))


def _matching(tx: Tx, call: Call, request: api.Seen, last_seen: int) -> list[Row[Any]]:
    # An explicit null means any; nothing at all means the default.
    seconds = (request.last_seen or 0) if "last_seen" in call.body else last_seen
    since = tx.now - seconds * SECOND if seconds > 0 else 0
    return [
        row
        for row in workers.living(tx, call.company, since=since)
        if _has_tags(row.doc.get("tags"), request.tags)
        and _has_tags(row.doc.get("system_tags"), request.system_tags)
        and (
            not request.worker_pattern
            or fnmatch.fnmatchcase(row.id, request.worker_pattern.replace("[", "[[]"))
        )
    ]


def _has_tags(own: Sequence[str] | None, asked: Sequence[str] | None) -> bool:
    if not asked:
        return True
    known = set(own or ())
    wanted = {tag for tag in asked if not tag.startswith("-")}
    unwanted = {tag[1:] for tag in asked if tag.startswith("-")}
    return not unwanted & known and (not wanted or bool(wanted & known))


def _described(tx: Tx, call: Call, rows: Sequence[Row[Any]]) -> list[Document]:
    queue_ids = {q for row in rows for q in [*(row.doc.get("queues") or ()), row.queue] if q}
    waiting = queue_entries.overview(tx, sorted(queue_ids))
    running = task_status.running(tx, sorted({row.task for row in rows if row.task}))
    names = users.names(tx, {row.user for row in rows})
    return [_worker(tx.now, call, row, waiting, running, names) for row in rows]


def _worker(
    now: int,
    call: Call,
    row: Row[Any],
    waiting: Mapping[str, Document],
    running: Mapping[str, Row[Any]],
    names: Mapping[str, str],
) -> Document:
    found: Document = {
        "id": row.id,
        "key": row.key,
        "ip": row.ip,
        "company": {"id": call.company, "name": COMPANY_NAME},
        "user": {"id": row.user, "name": names.get(row.user, "")},
        "register_time": to_wire(row.registered),
        "register_timeout": row.timeout,
        "last_activity_time": to_wire(row.last_activity),
        "last_report_time": to_wire(row.last_report),
        "tags": row.doc.get("tags") or [],
        "system_tags": row.doc.get("system_tags") or [],
        "queues": [waiting.get(q, {"id": q}) for q in row.doc.get("queues") or ()],
    }
    for name in ("resources", "order", "unfit"):
        if row.doc.get(name):
            found[name] = row.doc[name]
    if row.queue:
        found["queue"] = waiting.get(row.queue, {"id": row.queue})
    if task := running.get(row.task or ""):
        found["task"] = {
            "id": task.id,
            "name": task.name,
            "running_time": max(0, now - task.started) // 1000 if task.started else 0,
            "last_iteration": task.last_iteration or 0,
        }
        if task.project:
            found["project"] = {"id": task.project, "name": task.project_name}
    return found


# Notes about workers


@reads(api.GetRuntimeProperties)
def get_runtime_properties(
    tx: Tx, call: Call, request: api.GetRuntimeProperties
) -> api.GetRuntimePropertiesResponse:
    row = workers.find(tx, call.company, request.worker)
    kept = _current_properties(tx.now, row)
    return api.GetRuntimePropertiesResponse(
        runtime_properties=[
            {
                "key": key,
                "value": note["value"],
                "expiry": _seconds_left(tx.now, note.get("until")),
            }
            for key, note in sorted(kept.items())
        ]
    )


def _current_properties(now: int, row: Row[Any] | None) -> dict[str, Document]:
    known: dict[str, Document] = (row.doc.get("properties") or {}) if row is not None else {}
    return {k: note for k, note in known.items() if not note.get("until") or note["until"] > now}


def _seconds_left(now: int, until: int | None) -> int | None:
    return None if until is None else max(0, until - now) // SECOND


@writes(api.SetRuntimeProperties)
def set_runtime_properties(
    tx: Tx, call: Call, request: api.SetRuntimeProperties
) -> api.SetRuntimePropertiesResponse:
    _check_name(request.worker)
    if workers.find(tx, call.company, request.worker) is None:
        workers.register(tx, call.company, call.user, request.worker, ip=call.ip)
    row = workers.find(tx, call.company, request.worker)
    assert row is not None
    kept = _current_properties(tx.now, row)
    answer = api.SetRuntimePropertiesResponse(added=[], removed=[], errors=[])
    for given in request.runtime_properties:
        if given.value:
            until = tx.now + given.expiry * SECOND if given.expiry else None
            kept[given.key] = {"value": given.value, "until": until}
            answer.added.append(given.key)
        elif kept.pop(given.key, None) is not None:
            answer.removed.append(given.key)
    workers.write_note(tx, row, "properties", kept)
    return answer


# Orders


@writes(api.Pause)
def pause(tx: Tx, call: Call, request: api.Pause) -> api.OrderResponse:
    return _order(tx, call, request.worker, "pause", request.reason)


@writes(api.Drain)
def drain(tx: Tx, call: Call, request: api.Drain) -> api.OrderResponse:
    return _order(tx, call, request.worker, "drain", request.reason)


@writes(api.Stop)
def stop(tx: Tx, call: Call, request: api.Stop) -> api.OrderResponse:
    return _order(tx, call, request.worker, "stop", request.reason)


@writes(api.Resume)
def resume(tx: Tx, call: Call, request: api.Resume) -> api.OrderResponse:
    return _order(tx, call, request.worker, None, request.reason)


def _order(
    tx: Tx, call: Call, worker: str, order: WorkerOrder | None, reason: str
) -> api.OrderResponse:
    row = workers.find(tx, call.company, worker)
    if row is None:
        raise ApiError(INVALID_WORKER_ID, worker=worker, hint="See `workers.get_all`.")
    worker_orders.add(tx, call.company, worker, order or "resume", reason, call.user)
    who = {"by": call.user, "by_name": users.names(tx, [call.user]).get(call.user, "")}
    note = {"kind": order, "reason": reason, "since": to_wire(tx.now), **who}
    workers.write_note(tx, row, "order", note if order else None)
    return api.OrderResponse(updated=1, order=order)


@reads(api.GetOrders)
def get_orders(tx: Tx, call: Call, request: api.GetOrders) -> api.GetOrdersResponse:
    return api.GetOrdersResponse(
        orders=[
            api.GivenOrder(
                kind=row.kind,
                reason=row.reason,
                by=row.by,
                by_name=row.name or "",
                at=to_wire(row.at) or "",
            )
            for row in worker_orders.latest(tx, call.company, request.worker, MOST_ORDERS)
        ]
    )


MOST_ORDERS = 100
"""Of one worker that are told."""
