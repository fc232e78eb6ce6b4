"""What events change in the control database: a task's or model's last iteration and metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Table, func, literal, literal_column, select, update
from sqlalchemy.dialects.postgresql import JSONB

from taskyard.api.errors import INVALID_MODEL_ID, INVALID_TASK_ID, ApiError
from taskyard.api.states import Status
from taskyard.server.domain import last_metrics
from taskyard.server.domain.last_metrics import Reported
from taskyard.server.store import tables
from taskyard.server.store.engine import Tx

LOCKED = frozenset({Status.PUBLISHING, Status.PUBLISHED})
"""Statuses of a task that takes events only when they say ``allow_locked``."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A task or model that events belong to."""

    id: str
    name: str
    locked: bool
    public: bool


@dataclass(slots=True)
class News:
    """What one request brought for one task or model."""

    last_iteration: int | None = None
    metrics: list[Reported] = field(default_factory=list)


def _table(of_model: bool) -> Table:
    return tables.models if of_model else tables.tasks


def owners(
    tx: Tx, company: str, ids: Collection[str], *, of_model: bool = False
) -> dict[str, Owner]:
    """Those of these tasks (or models) that the company can see, by id."""
    table = _table(of_model)
    state = table.c.ready if of_model else table.c.status
    found: dict[str, Owner] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        query = select(table.c.id, table.c.name, table.c.company, state).where(
            table.c.id.in_(wanted[start : start + 500]), table.c.company.in_([company, ""])
        )
        rows: Iterable[Any] = tx.execute(query)
        for id_, name, owner, value in rows:
            locked = bool(value) if of_model else value in LOCKED
            found[id_] = Owner(id_, name, locked, owner == "" and company != "")
    return found


def check(tx: Tx, company: str, ids: Sequence[str], *, of_model: bool = False) -> dict[str, Owner]:
    """Like :func:`owners`. Raises ApiError (INVALID_TASK_ID, INVALID_MODEL_ID) if one lacks."""
    found = owners(tx, company, ids, of_model=of_model)
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        kind = INVALID_MODEL_ID if of_model else INVALID_TASK_ID
        raise ApiError(kind, ids=missing) if len(ids) > 1 else ApiError(kind, id=missing[0])
    return found


def check_unlocked(
    tx: Tx, company: str, id: str, *, allow_locked: bool, of_model: bool = False
) -> None:
    """Raise ApiError when events of this task or model may not be deleted."""
    owner = check(tx, company, [id], of_model=of_model)[id]
    if owner.public or (owner.locked and not allow_locked):
        kind = INVALID_MODEL_ID if of_model else INVALID_TASK_ID
        raise ApiError(
            kind,
            "it is published",
            hint="Set allow_locked to delete what it has reported all the same.",
            id=id,
        )


def record(tx: Tx, news: Mapping[str, News], *, of_model: bool = False) -> None:
    """Bring tasks (or models) up to date with what they have reported."""
    for id_ in sorted(news):
        _record(tx, _table(of_model), id_, news[id_])
        if not of_model:
            tx.signal(f"task:{id_}")


def _record(tx: Tx, table: Table, id: str, news: News) -> None:
    values: dict[str, Any] = {"last_update": tx.now}
    if news.last_iteration is not None:
        known = func.coalesce(table.c.last_iteration, 0)
        greatest = func.max if tx.dialect == "sqlite" else func.greatest
        values["last_iteration"] = greatest(known, news.last_iteration)
    if news.metrics:
        values["doc"] = _with_metrics(tx, table, id, news.metrics)
    tx.execute(update(table).where(table.c.id == id).values(values))


def _with_metrics(tx: Tx, table: Table, id: str, metrics: list[Reported]) -> Any:
    """The document with its metrics brought up to date; the rest of it is not even read."""
    on_sqlite = tx.dialect == "sqlite"
    part: Any
    if on_sqlite:
        part = func.json_extract(table.c.doc, "$.last_metrics")
    else:
        part = func.jsonb_extract_path_text(table.c.doc, "last_metrics")
    stored = tx.execute(select(part).where(table.c.id == id).with_for_update()).scalar()
    known = msgspec.json.decode(stored) if stored else {}
    merged = last_metrics.merge(known, metrics)
    if on_sqlite:
        text = msgspec.json.encode(merged).decode()
        return func.json_set(table.c.doc, "$.last_metrics", func.json(text))
    path: Any = literal_column("'{last_metrics}'")
    return func.jsonb_set(table.c.doc, path, literal(merged, JSONB))
