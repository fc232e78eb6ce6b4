"""PostgreSQL: every function is a transaction of its own, in a pool of threads."""

from __future__ import annotations

import asyncio
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from taskyard.api.errors import ApiError
from taskyard.server.signals import EVERYTHING
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

log = logging.getLogger("taskyard.store")

CANCELLED = "57014"
"""PostgreSQL's word for a statement that ran into its time limit."""

STATEMENT_LIMIT = 60
"""Seconds a statement may take on PostgreSQL."""

CLASHES = frozenset({"40001", "40P01"})
"""PostgreSQL's words for a serialization failure and a deadlock."""

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
        settings = f"-c statement_timeout={STATEMENT_LIMIT * 1000}"
        if schema:
            settings += f" -c search_path={schema}"
        self.engine = create_engine(
            url,
            **options(
                pool_size=10,
                max_overflow=10,
                pool_pre_ping=True,
                connect_args={"options": settings},
                isolation_level="READ COMMITTED",
            ),
        )
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="store")

    async def read(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self.engine.connect() as connection:
                return run(work, Tx(connection))
        except OperationalError as error:
            raise translated(error) from error
        except ApiError as error:
            if getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) != CANCELLED:
                raise
            raise too_slow(STATEMENT_LIMIT) from error

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        result, tx = await loop.run_in_executor(self._threads, self._write, work)
        for do in tx.after:
            do()
        if tx.signals:
            self._announce(tx.signals)
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
                result = run(work, tx)
                run_last(connection, [tx])
                if tx.signals:
                    # A payload has 8,000 bytes at the most, and a letter up to four.
                    said = [f"{self.sender} {topic}"[:1900] for topic in dict.fromkeys(tx.signals)]
                    connection.execute(_NOTIFY, {"channel": self.channel, "said": said})
                return result, tx
        except OperationalError as error:
            raise translated(error) from error

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
