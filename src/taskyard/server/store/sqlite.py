"""SQLite: one thread writes, and commits what waits together.

Whatever waits when it is free goes into one transaction, each function inside its own savepoint,
so that one disk flush serves many callers and a failing function undoes only itself.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from taskyard.api.errors import ApiError
from taskyard.server.store.engine import (
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
from taskyard.server.store.matching import install_matcher

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
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
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
                    # Only where a statement went through SQLAlchemy does it know of this.
                    if connection.in_transaction():
                        connection.rollback()
                    else:
                        tx.driver.rollback()
        except OperationalError as error:
            raise translated(error) from error

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
                known = translated(error) if failed else error
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
        run_last(connection, [write.tx for write in group if write.tx and not write.error])
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


def _was_interrupted(error: ApiError) -> bool:
    driver = getattr(error.__cause__, "orig", error.__cause__)
    return getattr(driver, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


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
            self.result = run(self.work, self.tx)
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
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    install_matcher(connection)
