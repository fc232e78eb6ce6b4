"""Documents: the objects of the API, kept as columns for what is searched and JSON for the rest.

All kinds (tasks, projects, models, queues, users) are read, written and found by these same
functions; :mod:`kinds` says in what they differ. Documents come out as they go on the wire:
times as text, nothing null. They may go in with times as microseconds or as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import String, bindparam, select
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_of
from sqlalchemy.exc import IntegrityError

from taskyard.api.errors import NOT_UNIQUE, READ_ONLY, ApiError
from taskyard.server.call import Call
from taskyard.server.domain import needles, search
from taskyard.server.store.database import times
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.documents import projections, texts
from taskyard.server.store.documents.finding import (
    company_of,
    count,
    find,
    find_page,
    matching,
    with_descendants,
)
from taskyard.server.store.documents.kinds import KINDS, MODEL, PROJECT, QUEUE, TASK, USER, Kind
from taskyard.server.store.documents.projections import Plan
from taskyard.server.store.documents.references import expand

__all__ = [
    "MODEL",
    "PROJECT",
    "QUEUE",
    "TASK",
    "USER",
    "Kind",
    "count",
    "exists",
    "expand",
    "find",
    "find_page",
    "get",
    "insert",
    "matching",
    "missing",
    "project_fields",
    "set_public",
    "update",
    "with_descendants",
]

Document = dict[str, Any]
Change = str | tuple[str, ...]
"""A field: a dotted path, or its keys where a name may hold a dot."""

project_fields = projections.project


# --- one document --------------------------------------------------------------------------


def insert(tx: Tx, kind: Kind, document: Mapping[str, Any]) -> None:
    """Store a new document; it must have ``id`` and ``company``.

    ``created``, ``last_update`` and ``last_change`` default to now.
    Raises ApiError(NOT_UNIQUE) when its id, or a name that must be unique, is taken.
    """
    values: dict[str, Any] = {}
    doc: Document = {}
    for key, value in document.items():
        if value is not None:
            _set(kind, values, doc, (key,), value)
    for path in ("created", "last_update", "last_change"):
        if path in kind.columns:
            values.setdefault(kind.columns[path].name, tx.now)
    values["doc"] = doc
    try:
        tx.execute(insert_into(kind.table).values(values))
    except IntegrityError as error:
        raise _taken(kind, values, error) from error
    if kind is TASK:
        texts.note(tx, values["id"])


def get(
    tx: Tx,
    kind: Kind,
    id: str,
    call: Call | str,
    *,
    only: Sequence[str] | None = None,
    for_write: bool = False,
    allow_public: bool = True,
) -> Document:
    """The document with this id, of the caller's company or public; ``only`` projects.

    ``call`` may be the company itself. With ``for_write`` the row stays locked until the end of
    the transaction. Raises ApiError with the kind's own code for an unknown id, and
    ApiError(READ_ONLY) for a public document that is to be written.
    """
    plan, statement = _one(kind.name, tuple(only or ()), for_write)
    row = statement.first(tx, of_id=id)
    company = company_of(call)
    if row is None or row[0] not in ((company, "") if allow_public else (company,)):
        raise ApiError(kind.invalid, id=id)
    if for_write and row[0] != company:
        raise ApiError(READ_ONLY, id=id)
    return plan.document(kind, row[1:])


@lru_cache(maxsize=512)
def _one(kind_name: str, only: tuple[str, ...], for_write: bool) -> tuple[Plan, Prepared]:
    """How a projection of one document is read."""
    kind = KINDS[kind_name]
    plan = projections.plan(kind, only)
    table = kind.table
    statement = select(table.c.company.label("owner"), *plan.select(kind)).where(
        table.c.id == bindparam("of_id")
    )
    return plan, Prepared(statement.with_for_update() if for_write else statement)


def exists(tx: Tx, kind: Kind, id: str, call: Call | str) -> bool:
    """Whether the caller can see a document with this id."""
    company = tx.execute(select(kind.table.c.company).where(kind.table.c.id == id)).scalar()
    return company is not None and company in (company_of(call), "")


def missing(tx: Tx, kind: Kind, ids: Iterable[str], call: Call | str) -> list[str]:
    """Those of ``ids`` that the caller can see no document of, in their order."""
    wanted = list(dict.fromkeys(ids))
    table = kind.table
    known = set(
        tx.execute(
            select(table.c.id).where(
                table.c.id.in_(wanted), table.c.company.in_([company_of(call), ""])
            )
        ).scalars()
    )
    return [id for id in wanted if id not in known]


def update(
    tx: Tx, kind: Kind, id: str, changes: Mapping[Any, Any], unset: Iterable[Change] = ()
) -> int:
    """Set fields of one document, and remove those in ``unset``; gives how many were changed.

    A key is a dotted path, or a tuple of keys where names may hold dots. A value replaces what
    is at its path, below it included; None removes it.
    Raises ApiError(NOT_UNIQUE) when a name that must be unique is taken.
    """
    edits = [(_keys(path), value) for path, value in changes.items()]
    edits += [(_keys(path), None) for path in unset]
    values: dict[str, Any] = {}
    doc: Document = {}
    if any(kind.column(keys) is None for keys, _ in edits):
        stored = tx.execute(
            select(kind.table.c.doc).where(kind.table.c.id == id).with_for_update()
        ).scalar()
        if stored is None:
            return 0
        doc = values["doc"] = stored
    for keys, value in edits:
        _set(kind, values, doc, keys, value)
    if not values:
        return 0
    if kind is TASK and any(keys[0] in needles.ROOTS for keys, _ in edits):
        texts.note(tx, id)
    try:
        return tx.execute(
            update_of(kind.table).where(kind.table.c.id == id).values(values)
        ).rowcount
    except IntegrityError as error:
        raise _taken(kind, values, error) from error


def set_public(tx: Tx, kind: Kind, call: Call | str, ids: Iterable[str], *, public: bool) -> int:
    """Give documents to everybody, or take them back; gives how many changed hands.

    Raises ApiError with the kind's own code for a document that is not the company's to give
    or take.
    """
    company = company_of(call)
    changed = 0
    for id in dict.fromkeys(ids):
        known = get(tx, kind, id, call, only=["company", "company_origin"])
        if (known["company"] == "") == public:
            continue
        if public:
            changes, removed = {"company": "", "company_origin": company}, []
        elif known.get("company_origin") == company:
            changes, removed = {"company": company}, ["company_origin"]
        else:
            raise ApiError(kind.invalid, "it was not made public by this company", id=id)
        changed += update(tx, kind, id, changes, removed)
    return changed


def _set(
    kind: Kind, values: dict[str, Any], doc: Document, keys: tuple[str, ...], value: Any
) -> None:
    """Put one field where it belongs: into a column's value or into the JSON document."""
    path = ".".join(keys)
    column = kind.column(keys)
    if path in kind.sorted and value is not None:
        value = sorted({tag for item in value if (tag := item.strip())})
        search.check_tags(value)
    if path == "system_tags":
        values |= {flag: flag in (value or ()) for flag in kind.flags}
    if column is not None:
        if value is None and not column.nullable and isinstance(column.type, String):
            value = ""
        if path in kind.times and value is not None and not isinstance(value, int):
            value = times.from_wire(value)
        values[column.name] = value
        return
    # A branch of the document may have columns inside: they follow it.
    for inner in kind.columns:
        if inner.startswith(path + "."):
            rest = inner[len(path) + 1 :]
            nested = value.get(rest) if isinstance(value, dict) else None
            _set(kind, values, doc, tuple(inner.split(".")), nested)
            if isinstance(value, dict):
                value = {k: v for k, v in value.items() if k != rest}
    place = doc
    for key in keys[:-1]:
        inner_place = place.get(key)
        if not isinstance(inner_place, dict):
            if value is None:
                return
            inner_place = place[key] = {}
        place = inner_place
    if value is None:
        place.pop(keys[-1], None)
    else:
        place[keys[-1]] = value


def _keys(path: Change) -> tuple[str, ...]:
    return path if isinstance(path, tuple) else tuple(path.split("."))


def _taken(kind: Kind, values: Mapping[str, Any], error: IntegrityError) -> Exception:
    words = str(error.orig).lower()
    if "unique" not in words:
        return error
    return ApiError(NOT_UNIQUE, f"{kind.name} exists", name=values.get("name", ""))
