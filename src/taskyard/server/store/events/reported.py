"""What events change in the control database: a task's or model's last iteration and metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from taskyard.api.errors import INVALID_MODEL_ID, INVALID_TASK_ID, ApiError
from taskyard.api.states import Status
from taskyard.server.domain import last_metrics
from taskyard.server.domain.last_metrics import Reported
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared

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
    found: dict[str, Owner] = {}
    for id_, name, owner, value in _standing(tx, company, list(ids), of_model):
        locked = bool(value) if of_model else value in LOCKED
        found[id_] = Owner(id_, name, locked, owner == "" and company != "")
    return found


def _standing(tx: Tx, company: str, ids: Sequence[str], of_model: bool) -> Iterable[Any]:
    """Id, name, company and state of each."""
    if len(ids) == 1:
        # Nearly always: a batch is of one task.
        return _ONE[of_model].all(tx, of_id=ids[0], of_company=company)
    table = _table(of_model)
    found: list[Any] = []
    for start in range(0, len(ids), 500):
        some = table.c.id.in_(ids[start : start + 500])
        found += tx.execute(_seen(of_model).where(some, table.c.company.in_([company, ""])))
    return found


def _seen(of_model: bool) -> Select[Any]:
    table = _table(of_model)
    state = table.c.ready if of_model else table.c.status
    return select(table.c.id, table.c.name, table.c.company, state)


def _one(of_model: bool) -> Prepared:
    table = _table(of_model)
    company = or_(table.c.company == bindparam("of_company"), table.c.company == "")
    return Prepared(_seen(of_model).where(table.c.id == bindparam("of_id"), company))


_ONE = {of_model: _one(of_model) for of_model in (False, True)}


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
        _record(tx, of_model, id_, news[id_])
        if not of_model:
            tx.signal(f"task:{id_}")


def _record(tx: Tx, of_model: bool, id: str, news: News) -> None:
    values: dict[str, Any] = {"of_id": id, "now": tx.now}
    if news.last_iteration is not None:
        values["iteration"] = news.last_iteration
    if news.metrics:
        stored = _metrics(of_model, tx.dialect).first(tx, of_id=id)
        known = msgspec.json.decode(stored[0]) if stored and stored[0] else {}
        values["metrics"] = last_metrics.merge(known, news.metrics)
    _update(of_model, tx.dialect, frozenset(values)).run(tx, **values)


@cache
def _metrics(of_model: bool, dialect: str) -> Prepared:
    """The metrics in a document: the rest of it is not even read."""
    table = _table(of_model)
    part: Any
    if dialect == "sqlite":
        part = func.json_extract(table.c.doc, "$.last_metrics")
    else:
        part = func.jsonb_extract_path_text(table.c.doc, "last_metrics")
    mine = table.c.id == bindparam("of_id")
    return Prepared(select(part.label("metrics")).where(mine).with_for_update())


@cache
def _update(of_model: bool, dialect: str, given: frozenset[str]) -> Prepared:
    """What brings a task (or model) up to date, with an iteration and metrics where given."""
    table = _table(of_model)
    values: dict[str, Any] = {"last_update": bindparam("now")}
    if "iteration" in given:
        greatest = func.max if dialect == "sqlite" else func.greatest
        known = func.coalesce(table.c.last_iteration, 0)
        values["last_iteration"] = greatest(known, bindparam("iteration", type_=BigInteger))
    if "metrics" in given and dialect == "sqlite":
        metrics: Any = func.json(bindparam("metrics", type_=JSON))
        values["doc"] = func.json_set(table.c.doc, "$.last_metrics", metrics)
    elif "metrics" in given:
        path: Any = literal_column("'{last_metrics}'")
        metrics = bindparam("metrics", type_=JSONB)
        values["doc"] = func.jsonb_set(table.c.doc, path, metrics)
    return Prepared(update(table).where(table.c.id == bindparam("of_id")).values(values))
