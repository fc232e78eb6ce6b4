"""SQLite: one thread writes, and commits what waits together.

Whatever waits when it is free goes into one transaction, so that one disk flush serves many
callers. A function that fails after it changed something has all of them undone, and the others
run again: failing so is rare, and a savepoint for each would copy every page it touches.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from taskyard.api.errors import ApiError
from taskyard.server.store.database.engine import (
    Announce,
    T,
    Tx,
    Work,
    options,
    run,
    run_last,
    too_slow,
    translated,
)
from taskyard.server.store.documents.matching import install_matcher

READERS = 4
READ_LIMIT = 20
"""Seconds a read may take: it keeps a reader from all others."""

STEPS = 100_000
"""Of SQLite's own instructions, between two looks at the clock: some milliseconds."""

GROUP = 128
"""The most writes that share one commit: bounds how long the first of them waits."""


class SqliteDatabase:
    """SQLite: readers in a few threads, one writer for all."""

    dialect = "sqlite"

    def __init__(self, url: str, announce: Announce) -> None:
        self._announce = announce
        self.engine = create_engine(
            url,
            **options(
                connect_args={
                    "check_same_thread": False,
                    "isolation_level": None,
                    "timeout": 30,
                },
                pool_size=READERS + 2,
                query_cache_size=2000,
            ),
        )
        event.listen(self.engine, "connect", _prepare_sqlite)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._queue: queue.SimpleQueue[list[_Write] | None] = queue.SimpleQueue()
        self._asked: list[_Write] = []
        """What this round of the event loop wants written."""
        self._writer = threading.Thread(target=self._write_loop, name="writer", daemon=True)
        self._writer.start()

    async def read(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self.engine.connect() as connection:
                tx = Tx(connection)
                tx.driver.execute("BEGIN")
                end = time.monotonic() + READ_LIMIT
                tx.driver.set_progress_handler(lambda: time.monotonic() > end, STEPS)
                try:
                    return run(work, tx)
                except ApiError as error:
                    if _was_interrupted(error):
                        raise too_slow(READ_LIMIT) from error
                    raise
                finally:
                    tx.driver.set_progress_handler(None, 0)
                    _end(connection, tx.driver, "rollback")
        except OperationalError as error:
            raise translated(error) from error

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        waiting = _Write(work, loop, loop.create_future())
        if not self._asked:
            # Requests that came together are handed over together: one wake-up, one commit.
            loop.call_soon(self._ask)
        self._asked.append(waiting)
        result: T = await waiting.future
        return result

    def _ask(self) -> None:
        asked, self._asked = self._asked, []
        self._queue.put(asked)

    def _write_loop(self) -> None:
        connection: Connection | None = None
        while (group := self._queue.get()) is not None:
            try:
                if connection is None:
                    connection = self.engine.connect()
                self._commit_group(connection, group)
            except Exception as error:
                failed = isinstance(error, DBAPIError | sqlite3.Error)
                known = translated(error) if failed else error
                for write in group:
                    write.error = write.error or known
                _settle(group, self._announce)
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                    connection = None
        if connection is not None:
            connection.close()

    def _commit_group(self, connection: Connection, group: list[_Write]) -> None:
        """Run what waits and commit it at once."""
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE")
        position = 0
        while position < len(group):
            write = group[position]
            position += 1
            if write.error is None and not write.run(connection, driver):
                _end(connection, driver, "rollback")
                driver.execute("BEGIN IMMEDIATE")
                position = 0
            elif position == len(group) < GROUP:
                group += self._more()
        run_last(connection, [write.tx for write in group if write.tx and not write.error])
        _end(connection, driver, "commit")
        _settle(group, self._announce)

    def _more(self) -> list[_Write]:
        """What was asked for in the meantime."""
        try:
            more = self._queue.get_nowait()
        except queue.Empty:
            return []
        if more is None:
            # The end of all work comes after the commit.
            self._queue.put(None)
            return []
        return more

    def close(self) -> None:
        if self._asked:
            self._ask()
        self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()


def _was_interrupted(error: ApiError) -> bool:
    driver = getattr(error.__cause__, "orig", error.__cause__)
    return getattr(driver, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _end(connection: Connection, driver: Any, how: Literal["commit", "rollback"]) -> None:
    # Only where a statement went through SQLAlchemy does it know of the transaction.
    getattr(connection if connection.in_transaction() else driver, how)()


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

    def run(self, connection: Connection, driver: Any) -> bool:
        """Do the work. False when it failed and left something behind that is to be undone."""
        self.tx = Tx(connection, driver)
        before = driver.total_changes
        try:
            self.result = run(self.work, self.tx)
        except Exception as error:
            self.error = error
            # A full disk ends the whole transaction.
            return bool(driver.in_transaction and driver.total_changes == before)
        return True

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
            topics += write.tx.signals
            for do in write.tx.after:
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
        # Pages that change again and again are written back to the file less often: every 32 MB.
        "wal_autocheckpoint=8000",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    install_matcher(connection)
