"""The two databases behind one small interface.

``read`` and ``write`` take a function over a transaction and run it off the event loop. On
SQLite one thread does all the writing: whatever waits when it is free is committed together,
each function inside its own savepoint, so that one disk flush serves many callers and a failing
function undoes only itself. On PostgreSQL every function is a transaction of its own.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from taskyard.api.errors import (
    BAD_REGEX,
    INSUFFICIENT_STORAGE,
    STORE_UNAVAILABLE,
    VALIDATION,
    ApiError,
)
from taskyard.server.signals import EVERYTHING
from taskyard.server.store.matching import install_matcher

log = logging.getLogger("taskyard.store")

CANCELLED = "57014"
"""PostgreSQL's word for a statement that ran into its time limit."""

STATEMENT_LIMIT = 60
"""Seconds a statement may take on PostgreSQL."""

CLASHES = frozenset({"40001", "40P01"})
"""PostgreSQL's words for a serialization failure and a deadlock."""

T = TypeVar("T")
Work = Callable[["Tx"], T]

READERS = 4
GROUP = 128
"""The most writes that share one commit: bounds how long the first of them waits."""


def now() -> int:
    """The time in microseconds since the epoch: the unit of every time column."""
    return time.time_ns() // 1000


class Tx:
    """One transaction: statements, what to announce, and what to do once it is durable."""

    __slots__ = ("_after", "_driver", "_last", "_signals", "connection", "now")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.now = now()
        self._driver: Any = None
        self._signals: list[str] = []
        self._after: list[Callable[[], None]] = []
        self._last: dict[str, Work[None]] = {}

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
        self._signals.append(topic)

    def after_commit(self, do: Callable[[], None]) -> None:
        """Have ``do`` called on the event loop once this is committed."""
        self._after.append(do)

    def before_commit(self, name: str, do: Work[None]) -> None:
        """Have ``do`` run last of all, in the same transaction.

        Of those who share a commit and give the same ``name``, only the latest is run: many tasks
        that enter a queue together change its row once.
        """
        self._last[name] = do


class Announce(Protocol):
    def __call__(self, topics: list[str]) -> None: ...


class Database(Protocol):
    """What the server needs of a store."""

    dialect: str
    engine: Engine

    async def read(self, work: Work[T]) -> T: ...
    async def write(self, work: Work[T]) -> T: ...
    def close(self) -> None: ...


def connect(url: str, announce: Announce, *, schema: str = "", sender: str = "") -> Database:
    """Open the database at ``url`` (``sqlite:///path`` or ``postgresql://...``).

    ``announce`` is called on the event loop with the topics of each commit. ``schema`` is the
    PostgreSQL schema to work in; ``sender`` the name of this server among those on one
    PostgreSQL, whose own announcements it does not listen to. Raises
    ApiError(STORE_UNAVAILABLE) when it cannot be opened.
    """
    if url.startswith("sqlite"):
        return SqliteDatabase(url, announce)
    return PostgresDatabase(url, announce, schema=schema, sender=sender)


def _json(engine_options: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
        # "Inserted unless there": the count says which, on every driver only with this.
        "execution_options": {"preserve_rowcount": True},
        **(engine_options or {}),
    }


_TOO_MUCH = ("too many SQL variables", "Expression tree is too large", "number of parameters")
"""What the databases say of a statement that names more than they take."""


def _translate(error: Exception) -> ApiError:
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


def _run(work: Work[T], tx: Tx) -> T:
    try:
        return work(tx)
    except (OperationalError, sqlite3.OperationalError) as error:
        raise _translate(error) from error
    except (DataError, OverflowError) as error:
        raise _refuse(error) from error


def _run_last(connection: Connection, done: Sequence[Tx]) -> None:
    """Do what these transactions, which share a commit, put off to their end."""
    put_off: dict[str, Work[None]] = {}
    for tx in done:
        put_off |= tx._last
    for do in put_off.values():
        do(Tx(connection))


def _refuse(error: Exception) -> ApiError:
    """A caller's value that the database cannot take: a NUL in text, a number too large."""
    words = str(getattr(error, "orig", error)).splitlines()[0]
    kind = BAD_REGEX if "regular expression" in words else VALIDATION
    return ApiError(kind, words)


