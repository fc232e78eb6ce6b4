"""Every table of the telemetry database: what tasks and models report while they run.

``task`` is the id of a task, or of a model where a model's events were reported. Events' times
are milliseconds since the epoch, as clients send them. Numbers and lines of the console lie in
packed chunks; a chunk that is not ``packed`` is one request's share as it came, and is joined
with its like by ``server.jobs.compaction``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import Document, RowId

metadata = MetaData()

series = Table(
    "series",
    metadata,
    Column("task", String, primary_key=True),
    Column("series", BigInteger, primary_key=True),
    Column("type", String, nullable=False),
    Column("metric", String, nullable=False),
    Column("variant", String, nullable=False),
)
"""What a task has reported: one row for each type, metric and variant."""

scalar_chunks = Table(
    "scalar_chunks",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("task", String, nullable=False),
    Column("series", BigInteger, nullable=False),
    Column("packed", Boolean, nullable=False),
    Column("first_iter", BigInteger, nullable=False),
    Column("last_iter", BigInteger, nullable=False),
    Column("points", Integer, nullable=False),
    Column("worker", String, nullable=False),
    Column("rollup", LargeBinary),
    Column("data", LargeBinary, nullable=False),
    Index("scalar_chunks_series", "task", "series"),
    sqlite_autoincrement=True,
)
"""Points of one series. Of points with one iteration, that of the highest ``id`` counts."""
Index(
    "scalar_chunks_loose",
    scalar_chunks.c.task,
    scalar_chunks.c.series,
    sqlite_where=text("packed = 0"),
    postgresql_where=text("NOT packed"),
)

log_chunks = Table(
    "log_chunks",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("task", String, nullable=False),
    Column("packed", Boolean, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("breaks", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("log_chunks_last", "task", "last_time", "id", "first_time", "lines"),
    Index("log_chunks_first", "task", "first_time", "id"),
    sqlite_autoincrement=True,
)
"""Events of the console. Those of one time are ordered by ``id``, then by their place in it.
``breaks`` is how many lines of text end in a chunk."""
Index(
    "log_chunks_loose",
    log_chunks.c.task,
    sqlite_where=text("packed = 0"),
    postgresql_where=text("NOT packed"),
)

outputs = Table(
    "outputs",
    metadata,
    Column("task", String, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("kept", BigInteger, nullable=False),
    Column("first_line", BigInteger),
)
"""How many bytes of an attempt's output the console holds: what is sent again is dropped.
``first_line`` is the console's line of text at which the output begins."""

samples = Table(
    "samples",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("task", String, nullable=False),
    Column("series", BigInteger, nullable=False),
    Column("iter", BigInteger, nullable=False),
    Column("key", String, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("worker", String, nullable=False),
    Column("shown", Boolean, nullable=False),
    Column("source", BigInteger),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("task", "series", "iter", "key"),
    Index("samples_source", "task", "series", "source"),
    sqlite_autoincrement=True,
)
"""Plots, images and vectors. ``shown`` is false for a plot that cannot be drawn, and for an image
whose file a later iteration has overwritten; ``source`` is the number of the image's URL."""

scrolls = Table(
    "scrolls",
    metadata,
    Column("id", String, primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Column("doc", Document, nullable=False),
)
"""Where a client that leafs through samples stands. ``expires`` is in microseconds."""


def number(*words: str) -> int:
    """A number that stands for these words: 63 bits of their hash."""
    digest = hashlib.blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


def insert_rows(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns."""
    if rows:
        _insertion(table, tuple(rows[0]), "").run_for_each(tx, rows)


def insert_missing(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    if rows:
        _insertion(table, tuple(rows[0]), tx.dialect).run_for_each(tx, rows)


@cache
def _insertion(table: Table, columns: tuple[str, ...], unless_there_on: str) -> Prepared:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    if not unless_there_on:
        return Prepared(insert(table).inline().values(values))
    dialect = sqlite if unless_there_on == "sqlite" else postgresql
    return Prepared(dialect.insert(table).inline().values(values).on_conflict_do_nothing())


class Moved(Exception):
    """Chunks that were to be replaced are no longer there."""


def remove_chunks(tx: Tx, table: Table, mine: ColumnElement[bool], ids: Sequence[int]) -> None:
    """Delete these chunks of one owner. Raises Moved when one of them is gone already."""
    deleted = 0
    for start in range(0, len(ids), 500):
        some = table.c.id.in_(ids[start : start + 500])
        deleted += tx.execute(delete(table).where(mine, some)).rowcount
    if deleted != len(ids):
        raise Moved


def freeze(tx: Tx) -> None:
    """Have all statements of a transaction see one state, whatever compaction does meanwhile.

    Must be the transaction's first statement. On SQLite that is so anyway.
    """
    if tx.dialect == "postgresql":
        tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def forget(tx: Tx, tasks: Iterable[str]) -> int:
    """Delete all that these tasks or models have reported; how many rows that was."""
    ids = list(tasks)
    deleted = 0
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        for table in (scalar_chunks, log_chunks, outputs, samples, series):
            deleted += tx.execute(delete(table).where(table.c.task.in_(some))).rowcount
    return deleted
