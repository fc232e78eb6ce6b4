"""A full disk is said clearly, and forgotten as soon as there is room again."""

from __future__ import annotations

import asyncio
import errno
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from taskyard.client.session import Session
from taskyard.server.store.database import databases
from taskyard.server.store.database.engine import Tx
from tests.server.faults.process import PATIENCE, ServerProcess, server_process

MANY = 200
TEXT = "x" * 100_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(tmp_path / "data", disk="24m") as found:
        yield found


def fill(ballast: Path) -> None:
    """Leave nothing of the disk."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def refusal(session: Session, name: str, body: dict[str, Any]) -> ApiError:
    """What comes when the same is asked until it does not fit."""
    for _ in range(MANY):
        try:
            # Different each time, or it would be packed to nothing.
            session.raw(name, body | {"msg": secrets.token_hex(len(TEXT) // 2)})
        except ApiError as error:
            return error
    raise AssertionError(f"{name} was taken {MANY} times")


def test_a_full_disk_is_named_and_work_goes_on_once_there_is_room(server: ServerProcess) -> None:
    session = server.connect()
    task = session.raw("tasks.create", {"name": "before", "type": "testing"})["id"]
    ballast = server.seen_data / "ballast"
    fill(ballast)
    big = {"name": "big", "type": "testing", "comment": TEXT}
    printed = {"type": "log", "task": task}
    for name, body in (("tasks.create", big), ("events.add", printed)):
        error = refusal(session, name, body)
        assert (error.code, error.subcode) == (503, 1), error
        assert "space" in error.hint
    with pytest.raises(ApiError) as refused:
        session.put_file("a/b", b"x" * 1_000_000)
    assert refused.value.code == 503
    assert session.raw("tasks.get_by_id", {"task": task})["task"]["name"] == "before"

    ballast.unlink()

    made = session.raw("tasks.create", big)["id"]
    session.raw("events.add", printed | {"msg": "after"})
    session.put_file("a/b", b"content")
    assert session.raw("tasks.get_by_id", {"task": made})["task"]["comment"] == TEXT
    assert session.get_file("a/b") == b"content"
    assert "Traceback" not in server.log.read_text()


def test_of_those_who_share_a_commit_only_what_does_not_fit_is_lost(tmp_path: Path) -> None:
    async def together() -> list[int | BaseException]:
        database = databases.connect(f"sqlite:///{tmp_path / 'small.db'}", lambda _topics: None)
        begun, go = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        runs: list[Tx] = []

        def first(tx: Tx) -> int:
            runs.append(tx)
            loop.call_soon_threadsafe(begun.set)
            go.wait(PATIENCE)
            return insert(tx, 1)

        def insert(tx: Tx, size: int) -> int:
            put = "INSERT INTO t VALUES (randomblob(?))"
            return tx.connection.exec_driver_sql(put, (size,)).rowcount

        await database.write(lambda tx: tx.connection.exec_driver_sql("CREATE TABLE t (x)"))
        await database.write(
            lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count = 20").scalar()
        )
        shared = asyncio.ensure_future(database.write(first))
        await begun.wait()
        too_large = asyncio.ensure_future(database.write(lambda tx: insert(tx, 10_000_000)))
        await asyncio.sleep(0)
        go.set()
        found = await asyncio.gather(shared, too_large, return_exceptions=True)
        assert await database.write(lambda tx: insert(tx, 1)) == 1
        await asyncio.to_thread(database.close)
        assert len(runs) == 2, "it was undone with the other, and run again"
        return list(found)

    small, large = asyncio.run(together())
    assert small == 1
    assert isinstance(large, ApiError)
    assert large.kind == (503, 1)