class SqliteDatabase:
    dialect = "sqlite"

    def __init__(self, url: str, announce: Announce) -> None:
        self._announce = announce
        self.engine = create_engine(
            url,
            **_json(
                {
                    "connect_args": {
                        "check_same_thread": False,
                        "isolation_level": None,
                        "timeout": 30,
                    },
                    "pool_size": READERS + 2,
                    "query_cache_size": 2000,
                }
            ),
        )
        event.listen(self.engine, "connect", _prepare_sqlite)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="writer", daemon=True)
        self._writer.start()

    async def read(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                try:
                    return _run(work, Tx(connection))
                finally:
                    connection.rollback()
        except OperationalError as error:
            raise _translate(error) from error

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        waiting = _Write(work, loop, loop.create_future())
        self._queue.put(waiting)
        result: T = await waiting.future
        return result

    def _write_loop(self) -> None:
        connection: Connection | None = None
        while True:
            first = self._queue.get()
            if first is None:
                break
            group = [first]
            try:
                if connection is None:
                    connection = self.engine.connect()
                last = self._commit_group(connection, group)
            except Exception as error:
                failed = isinstance(error, DBAPIError | sqlite3.Error)
                known = _translate(error) if failed else error
                for write in group:
                    write.fail(known)
                _settle(group, self._announce)
                last = False
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                    connection = None
            if last:
                break
        if connection is not None:
            connection.close()

    def _commit_group(self, connection: Connection, group: list[_Write]) -> bool:
        """Run what waits and commit it at once. True when the end of all work was met."""
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE")
        last = False
        position = 0
        while position < len(group):
            group[position].run(connection)
            position += 1
            if position == len(group) and position < GROUP and not last:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    group.append(more)
        _run_last(connection, [write.tx for write in group if write.tx and not write.error])
        # Only where a statement went through SQLAlchemy does it know of the transaction.
        if connection.in_transaction():
            connection.commit()
        else:
            driver.commit()
        _settle(group, self._announce)
        return last

    def close(self) -> None:
        self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()


class _Write:
    """One function that waits for the writer, and the future its caller awaits."""

    __slots__ = ("error", "future", "loop", "result", "tx", "work")

    def __init__(
        self, work: Work[Any], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]
    ) -> None:
        self.work, self.loop, self.future = work, loop, future
        self.result: Any = None
        self.error: BaseException | None = None
        self.tx: Tx | None = None

    def run(self, connection: Connection) -> None:
        self.tx = Tx(connection)
        driver = self.tx.driver
        driver.execute("SAVEPOINT w")
        try:
            self.result = _run(self.work, self.tx)
        except Exception as error:
            self.error = error
            try:
                driver.execute("ROLLBACK TO w")
            except sqlite3.Error:
                # A full disk ends the whole transaction: all that share it fail for that reason.
                raise error from None
        driver.execute("RELEASE w")

    def fail(self, error: BaseException) -> None:
        self.error = self.error or error

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _settle(group: list[_Write], announce: Announce) -> None:
    """Hand the results over on the event loop: one wake-up for the whole group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Write]] = {}
    for write in group:
        by_loop.setdefault(write.loop, []).append(write)
    for loop, writes in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_hand_over, writes, announce)


def _hand_over(writes: list[_Write], announce: Announce) -> None:
    topics: list[str] = []
    for write in writes:
        if write.error is None and write.tx is not None:
            topics += write.tx._signals
            for do in write.tx._after:
                do()
        write.settle()
    if topics:
        announce(topics)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-32000",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    install_matcher(connection)


_NOTIFY = text("SELECT pg_notify(:channel, said) FROM unnest(CAST(:said AS text[])) AS said")


class PostgresDatabase:
    """PostgreSQL: transactions in a pool of threads; announcements travel by NOTIFY as well."""

    dialect = "postgresql"
    channel = "taskyard"

    def __init__(self, url: str, announce: Announce, *, schema: str = "", sender: str = "") -> None:
        self._announce = announce
        self.sender = sender or uuid.uuid4().hex
        url = url.replace("postgres://", "postgresql://", 1)
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        options = f"-c statement_timeout={STATEMENT_LIMIT * 1000}"
        if schema:
            options += f" -c search_path={schema}"
        self.engine = create_engine(
            url,
            **_json(
                {
                    "pool_size": 10,
                    "max_overflow": 10,
                    "pool_pre_ping": True,
                    "connect_args": {"options": options},
                    "isolation_level": "READ COMMITTED",
                }
            ),
        )
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="store")

    async def read(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self.engine.connect() as connection:
                return _run(work, Tx(connection))
        except OperationalError as error:
            raise _translate(error) from error
        except ApiError as error:
            if getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) != CANCELLED:
                raise
            # To ask the same again would take as long: clients must not be told to.
            raise ApiError(
                VALIDATION,
                f"the query took more than {STATEMENT_LIMIT} seconds",
                hint="Ask for less at once.",
            ) from error

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        result, tx = await loop.run_in_executor(self._threads, self._write, work)
        for do in tx._after:
            do()
        if tx._signals:
            self._announce(tx._signals)
        return result

    def _write(self, work: Work[T]) -> tuple[T, Tx]:
        for last in (False, False, False, True):
            try:
                return self._write_once(work)
            except IntegrityError:
                # Another made, or took away, the same in this moment: now it can be seen.
                if last:
                    raise
            except ApiError as error:
                # Two transactions that locked rows in each other's way: one may simply try again.
                if last or not isinstance(error.__cause__, OperationalError):
                    raise
                if getattr(error.__cause__.orig, "sqlstate", None) not in CLASHES:
                    raise
        raise AssertionError("unreachable")

    def _write_once(self, work: Work[T]) -> tuple[T, Tx]:
        try:
            with self.engine.begin() as connection:
                tx = Tx(connection)
                result = _run(work, tx)
                _run_last(connection, [tx])
                if tx._signals:
                    # A payload has 8,000 bytes at the most, and a letter up to four.
                    said = [f"{self.sender} {topic}"[:1900] for topic in dict.fromkeys(tx._signals)]
                    connection.execute(_NOTIFY, {"channel": self.channel, "said": said})
                return result, tx
        except OperationalError as error:
            raise _translate(error) from error

    async def listen(self) -> None:
        """Pass on what other servers on this database announce, for as long as it runs."""
        import psycopg

        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    url, autocommit=True, keepalives_idle=30, keepalives_interval=10
                )
                async with connection:
                    await connection.execute(f"LISTEN {self.channel}")
                    # What was said before that went past this server.
                    self._announce([EVERYTHING])
                    async for notice in connection.notifies():
                        sender, _, topic = notice.payload.partition(" ")
                        if sender != self.sender:
                            self._announce([topic])
            except psycopg.Error as error:
                log.warning("listening for other servers failed, trying again: %s", error)
                await asyncio.sleep(1)

    def close(self) -> None:
        self._threads.shutdown()
        self.engine.dispose()
