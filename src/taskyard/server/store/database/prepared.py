"""Statements that are compiled once and then run by the driver itself.

SQLAlchemy takes several times longer to run a statement than SQLite does: it looks for the
compiled form, makes a context, a result and rows. Where a task's way into the queue and out of it
depends on a statement, it is kept here in the form that the driver takes.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

from taskyard.server.store.database.engine import Tx

Process = Callable[[Any], Any]


@dataclass(slots=True)
class _Compiled:
    """A statement as one driver takes it."""

    text: str
    names: Sequence[str]
    """The parameters in their order, for a driver that takes them by position; else empty."""
    fixed: Mapping[str, Any]
    """Values that are part of the statement, as the driver takes them."""
    made: Mapping[str, Process]
    """What makes a driver's value of one that is given, where it is not taken as it is."""
    row: Process | None = None
    """What makes a row of a driver's values: known once there was a result."""

    def parameters(self, values: Mapping[str, Any]) -> Any:
        every = {**self.fixed, **values}
        for name, process in self.made.items():
            every[name] = process(every[name])
        return [every[name] for name in self.names] if self.names else every


class Prepared:
    """One statement with named parameters. Rows are named tuples of its columns.

    It has no lists (``IN``), which would change its text with their length. Every column that is
    to have a value is named: the defaults of columns are not filled in.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def first(self, tx: Tx, **values: Any) -> Any:
        """The first row, or None."""
        cursor, row = self._select(tx, values)
        found = cursor.fetchone()
        cursor.close()
        return None if found is None else row(found)

    def all(self, tx: Tx, **values: Any) -> list[Any]:
        """Every row."""
        cursor, row = self._select(tx, values)
        return [row(found) for found in cursor.fetchall()]

    def run(self, tx: Tx, **values: Any) -> int:
        """How many rows the statement changed."""
        return int(self._execute(tx, values)[1].rowcount)

    def run_for_each(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement once for each row of values."""
        if not rows:
            return
        compiled = self._for(tx)
        parameters = [compiled.parameters(row) for row in rows]
        cursor = tx.driver.cursor()
        try:
            cursor.executemany(compiled.text, parameters)
        except tx.connection.dialect.loaded_dbapi.Error as error:
            raise _translated(tx, compiled, error) from error
        finally:
            cursor.close()

    def _select(self, tx: Tx, values: Mapping[str, Any]) -> tuple[Any, Process]:
        compiled, cursor = self._execute(tx, values)
        if compiled.row is None:
            compiled.row = _shape(self._statement, tx.connection.dialect, cursor.description)
        return cursor, compiled.row

    def _execute(self, tx: Tx, values: Mapping[str, Any]) -> tuple[_Compiled, Any]:
        compiled = self._for(tx)
        parameters = compiled.parameters(values)
        try:
            return compiled, tx.driver.execute(compiled.text, parameters)
        except tx.connection.dialect.loaded_dbapi.Error as error:
            raise _translated(tx, compiled, error) from error

    def _for(self, tx: Tx) -> _Compiled:
        dialect = tx.connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._statement, dialect)
        return compiled


def _translated(tx: Tx, compiled: _Compiled, error: Any) -> Any:
    """The driver's complaint as SQLAlchemy raises it."""
    dialect = tx.connection.dialect
    errors = dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        compiled.text, None, error, errors, hide_parameters=True, dialect=dialect
    )


def _compile(statement: ClauseElement, dialect: Dialect) -> _Compiled:
    made: Any = statement.compile(dialect=dialect)
    if made.post_compile_params:
        raise ValueError("a list in a statement changes its text with every length")
    fixed: dict[str, Any] = {}
    processes: dict[str, Process] = {}
    for name, value in made.params.items():
        bound = made.binds.get(name)
        process = None if bound is None else _of(bound.type, dialect).bind_processor(dialect)
        if bound is None or not bound.required:
            fixed[name] = value if process is None else process(value)
        elif process is not None:
            processes[name] = process
    return _Compiled(made.string, made.positiontup if made.positional else (), fixed, processes)


def _of(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)


def _shape(statement: ClauseElement, dialect: Dialect, description: Sequence[Any]) -> Process:
    """What makes a row of a driver's values: a named tuple with the values of Python."""
    assert isinstance(statement, Select)
    columns = list(statement.selected_columns)
    kind: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
    make: Process = kind._make
    processes = [
        _of(column.type, dialect).result_processor(dialect, described[1])
        for column, described in zip(columns, description, strict=True)
    ]
    changed = [(place, process) for place, process in enumerate(processes) if process is not None]
    if not changed:
        return make

    def row(found: Any) -> Any:
        values = list(found)
        for place, process in changed:
            values[place] = process(values[place])
        return make(values)

    return row
