"""Documents: the objects of the API, kept as columns for what is searched and JSON for the rest.

All kinds (tasks, projects, models, queues, users) are read, written and found by these same
functions; :mod:`kinds` says in what they differ. Documents come out as they go on the wire:
times as text, nothing null. They may go in with times as microseconds or as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Select, String, and_, bindparam, func, select
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_of
from sqlalchemy.exc import IntegrityError

from taskyard.api.errors import NOT_UNIQUE, READ_ONLY, ApiError
from taskyard.api.wire import Request
from taskyard.server.domain import needles, query_size, search, terms
from taskyard.server.store import projections, scrolls, texts, times
from taskyard.server.store.conditions import Dialect
from taskyard.server.store.engine import Tx
from taskyard.server.store.kinds import KINDS, MODEL, PROJECT, QUEUE, TASK, USER, Kind
from taskyard.server.store.prepared import Prepared
from taskyard.server.store.projections import Plan
from taskyard.server.store.references import expand

if TYPE_CHECKING:
    from taskyard.server.call import Call

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
    "ids",
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
    company = _company(call)
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
    return company is not None and company in (_company(call), "")


def missing(tx: Tx, kind: Kind, ids: Iterable[str], call: Call | str) -> list[str]:
    """Those of ``ids`` that the caller can see no document of, in their order."""
    wanted = list(dict.fromkeys(ids))
    table = kind.table
    known = set(
        tx.execute(
            select(table.c.id).where(
                table.c.id.in_(wanted), table.c.company.in_([_company(call), ""])
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
    company = _company(call)
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


# --- many documents ------------------------------------------------------------------------


def find(
    tx: Tx,
    kind: Kind,
    call: Call | str,
    query: Mapping[str, Any] | Request,
    *,
    extra: Sequence[ColumnElement[Any]] = (),
) -> list[Document]:
    """The page of documents that a query of the ``get_all`` language asks for.

    ``extra`` are further conditions. Raises ApiError for values, patterns or times that are
    not valid.
    """
    return _rows(tx, kind, call, _parse(tx, kind, query), extra)


def find_page(
    tx: Tx,
    kind: Kind,
    call: Call | str,
    query: Mapping[str, Any] | Request,
    *,
    extra: Sequence[ColumnElement[Any]] = (),
) -> tuple[list[Document], str | None]:
    """As :func:`find`, for queries that may scroll; gives the scroll's id too, if they do.

    Raises ApiError(INVALID_SCROLL_ID) for a scroll that is unknown or over.
    """
    parsed = _parse(tx, kind, query)
    scroll = parsed.scroll
    if scroll is None:
        return _rows(tx, kind, call, parsed, extra), None
    id, seen = scrolls.position(tx, scroll, kind.name)
    if scroll.refresh and seen:
        parsed = replace(parsed, limit=seen)
        return _rows(tx, kind, call, parsed, extra), id
    found = _rows(tx, kind, call, replace(parsed, offset=seen), extra)
    scrolls.move(tx, id, kind.name, seen + len(found))
    return found, id


def count(
    tx: Tx,
    kind: Kind,
    call: Call | str,
    query: Mapping[str, Any] | Request,
    *,
    extra: Sequence[ColumnElement[Any]] = (),
) -> int:
    """How many documents a query matches, whatever its paging."""
    condition = matching(tx, kind, call, query)
    statement = select(func.count()).select_from(kind.table).where(condition, *extra)
    return int(tx.execute(statement).scalar_one())


def ids(
    tx: Tx,
    kind: Kind,
    call: Call | str,
    query: Mapping[str, Any] | Request,
    *,
    extra: Sequence[ColumnElement[Any]] = (),
) -> list[str]:
    """The ids of all documents a query matches, in its order, whatever its paging."""
    parsed = _parse(tx, kind, query)
    statement = select(kind.table.c.id).where(*extra)
    return list(tx.execute(_narrowed(tx, kind, call, parsed, statement)).scalars())


def matching(
    tx: Tx, kind: Kind, call: Call | str, query: Mapping[str, Any] | Request
) -> ColumnElement[Any]:
    """The SQL condition of a query: for statements that count or group what it matches."""
    return _condition(tx, kind, call, _parse(tx, kind, query), in_order=False)[0]


def _parse(tx: Tx, kind: Kind, query: Mapping[str, Any] | Request) -> terms.Query:
    raw: Mapping[str, Any] = msgspec.to_builtins(query) if isinstance(query, Request) else query
    if raw.get("include_subprojects") and raw.get("project") and "project" in kind.columns:
        raw = {**raw, "project": with_descendants(tx, raw["project"])}
    parsed = search.parse(raw, kind.filters)
    query_size.check(parsed)
    if not kind.hidden_tag or any(raw.get(name) for name in kind.shown_by):
        parsed = replace(parsed, search_hidden=True)
    return parsed


def _rows(
    tx: Tx,
    kind: Kind,
    call: Call | str,
    parsed: terms.Query,
    extra: Sequence[ColumnElement[Any]],
) -> list[Document]:
    """The page's documents. First which they are: what is sorted then carries no documents."""
    statement = _narrowed(tx, kind, call, parsed, select(kind.table.c.id).where(*extra))
    page = tx.execute(statement.limit(parsed.limit).offset(parsed.offset))
    places = {id: place for place, id in enumerate(page.scalars())}
    if not places:
        return []
    plan = projections.plan(kind, parsed.only)
    rows = tx.execute(
        select(kind.table.c.id.label("of_id"), *plan.select(kind)).where(
            kind.table.c.id.in_(places)
        )
    )
    found = sorted(rows, key=lambda row: places[row[0]])
    return [plan.document(kind, row[1:]) for row in found]


