"""Finding documents: a query of the ``get_all`` language as statements, and what they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Select, and_, func, select

from taskyard.api.wire import Request
from taskyard.server.call import Call
from taskyard.server.domain import query_size, search, terms
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import paging, projections, scrolls, texts, value_orders
from taskyard.server.store.documents.conditions import Dialect
from taskyard.server.store.documents.kinds import PROJECT, TASK, Kind

Document = dict[str, Any]
Asked = Mapping[str, Any] | Request
"""A query of the ``get_all`` language, as it came or as a struct."""
Sql = ColumnElement[Any]

MANY = 10_000
"""Documents: rather than to sort so many, walk through all in the order of an index."""


def find(tx: Tx, kind: Kind, call: Call | str, query: Asked, *extra: Sql) -> list[Document]:
    """The page of documents that a query of the ``get_all`` language asks for.

    ``extra`` are further conditions. Raises ApiError for values, patterns or times that are
    not valid.
    """
    return _rows(tx, kind, call, _parse(tx, kind, query), extra)


def find_page(
    tx: Tx, kind: Kind, call: Call | str, query: Asked, *extra: Sql
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


def count(tx: Tx, kind: Kind, call: Call | str, query: Asked) -> int:
    """How many documents a query matches, whatever its paging."""
    condition = matching(tx, kind, call, query)
    statement = select(func.count()).select_from(kind.table).where(condition)
    return int(tx.execute(statement).scalar_one())


def matching(tx: Tx, kind: Kind, call: Call | str, query: Asked) -> Sql:
    """The SQL condition of a query: for statements that count or group what it matches."""
    return _condition(tx, kind, call, _parse(tx, kind, query), in_order=False)[0]


def _parse(tx: Tx, kind: Kind, query: Asked) -> terms.Query:
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
    extra: Sequence[Sql],
) -> list[Document]:
    """The page's documents. First which they are: what is sorted then carries no documents."""
    page = _page(tx, kind, call, parsed, extra)
    places = {id: place for place, id in enumerate(page)}
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


def _page(
    tx: Tx, kind: Kind, call: Call | str, parsed: terms.Query, extra: Sequence[Sql]
) -> list[str]:
    """The ids of the page's documents, in order."""
    if kind is TASK and (order := _kept_order(tx, call, parsed)):
        return value_orders.page(
            tx,
            order,
            and_(_condition(tx, kind, call, parsed, in_order=False)[0], *extra),
            descending=parsed.order[0].descending,
            limit=parsed.limit,
            offset=parsed.offset,
        )
    statement = _narrowed(tx, kind, call, parsed, select(kind.table.c.id).where(*extra))
    if tx.dialect == "postgresql" and (column := _falling(kind, parsed)) is not None:
        bare = statement.order_by(None)
        filled = bare.where(column.is_not(None)).order_by(column.desc(), kind.table.c.id)
        empty = bare.where(column.is_(None)).order_by(kind.table.c.id)
        return paging.one_after_other(tx, filled, empty, limit=parsed.limit, offset=parsed.offset)
    return list(tx.execute(statement.limit(parsed.limit).offset(parsed.offset)).scalars())


def _falling(kind: Kind, parsed: terms.Query) -> Column[Any] | None:
    """The column that alone gives a falling order, if it may be empty.

    PostgreSQL's indexes have empty values at the other end than they are to come at.
    """
    if len(parsed.order) != 1 or parsed.by_score is not None or not parsed.order[0].descending:
        return None
    path = parsed.order[0].path
    return None if ".".join(path) in kind.filled else kind.column(path)


def _kept_order(tx: Tx, call: Call | str, parsed: terms.Query) -> value_orders.Kept | None:
    """The order of values to walk along, where no condition leads to few tasks."""
    path = value_orders.path_of(parsed)
    if path is None or (parsed.allow_public and _some_are_public(tx, TASK)):
        return None
    order = value_orders.kept(tx, company_of(call), path)
    if order is None or texts.candidates(tx, parsed) is not None:
        return None
    leading = {next(iter(index.columns)).name for index in TASK.table.indexes}
    for column, values in _compared(TASK, parsed):
        if (column.primary_key or column.name in leading) and _are_few(tx, column, values):
            return None
    return order


def _compared(
    kind: Kind, parsed: terms.Query
) -> Iterator[tuple[Column[Any], Sequence[terms.Scalar]]]:
    """The columns that must have one of some values, and these."""
    for term in terms.conjuncts(parsed.condition):
        if not isinstance(term, terms.AnyOf) or term.missing:
            continue
        if (column := kind.column(term.path)) is not None:
            yield column, term.values


def _are_few(tx: Tx, column: Sql, values: Sequence[terms.Scalar]) -> bool:
    """Whether few documents have one of these values in an indexed column."""
    some = select(column).where(column.in_(values)).limit(MANY + 1).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar_one()) <= MANY


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
) -> tuple[Sql, Sql | None]:
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


def _led(tx: Tx, kind: Kind, parsed: terms.Query) -> bool:
    """Whether a filter leads to few documents by an index of its own, or to many in order.

    SQLite, which counts nothing, would rather walk through all that the company has.
    """
    indexes = [[column.name for column in index.columns] for index in kind.table.indexes]
    first = parsed.order[0].path if parsed.order else ("created",)
    for column, values in _compared(kind, parsed):
        led_by = [names[1:] for names in indexes if names[0] == column.name]
        if column.primary_key or [*first] in led_by or ["company", *first] not in indexes:
            if column.primary_key or led_by:
                return True
        elif led_by:
            return _are_few(tx, column, values)
    return False


def _visible(tx: Tx, kind: Kind, call: Call | str, owned: Sql, allow_public: bool) -> Sql:
    """Documents of the caller's company, and public ones if there are any.

    Asking first costs next to nothing, and one company alone lets the order follow an index.
    ``owned`` is the company as the condition is to name it.
    """
    if allow_public and _some_are_public(tx, kind):
        return owned.in_([company_of(call), ""])
    return owned == company_of(call)


def _some_are_public(tx: Tx, kind: Kind) -> bool:
    public = select(kind.table.c.id).where(kind.table.c.company == "").limit(1)
    return tx.execute(public).first() is not None


def with_descendants(tx: Tx, projects: Any) -> list[Any]:
    """A project filter's value, widened by all projects below those it names."""
    given = projects if isinstance(projects, list) else [projects]
    named = [id for id in given if isinstance(id, str)]
    if not named:
        return given
    below = Dialect(tx.dialect, PROJECT).condition(terms.AnyOf(("path",), tuple(named)))
    found = tx.execute(select(PROJECT.table.c.id).where(below)).scalars()
    return [*given, *(id for id in found if id not in named)]


def company_of(call: Call | str) -> str:
    """The company in whose name a call is made; it may be given itself."""
    return call if isinstance(call, str) else call.company
