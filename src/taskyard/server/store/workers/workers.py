"""Workers as rows: who is there, what they do, and how their machines are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    bindparam,
    cast,
    delete,
    insert,
    select,
    update,
)

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import workers

SECOND = 1_000_000
TIMEOUT = 600
"""Seconds after which a silent worker that named no time of its own is forgotten."""

LONGEST_TIMEOUT = 2**31 - 1

_SHOWN = ("task", "queue", "doc")
"""What those who look on want to know at once; signs of life are too many for that."""


def key_of(company: str, user: str, worker: str) -> str:
    return f"worker_{company}_{user}_{worker}"


def _alive(tx: Tx) -> ColumnElement[bool]:
    return _end() > tx.now


def _end() -> ColumnElement[int]:
    """When a worker is forgotten if it stays silent."""
    return workers.c.last_activity + cast(workers.c.timeout, BigInteger) * SECOND


_KEY = workers.c.key == bindparam("of_key")
_STILL = _end() > bindparam("now", type_=BigInteger)
_FIND = Prepared(
    select(workers)
    .where(workers.c.company == bindparam("of_company"), workers.c.id == bindparam("of_id"), _STILL)
    .order_by(workers.c.last_activity.desc(), workers.c.key)
    .limit(1)
)
_LIVING = Prepared(select(workers).where(_KEY, _STILL).with_for_update())
_KNOWN = Prepared(select(workers).where(_KEY))


def find(tx: Tx, company: str, worker: str) -> Row[Any] | None:
    """The live worker of that id; the one seen last where two users have one of the same id."""
    found: Row[Any] | None = _FIND.first(tx, of_company=company, of_id=worker, now=tx.now)
    return found


def register(
    tx: Tx,
    company: str,
    user: str,
    worker: str,
    *,
    ip: str,
    timeout: int = TIMEOUT,
    **notes: Any,
) -> None:
    """Make a worker known, or known anew. ``notes``: queues, tags, system_tags, resources."""
    key = key_of(company, user, worker)
    held = select(workers.c.doc).where(workers.c.key == key).with_for_update()
    known = tx.execute(held).scalar()
    doc = {**_kept(known), **{name: value for name, value in notes.items() if value is not None}}
    columns = {
        "ip": ip,
        "registered": tx.now,
        "timeout": min(timeout, LONGEST_TIMEOUT),
        "last_activity": tx.now,
        "last_report": tx.now,
        "doc": doc,
    }
    if known is None:
        names = {"key": key, "id": worker, "company": company, "user": user}
        tx.execute(insert(workers).values({**names, **columns}))
    else:
        tx.execute(update(workers).where(workers.c.key == key).values(columns))
    tx.signal(f"worker:{worker}")


def _kept(doc: Mapping[str, Any] | None) -> dict[str, Any]:
    """What outlives a new registration: what people said about the worker."""
    return {name: doc[name] for name in ("order", "properties") if name in doc} if doc else {}


def unregister(tx: Tx, company: str, user: str, worker: str) -> bool:
    """Forget a worker. False when it was not known."""
    key = key_of(company, user, worker)
    tx.signal(f"worker:{worker}")
    return bool(tx.execute(delete(workers).where(workers.c.key == key)).rowcount)


def seen(
    tx: Tx,
    company: str,
    user: str,
    worker: str,
    *,
    ip: str,
    columns: Mapping[str, Any] | None = None,
    **notes: Any,
) -> Row[Any]:
    """Record a sign of life; a worker nobody registered is registered by it. Gives its row.

    ``columns`` (task, queue, last_report) are written as given, ``notes`` unless None.
    """
    row = met(tx, company, user, worker, ip=ip, **notes)
    return note(tx, row, columns, **notes)


def registered(tx: Tx, company: str, user: str, worker: str) -> Row[Any] | None:
    """The user's live worker of that id."""
    found: Row[Any] | None = _LIVING.first(tx, of_key=key_of(company, user, worker), now=tx.now)
    return found


def met(tx: Tx, company: str, user: str, worker: str, *, ip: str, **notes: Any) -> Row[Any]:
    """A worker's row, for :func:`note` to write; one nobody registered is registered."""
    row = registered(tx, company, user, worker)
    if row is None:
        register(tx, company, user, worker, ip=ip, **notes)
        row = _KNOWN.first(tx, of_key=key_of(company, user, worker))
    assert row is not None
    return row


def note(tx: Tx, row: Row[Any], columns: Mapping[str, Any] | None = None, **notes: Any) -> Row[Any]:
    """Record a sign of life of a worker that was met, as :func:`seen` does."""
    changes: dict[str, Any] = {"last_activity": tx.now, **(columns or {})}
    given = {name: value for name, value in notes.items() if value is not None}
    if any(row.doc.get(name) != value for name, value in given.items()):
        changes["doc"] = {**row.doc, **given}
    write(tx, row, **changes)
    found: Row[Any] = row._replace(**changes)
    return found


def write(tx: Tx, row: Row[Any], **columns: Any) -> None:
    """Change columns of one worker."""
    if any(columns.get(name, getattr(row, name)) != getattr(row, name) for name in _SHOWN):
        tx.signal(f"seen:{row.id}")
    _writing(*sorted(columns)).run(tx, of_key=row.key, **columns)


@cache
def _writing(*columns: str) -> Prepared:
    return Prepared(update(workers).where(_KEY).values({name: bindparam(name) for name in columns}))


def write_note(tx: Tx, row: Row[Any], name: str, value: Any) -> None:
    """Set one note on a worker; None takes it away."""
    doc = {key: kept for key, kept in row.doc.items() if key != name}
    if value is not None:
        doc[name] = value
    write(tx, row, doc=doc)
    tx.signal(f"worker:{row.id}")


def living(tx: Tx, company: str, *, since: int = 0) -> Sequence[Row[Any]]:
    """The workers that are there and were seen after ``since`` (microseconds), in order of id."""
    return tx.execute(
        select(workers)
        .where(workers.c.company == company, workers.c.last_activity >= since, _alive(tx))
        .order_by(workers.c.id, workers.c.key)
    ).all()


def by_queue(tx: Tx, company: str) -> dict[str, list[Row[Any]]]:
    """The live workers that serve each queue."""
    found: dict[str, list[Row[Any]]] = {}
    for row in living(tx, company):
        for queue in row.doc.get("queues") or ():
            found.setdefault(queue, []).append(row)
    return found


def forget_expired(tx: Tx, before: int) -> None:
    """Delete the rows of workers that were last seen before ``before`` (microseconds)."""
    tx.execute(delete(workers).where(workers.c.last_activity < before, _end() < tx.now))
