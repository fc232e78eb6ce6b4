"""The two databases behind one small interface.

``read`` and ``write`` take a function over a transaction and run it off the event loop.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.exc import DataError, OperationalError

from taskyard.api.errors import (
    BAD_REGEX,
    INSUFFICIENT_STORAGE,
    STORE_UNAVAILABLE,
    VALIDATION,
    ApiError,
)

T = TypeVar("T")
Work = Callable[["Tx"], T]


def now() -> int:
    """The time in microseconds since the epoch: the unit of every time column."""
    return time.time_ns() // 1000


class Tx:
    """One transaction: statements, what to announce, and what to do once it is durable."""

    __slots__ = ("_driver", "after", "connection", "last", "now", "rows", "signals")

    def __init__(self, connection: Connection, driver: Any = None) -> None:
        self.connection = connection
        self.now = now()
        self._driver = driver
        self.signals: list[str] = []
        """Topics to announce once this is committed."""
        self.after: list[Callable[[], None]] = []
        self.last: dict[str, Work[None]] = {}
        self.rows: list[tuple[Batch, Mapping[str, Any]]] = []

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name

    @property
    def driver(self) -> Any:
        """The driver's own connection."""
        if self._driver is None:
            self._driver = self.connection.connection.driver_connection
        return self._driver

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return self.connection.execute(statement, parameters)

    def signal(self, topic: str) -> None:
        """Wake who waits on ``topic`` (such as ``queue:<id>``) once this is committed."""
        self.signals.append(topic)

    def after_commit(self, do: Callable[[], None]) -> None:
        """Have ``do`` called on the event loop once this is committed."""
        self.after.append(do)

    def before_commit(self, name: str, do: Work[None]) -> None:
        """Have ``do`` run last of all, in the same transaction.

        Of those who share a commit and give the same ``name``, only the latest is run: many tasks
        that enter a queue together change its row once.
        """
        self.last[name] = do

    def add_row(self, statement: Batch, values: Mapping[str, Any]) -> None:
        """Have ``statement`` run with these values last of all, in the same transaction.

        It is run once for all who share a commit: for rows that nobody reads in it.
        """
        self.rows.append((statement, values))


class Batch(Protocol):
    """A statement that can be run with many rows of values at once."""

    def run_for_each(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None: ...


class Announce(Protocol):
    """Hears the topics of each commit, on the event loop."""

    def __call__(self, topics: list[str]) -> None: ...


class Database(Protocol):
    """What the server needs of a store."""

    dialect: str
    engine: Engine

    async def read(self, work: Work[T]) -> T: ...
    async def write(self, work: Work[T]) -> T: ...
    def close(self) -> None: ...


def options(**engine: Any) -> dict[str, Any]:
    """What every engine of SQLAlchemy is made with, and more."""
    return {
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
        # "Inserted unless there": the count says which, on every driver only with this.
        "execution_options": {"preserve_rowcount": True},
        **engine,
    }


def too_slow(limit: float) -> ApiError:
    """What it means to a caller that a query was given up after ``limit`` seconds.

    To ask the same again would take as long: clients must not be told to.
    """
    return ApiError(
        VALIDATION,
        f"the query took more than {limit:g} seconds",
        hint="Ask for less at once: of one project, for instance.",
    )


_TOO_MUCH = ("too many SQL variables", "Expression tree is too large", "number of parameters")
"""What the databases say of a statement that names more than they take."""


def translated(error: Exception) -> ApiError:
    """What a database's own failure means to a caller."""
    words = (str(getattr(error, "orig", error)) or "database error").splitlines()[0]
    if any(phrase in words for phrase in _TOO_MUCH):
        return ApiError(VALIDATION, words, hint="Ask for less at once.")
    if "full" in words or "No space left" in words:
        return ApiError(
            INSUFFICIENT_STORAGE, words, hint="Free space where the server keeps its data."
        )
    return ApiError(
        STORE_UNAVAILABLE, words, hint="Look at the database and the server's log; this retries."
    )


def run(work: Work[T], tx: Tx) -> T:
    """Do the work. Raises ApiError for what the database cannot do, or not with these values."""
    try:
        return work(tx)
    except (OperationalError, sqlite3.OperationalError) as error:
        raise translated(error) from error
    except (DataError, OverflowError) as error:
        raise _refuse(error) from error


def run_last(connection: Connection, done: Sequence[Tx]) -> None:
    """Do what these transactions, which share a commit, put off to their end."""
    put_off: dict[str, Work[None]] = {}
    rows: dict[Batch, list[Mapping[str, Any]]] = {}
    for tx in done:
        put_off |= tx.last
        for statement, values in tx.rows:
            rows.setdefault(statement, []).append(values)
    last = Tx(connection)
    for do in put_off.values():
        do(last)
    for statement, together in rows.items():
        statement.run_for_each(last, together)


def _refuse(error: Exception) -> ApiError:
    """A caller's value that the database cannot take: a NUL in text, a number too large."""
    words = str(getattr(error, "orig", error)).splitlines()[0]
    kind = BAD_REGEX if "regular expression" in words else VALIDATION
    return ApiError(kind, words)
