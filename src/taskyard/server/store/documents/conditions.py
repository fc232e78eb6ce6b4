"""Conditions and orders of the query language as SQL, for SQLite and PostgreSQL.

Every key and value of a caller travels as a bound parameter. The two dialects differ in how
they reach into JSON and in regular expressions; all of that is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.domain.terms import (
    All,
    AnyOf,
    Compare,
    Condition,
    Either,
    Equals,
    Matches,
    Not,
    Order,
    Path,
    Scalar,
    Text,
)
from taskyard.server.store.database import times
from taskyard.server.store.documents.kinds import Kind
from taskyard.server.store.documents.matching import compiled

Sql = ColumnElement[Any]

NUMERIC = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?\s*$"
"""What sorts as a number: at most two digits of exponent, so that no cast can overflow."""


class Dialect:
    """SQL expressions over one kind's rows, in one database's words."""

    def __init__(self, name: str, kind: Kind) -> None:
        self.postgres = name == "postgresql"
        self.kind = kind

    # --- conditions ------------------------------------------------------------------------

    def condition(self, term: Condition) -> Sql:
        """The condition as SQL, where NULL means no. Raises ApiError for bad patterns and times.

        Only a negation has to make no of NULL; anything more would keep indexes from use.
        """
        match term:
            case All(terms):
                return and_(true(), *(self.condition(t) for t in terms))
            case Either(terms):
                return or_(false(), *(self.condition(t) for t in terms))
            case Not(inner):
                return not_(func.coalesce(self.condition(inner), false()))
            case AnyOf(path, values, missing):
                return self._any_of(path, values, missing)
            case Equals(path, value):
                return self._equals(path, value)
            case Matches(path, pattern, ignore_case):
                return self._matches(path, pattern, ignore_case)
            case Compare():
                return self._compare(term)

    def _any_of(self, path: Path, values: Sequence[Scalar], missing: bool) -> Sql:
        if path == ("system_tags",) and len(values) == 1 and values[0] in self.kind.flags:
            flag = self.kind.table.c[str(values[0])]
            return flag if not missing else or_(flag, self._any_of(path, (), True))
        found = self._list_path(path)
        parts: list[Sql] = []
        if found:
            element, source = self._elements(*found)
            if values:
                texts = [_as_text(v) for v in values]
                among = exists(select(1).select_from(source).where(element.in_(texts)))
                parts.append(and_(self._mentions(texts), among))
            if missing:
                parts.append(~exists(select(1).select_from(source)))
            return or_(false(), *parts)
        column = self.kind.column(path)
        if column is None:
            value: Sql = self.text(path)
            given: list[Any] = [_as_text(v) for v in values]
        else:
            value = column
            given = [_for_column(column, path, v) for v in values]
        if given:
            # One value alone lets an index give the order as well.
            parts.append(value.in_(given) if len(given) > 1 else value == given[0])
        if missing:
            parts.append(_missing(value))
        return or_(false(), *parts)

    def _mentions(self, texts: Sequence[str]) -> Sql:
        """Whether the stored JSON has one of these strings anywhere: cheap, and rules most out."""
        if self.postgres or len(texts) > 3:
            return true()
        stored = cast(self.kind.table.c.doc, String)
        return or_(*(func.instr(stored, msgspec.json.encode(t).decode()) > 0 for t in texts))

    def _equals(self, path: Path, value: Scalar) -> Sql:
        column = self.kind.column(path)
        if column is not None:
            return column.in_([_for_column(column, path, value)])
        if self.postgres:
            inside = func.jsonb_extract_path(self.kind.table.c.doc, *path)
            return inside == cast(literal(value, JSONB), JSONB)
        kind, stored = self._sqlite_typed(path)
        if isinstance(value, bool):
            return kind == ("true" if value else "false")
        types = ["text"] if isinstance(value, str) else ["integer", "real"]
        return and_(kind.in_(types), stored == value)

    def _matches(self, path: Path, pattern: str, ignore_case: bool) -> Sql:
        compiled(pattern)
        return self._anywhere(path, lambda text: self.match(text, pattern, ignore_case))

    def _anywhere(self, path: Path, test: Callable[[Sql], Sql]) -> Sql:
        """Whether ``test`` holds for the text at ``path``, or for an element of the list."""
        found = self._list_path(path)
        if found:
            element, source = self._elements(*found)
            return exists(select(1).select_from(source).where(test(element)))
        column = self.kind.column(path)
        value = self.text(path) if column is None else column
        return test(value if isinstance(value.type, String) else cast(value, String))

    def match(self, value: Sql, pattern: str, ignore_case: bool) -> Sql:
        """Whether ``value`` has a match of ``pattern``, which is known to be valid."""
        if self.postgres:
            return value.op("~*" if ignore_case else "~", is_comparison=True)(
                _postgres_pattern(pattern)
            )
        return func.matches(f"(?i){pattern}" if ignore_case else pattern, value) == 1

    def _compare(self, term: Compare) -> Sql:
        name = ".".join(term.path)
        column = self.kind.column(term.path)
        value: Any
        bound: Sql
        if name in self.kind.times and column is not None:
            bound, value = column, times.from_wire(term.value)
        elif term.is_time:
            raise ApiError(VALIDATION, f"{name} is not a time", field=name)
        else:
            bound = self.number(term.path) if column is None else column
            value = _number(name, term.value)
        compared: Sql = bound.op(term.operator, is_comparison=True)(value)
        return or_(bound.is_(None), compared) if term.or_missing else compared

    def among(self, column: Sql, ids: Sequence[str], *, leading: bool) -> Sql:
        """Whether a column is one of many ids; ``leading`` when they are few of all there are."""
        if self.postgres:
            return column == func.any(cast(list(ids), ARRAY(String)))
        given = func.json_each(msgspec.json.encode(ids).decode()).table_valued("value")
        return (column if leading else self.opaque(column)).in_(select(given.c.value))

    def opaque(self, column: Sql) -> Sql:
        """A column as a condition that no index is to be chosen by."""
        if self.postgres:
            return column
        return UnaryExpression(column, operator=custom_op("+"), type_=column.type)

    # --- order and text search -------------------------------------------------------------

    def order(self, order: Order) -> list[Sql]:
        """ORDER BY terms: empty values last in both directions, numbers before other text."""
        column = self.kind.column(order.path)
        if column is not None:
            if ".".join(order.path) in self.kind.filled:
                return [_directed(column, order.descending)]
            return [_directed(column, order.descending).nulls_last()]
        if order.path[0] == "last_metrics":
            return [_directed(self.number(order.path), order.descending).nulls_last()]
        if order.path[0] in ("hyperparams", "metadata"):
            present, *ranked = self.ranked(order.path)
            return [
                case((present, 0), else_=1),
                *(_directed(part, order.descending).nulls_last() for part in ranked),
            ]
        empty = func.nullif(self.text(order.path), "")
        return [_directed(empty, order.descending).nulls_last()]

    def ranked(self, path: Path) -> tuple[Sql, Sql, Sql, Sql]:
        """Whether there is a value at ``path``, and what it is ordered by: numbers come before
        other text. These parts are ``rank``, ``number`` and ``text``."""
        if path[0] == "last_metrics":
            number = self.number(path)
            return (number.is_not(None), *_named(literal(0), number, literal("")))
        text = self.text(path)
        numeric = func.coalesce(self.match(text, NUMERIC, False), false())
        rank, number = case((numeric, 0), else_=1), case((numeric, cast(text, Float)))
        return (func.coalesce(text, "") != "", *_named(rank, number, text))

    def search(self, text: Text) -> tuple[Sql, Sql]:
        """The condition of a text search, and the score that orders what it finds."""
        hits = {word: self._hits(word) for word in (*text.wanted, *text.required, *text.excluded)}
        terms: list[Sql] = [or_(*hits[word]) for word in text.required]
        terms += [not_(func.coalesce(or_(*hits[word]), false())) for word in text.excluded]
        if text.wanted and not text.required:
            terms.append(or_(*(hit for word in text.wanted for hit in hits[word])))
        score: Sql = literal(0)
        for word in (*text.wanted, *text.required):
            for hit in hits[word]:
                score = score + case((hit, 1), else_=0)
        return and_(true(), *terms), score

    def _hits(self, word: str) -> list[Sql]:
        """For each field that a text search looks into, whether it has the word."""
        return [
            self._anywhere(tuple(field.split(".")), lambda text: self._contains(text, word))
            for field in self.kind.text
        ]

    def _contains(self, text: Sql, word: str) -> Sql:
        if self.postgres or not word.isascii():
            return self.match(text, re.escape(word), True)
        # Several times as fast, and SQLite's own lower case knows ASCII only.
        return func.instr(func.lower(text), word.lower()) > 0

    # --- values inside the JSON document ---------------------------------------------------

    def text(self, path: Path) -> Sql:
        """The value at ``path`` as text; NULL when there is none."""
        if self.postgres:
            return func.jsonb_extract_path_text(self.kind.table.c.doc, *path, type_=String())
        return cast(self._sqlite_typed(path)[1], String)

    def number(self, path: Path) -> Sql:
        """The value at ``path`` when it is a number (or a column), else NULL."""
        column = self.kind.column(path)
        if column is not None:
            return column
        if self.postgres:
            doc = self.kind.table.c.doc
            is_number = func.jsonb_typeof(func.jsonb_extract_path(doc, *path)) == "number"
            return case((is_number, cast(self.text(path), Float)), else_=null())
        kind, value = self._sqlite_typed(path)
        return case((kind.in_(["integer", "real"]), value), else_=null())

    def tagged(self, tag: str) -> Sql:
        """Whether the document has this system tag."""
        return self._any_of(("system_tags",), [tag], False)

    def _sqlite_typed(self, path: Path) -> tuple[Sql, Sql]:
        """The JSON type and the value at ``path``, for SQLite."""
        doc = self.kind.table.c.doc
        if all(_quotable(key) for key in path):
            place = _sqlite_path(path)
            return (
                func.json_type(doc, place, type_=String()),
                func.json_extract(doc, place),
            )
        # SQLite has no way to write a quote inside a path: walk instead.
        kind: Sql = null()
        value: Sql = doc
        for key in path:
            step = func.json_each(value).table_valued("key", "value", "type")
            kind = select(step.c.type).where(step.c.key == key).scalar_subquery()
            value = select(step.c.value).where(step.c.key == key).scalar_subquery()
        return kind, value

    def _list_path(self, path: Path) -> tuple[Path, Path] | None:
        """The list that ``path`` names or leads through, and the rest of the path."""
        for end in range(len(path), 0, -1):
            if ".".join(path[:end]) in self.kind.lists:
                return path[:end], path[end:]
        return None

    def _elements(self, path: Path, rest: Path) -> tuple[Sql, Any]:
        """The elements of a list as text, and the table function they come from."""
        doc = self.kind.table.c.doc
        if self.postgres:
            stored = func.jsonb_extract_path(doc, *path)
            safe = case((func.jsonb_typeof(stored) == "array", stored))
            name = "jsonb_array_elements" if rest else "jsonb_array_elements_text"
            source = getattr(func, name)(safe).table_valued("value").render_derived()
            if rest:
                element = func.jsonb_extract_path_text(
                    cast(source.c.value, JSONB), *rest, type_=String()
                )
                return element, source
            return source.c.value, source
        source = func.json_each(doc, _sqlite_path(path)).table_valued("value", "type")
        if rest:
            inner = func.json_extract(source.c.value, _sqlite_path(rest))
            return case((source.c.type == "object", inner)), source
        return source.c.value, source


def _missing(value: Sql) -> Sql:
    if isinstance(value.type, String):
        return func.coalesce(value, "") == ""
    return value.is_(None)


def _named(rank: Sql, number: Sql, text: Sql) -> tuple[Sql, Sql, Sql]:
    return rank.label("rank"), number.label("number"), text.label("text")


def _directed(value: Sql, descending: bool) -> Any:
    return value.desc() if descending else value.asc()


def _quotable(key: str) -> bool:
    return '"' not in key and "\\" not in key and key.isprintable()


def _sqlite_path(path: Path) -> str:
    return "$" + "".join(f'."{key}"' for key in path)


def _as_text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _for_column(column: Sql, path: Path, value: Scalar) -> Any:
    """A filter's value in the column's own type. Raises ApiError(VALIDATION) if it has none."""
    if isinstance(column.type, String):
        return _as_text(value)
    wanted = column.type.python_type
    if wanted is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if wanted is bool and isinstance(value, bool | int):
        return bool(value)
    return _number(".".join(path), value)


def _number(name: str, value: Any) -> int | float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ApiError(VALIDATION, f"{name} is compared with numbers", field=name) from None
    if number != number or abs(number) > 9e18:
        raise ApiError(VALIDATION, f"{name} is compared with finite numbers", field=name)
    return int(number) if number.is_integer() else number


_PG_WORDS = {"b": r"\y", "B": r"\Y", "z": r"\Z", "Z": r"\Z"}


def _postgres_pattern(pattern: str) -> str:
    """An RE2 pattern in PostgreSQL's words, where the two differ."""
    pattern = re.sub(r"\(\?P?<[A-Za-z_]\w*>", "(", pattern)
    return re.sub(
        r"\\(.)", lambda found: _PG_WORDS.get(found[1], found[0]), pattern, flags=re.DOTALL
    )