def _narrowed(
    tx: Tx, kind: Kind, call: Call | str, parsed: terms.Query, statement: Select[Any]
) -> Select[Any]:
    """The statement with a query's condition and order."""
    condition, score = _condition(tx, kind, call, parsed)
    dialect = Dialect(tx.dialect, kind)
    parts: list[Any] = []
    if score is not None and (parsed.by_score is not None or not parsed.order):
        parts.append(score.asc() if parsed.by_score is False else score.desc())
    for order in parsed.order:
        parts += dialect.order(order)
    if not parsed.order and score is None:
        parts.append(kind.table.c.created.asc())
    if not any(order.path == ("id",) for order in parsed.order):
        parts.append(kind.table.c.id.asc())
    return statement.where(condition).order_by(*parts)


def _condition(
    tx: Tx, kind: Kind, call: Call | str, parsed: terms.Query, *, in_order: bool = True
) -> tuple[ColumnElement[Any], ColumnElement[Any] | None]:
    """The condition of a query, and the score of its text search if it has one.

    ``in_order`` says that the first in the query's order are wanted, rather than all.
    """
    dialect = Dialect(tx.dialect, kind)
    among = texts.candidates(tx, parsed) if kind is TASK else None
    few = among is not None and len(among) <= texts.FEW
    led = few or not in_order or (tx.dialect == "sqlite" and _led(tx, kind, parsed))
    owned = dialect.opaque(kind.table.c.company) if led else kind.table.c.company
    parts = [_visible(tx, kind, call, owned, parsed.allow_public)]
    if among is not None:
        parts.append(dialect.among(kind.table.c.id, among, leading=few))
    parts.append(dialect.condition(parsed.condition))
    if not parsed.search_hidden:
        parts.append(~dialect.tagged(kind.hidden_tag))
    score = None
    if parsed.text is not None:
        found, score = dialect.search(parsed.text)
        parts.append(found)
    return and_(*parts), score


MANY = 10_000
"""Documents: rather than to sort so many, walk through all in the order of an index."""


def _led(tx: Tx, kind: Kind, parsed: terms.Query) -> bool:
    """Whether a filter leads to few documents by an index of its own, or to many in order.

    SQLite, which counts nothing, would rather walk through all that the company has.
    """
    indexes = [[column.name for column in index.columns] for index in kind.table.indexes]
    first = parsed.order[0].path if parsed.order else ("created",)
    for term in terms.conjuncts(parsed.condition):
        column = kind.column(term.path) if isinstance(term, terms.AnyOf) else None
        if column is None or not isinstance(term, terms.AnyOf) or term.missing:
            continue
        led_by = [names[1:] for names in indexes if names[0] == column.name]
        if column.primary_key or [*first] in led_by or ["company", *first] not in indexes:
            if column.primary_key or led_by:
                return True
        elif led_by:
            some = select(column).where(column.in_(term.values)).limit(MANY + 1).subquery()
            return int(tx.execute(select(func.count()).select_from(some)).scalar_one()) <= MANY
    return False


def _visible(
    tx: Tx, kind: Kind, call: Call | str, owned: ColumnElement[Any], allow_public: bool
) -> ColumnElement[Any]:
    """Documents of the caller's company, and public ones if there are any.

    Asking first costs next to nothing, and one company alone lets the order follow an index.
    ``owned`` is the company as the condition is to name it.
    """
    if allow_public:
        public = select(kind.table.c.id).where(kind.table.c.company == "").limit(1)
        if tx.execute(public).first() is not None:
            return owned.in_([_company(call), ""])
    return owned == _company(call)


def with_descendants(tx: Tx, projects: Any) -> list[Any]:
    """A project filter's value, widened by all projects below those it names."""
    given = projects if isinstance(projects, list) else [projects]
    named = [id for id in given if isinstance(id, str)]
    if not named:
        return given
    below = Dialect(tx.dialect, PROJECT).condition(terms.AnyOf(("path",), tuple(named)))
    found = tx.execute(select(PROJECT.table.c.id).where(below)).scalars()
    return [*given, *(id for id in found if id not in named)]


def _company(call: Call | str) -> str:
    return call if isinstance(call, str) else call.company
