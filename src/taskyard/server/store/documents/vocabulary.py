"""The words in use: parameters, metrics, keys and values that occur in tasks and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, column, func, select, true
from sqlalchemy.dialects.postgresql import JSONB

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents.conditions import Dialect
from taskyard.server.store.documents.kinds import Kind

Sql = ColumnElement[Any]
Condition = ColumnElement[Any]


def values(
    tx: Tx, kind: Kind, path: tuple[str, ...], condition: Condition, pattern: str | None = None
) -> list[str]:
    """The texts that stand at a path, each once and in order."""
    dialect = Dialect(tx.dialect, kind)
    text = dialect.text(path)
    query = select(text).distinct().where(condition, text.is_not(None))
    if pattern:
        query = query.where(dialect.match(text, pattern, True))
    return sorted(tx.execute(query).scalars())


def keys(tx: Tx, kind: Kind, field: str, condition: Condition) -> list[str]:
    """The keys of a mapping, each once and in order."""
    level = _members(tx, kind.table.c.doc, field)
    query = select(level.c.key).select_from(kind.table).join(level, true()).where(condition)
    return sorted(tx.execute(query.distinct()).scalars())


def pairs(tx: Tx, kind: Kind, field: str, condition: Condition) -> list[tuple[str, str]]:
    """The pairs of keys of a mapping of mappings, each once and in order."""
    outer = _members(tx, kind.table.c.doc, field)
    inner = _members(tx, outer.c.value, None)
    query = (
        select(outer.c.key, inner.c.key)
        .select_from(kind.table)
        .join(outer, true())
        .join(inner, true())
        .where(condition)
    )
    rows: Any = tx.execute(query.distinct())
    return sorted((row[0], row[1]) for row in rows)


def metrics(tx: Tx, kind: Kind, condition: Condition) -> list[dict[str, str]]:
    """The metrics and variants that have a last value, with the hashes they are filed under."""
    outer = _members(tx, kind.table.c.doc, "last_metrics")
    inner = _members(tx, outer.c.value, None)
    query = (
        select(
            outer.c.key,
            inner.c.key,
            _text(tx, inner.c.value, "metric"),
            _text(tx, inner.c.value, "variant"),
        )
        .select_from(kind.table)
        .join(outer, true())
        .join(inner, true())
        .where(condition)
    )
    rows: Any = tx.execute(query.distinct())
    found = [
        {
            "metric": row[2] or "",
            "metric_hash": row[0],
            "variant": row[3] or "",
            "variant_hash": row[1],
        }
        for row in rows
    ]
    return sorted(found, key=lambda item: (item["metric"], item["variant"]))


def _members(tx: Tx, value: Sql, field: str | None) -> Any:
    """The members of a JSON object, or of a field of it, as a table of key and value."""
    if tx.dialect == "postgresql":
        inside = func.jsonb_extract_path(value, field) if field else value
        safe = case((func.jsonb_typeof(inside) == "object", inside))
        members = func.jsonb_each(safe).table_valued("key", column("value", JSONB))
        return members.render_derived()
    place = (f'$."{field}"',) if field else ()
    return func.json_each(value, *place).table_valued("key", "value")


def _text(tx: Tx, value: Sql, field: str) -> Sql:
    if tx.dialect == "postgresql":
        return func.jsonb_extract_path_text(value, field, type_=String())
    return cast(func.json_extract(value, f'$."{field}"'), String)


def page(items: Sequence[Any], number: int, size: int) -> tuple[list[Any], int]:
    """One page of a list, counted from 0, and how many items come after it."""
    start = number * size
    return list(items[start : start + size]), max(0, len(items) - start - size)
