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

from taskyard.server.store.engine import Tx

Process = Callable[[Any], Any]


@dataclass(slots=True)
class _Compiled:
    """A statement as one driver takes it."""

    text: str
    slots: Sequence[_Slot]
    by_name: bool
    """Whether the driver takes the parameters by name; else by position."""
    row: Process | None = None
    """What makes a row of a driver's values: known once there was a result."""

    def parameters(self, values: Mapping[str, Any]) -> Any:
        found = [
            slot.fixed
            if not slot.given
            else values[slot.name]
            if slot.process is None
            else slot.process(values[slot.name])
            for slot in self.slots
        ]
        if self.by_name:
            return {slot.name: value for slot, value in zip(self.slots, found, strict=True)}
        return found


@dataclass(frozen=True, slots=True)
class _Slot:
    """One parameter: a value that is part of the statement, or one that is given each time."""

    name: str
    given: bool
    fixed: Any = None
    """As the driver takes it."""
    process: Process | None = None
    """What makes a driver's value of one that is given."""


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
    slots: dict[str, _Slot] = {}
    for name, value in made.params.items():
        bound = made.binds.get(name)
        process = None if bound is None else _of(bound.type, dialect).bind_processor(dialect)
        if bound is not None and bound.required:
            slots[name] = _Slot(name, True, process=process)
        else:
            slots[name] = _Slot(name, False, value if process is None else process(value))
    if made.positional:
        return _Compiled(made.string, [slots[name] for name in made.positiontup], by_name=False)
    return _Compiled(made.string, list(slots.values()), by_name=True)


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
