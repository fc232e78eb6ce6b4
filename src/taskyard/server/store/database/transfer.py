"""Moving all that is stored from one database to another: SQLite to PostgreSQL, or back.

Each source is read in one transaction, so a server may go on working on it; each target is
written in one, so it holds everything or nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Connection,
    LargeBinary,
    MetaData,
    Table,
    func,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from taskyard.api.errors import STORE_UNAVAILABLE, ApiError, TaskyardError
from taskyard.server.store import tables, telemetry_tables
from taskyard.server.store.database import schema
from taskyard.server.store.database.databases import connect
from taskyard.server.store.database.engine import Database

CONTROL_FILE, TELEMETRY_FILE = "taskyard.db", "telemetry.db"
"""The names of the SQLite databases in a data folder."""

PARTS: dict[str, MetaData] = {
    "control": tables.metadata,
    "telemetry": telemetry_tables.metadata,
}

BATCH = 1000
"""Rows written at a time, and of tables with packed data a tenth of it."""

Told = Callable[[str, int], None]
"""Is called with a table's name and the number of rows that were moved."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the two databases of an installation are. ``shown`` holds no password."""

    control: str
    telemetry: str
    shown: str
    folder: Path | None = None
    """The data folder, for SQLite."""

    @property
    def exists(self) -> bool:
        """Whether there is something to open; PostgreSQL says so itself."""
        return self.folder is None or (self.folder / CONTROL_FILE).is_file()


def address(words: str) -> Address:
    """Understand ``postgresql://...``, a data folder, or ``sqlite:///`` and a path in it.

    Raises TaskyardError for anything else.
    """
    scheme, mark, rest = words.partition("://")
    if mark and scheme in {"postgresql", "postgres"}:
        return Address(words, words, _without_password(words))
    if mark and scheme != "sqlite":
        raise TaskyardError(
            f"{scheme}:// is no database that is known here",
            hint="Name a data folder, or a postgresql:// URL.",
        )
    folder = Path(rest.removeprefix("/") if mark else words).expanduser().absolute()
    if folder.name == CONTROL_FILE:
        folder = folder.parent
    return Address(
        f"sqlite:///{folder / CONTROL_FILE}",
        f"sqlite:///{folder / TELEMETRY_FILE}",
        str(folder),
        folder,
    )


def _without_password(url: str) -> str:
    try:
        parts = make_url(url).difference_update_query(["password"])
    except (ArgumentError, ValueError) as error:
        raise TaskyardError("this is no valid postgresql:// URL") from error
    return parts._replace(password=None).render_as_string()


@contextlib.contextmanager
def opened(where: Address) -> Iterator[dict[str, Database]]:
    """The databases by their part's name."""
    found = {
        "control": connect(where.control, lambda _topics: None),
        "telemetry": connect(where.telemetry, lambda _topics: None, schema="telemetry"),
    }
    try:
        yield found
    except DBAPIError as error:
        words = str(error.orig).strip().splitlines()[0]
        raise ApiError(STORE_UNAVAILABLE, words, database=where.shown) from error
    finally:
        for database in found.values():
            database.close()


def upgrade(where: Address) -> dict[str, tuple[str | None, str]]:
    """Bring the tables up to date; gives the migration of each part before and after."""
    found = {}
    with opened(where) as databases:
        for part, database in databases.items():
            before = schema.current(database.engine, part)
            schema.upgrade(database.engine, part)
            found[part] = (before, schema.HEADS[part])
    return found


def copy(source: Address, target: Address, told: Told) -> dict[str, int]:
    """Copy every row; gives the number of rows of each table, which were counted on both sides.

    Raises TaskyardError when the source is missing or of another version, or the target has
    rows already.
    """
    if not source.exists:
        raise TaskyardError(f"there is no database in {source.shown}")
    if target.folder is not None:
        target.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    counts: dict[str, int] = {}
    with opened(source) as sources, opened(target) as targets, contextlib.ExitStack() as stack:
        for part, database in sources.items():
            _require_current(database, part, source)
            schema.upgrade(targets[part].engine, part)
        reading = {p: stack.enter_context(_begun(d, write=False)) for p, d in sources.items()}
        writing = {p: stack.enter_context(_begun(d, write=True)) for p, d in targets.items()}
        for part, metadata in PARTS.items():
            for table in metadata.sorted_tables:
                if _count(writing[part], table):
                    raise TaskyardError(
                        f"{target.shown} is not empty: its table {table.name} has rows",
                        hint="Name an empty database; nothing is overwritten.",
                    )
        for part, metadata in PARTS.items():
            for table in metadata.sorted_tables:
                name = f"{part}.{table.name}"
                counts[name] = _copy_table(reading[part], writing[part], table)
                told(name, counts[name])
        for connection in writing.values():
            connection.commit()
    return counts


def _require_current(database: Database, part: str, where: Address) -> None:
    version = schema.current(database.engine, part)
    if version != schema.HEADS[part]:
        raise TaskyardError(
            f"the {part} database of {where.shown} is of version {version or 'none'}, "
            f"and this program's is {schema.HEADS[part]}",
            hint="Bring it up to date with `taskyard db upgrade`, or update Taskyard.",
        )


@contextlib.contextmanager
def _begun(database: Database, *, write: bool) -> Iterator[Connection]:
    """A transaction that sees one state; rolled back unless its user commits it."""
    with database.engine.connect() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        else:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            # A whole table takes as long as it takes.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        try:
            yield connection
        finally:
            connection.rollback()


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _copy_table(source: Connection, target: Connection, table: Table) -> int:
    packed = any(isinstance(column.type, LargeBinary) for column in table.columns)
    batch = BATCH // 10 if packed else BATCH
    rows = source.execution_options(yield_per=batch).execute(select(table))
    for some in rows.partitions():
        target.execute(insert(table), [dict(row._mapping) for row in some])
    _go_on_counting(target, table)
    wanted, found = _count(source, table), _count(target, table)
    if wanted != found:
        raise TaskyardError(
            f"{found} of {wanted} rows of {table.name} arrived; nothing was kept",
            hint="Is something else writing to the target?",
        )
    return found


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after those that brought their numbers along."""
    column = table.autoincrement_column
    if column is None or column.autoincrement is not True:
        return
    if connection.dialect.name == "postgresql":
        highest = select(func.max(column)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        connection.execute(select(func.setval(sequence, func.coalesce(highest, 0) + 1, False)))
