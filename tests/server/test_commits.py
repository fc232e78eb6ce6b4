"""What a transaction puts off to its end is done in the same commit, and once for a group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from taskyard.server.store.database import databases
from taskyard.server.store.database.engine import Database, Tx


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = databases.connect(database_url, lambda _topics: None)
    with found.engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (word TEXT)"))
    yield found
    found.close()


def note(tx: Tx, word: str) -> None:
    tx.execute(text("INSERT INTO notes VALUES (:word)"), {"word": word})


def notes(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return list(connection.execute(text("SELECT word FROM notes")).scalars())


def test_what_is_put_off_is_done_last(database: Database) -> None:
    def work(tx: Tx) -> None:
        tx.before_commit("end", lambda last: note(last, "last"))
        note(tx, "first")

    asyncio.run(database.write(work))
    assert notes(database) == ["first", "last"]


def test_the_latest_of_one_name_is_done(database: Database) -> None:
    def work(tx: Tx) -> None:
        tx.before_commit("end", lambda last: note(last, "early"))
        tx.before_commit("end", lambda last: note(last, "late"))

    asyncio.run(database.write(work))
    assert notes(database) == ["late"]


def test_nothing_is_done_for_work_that_fails(database: Database) -> None:
    def work(tx: Tx) -> None:
        tx.before_commit("end", lambda last: note(last, "never"))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(database.write(work))
    assert notes(database) == []


def test_those_who_share_a_commit_do_it_once(tmp_path: Path) -> None:
    database = databases.connect(f"sqlite:///{tmp_path}/some.db", lambda _topics: None)

    def first(tx: Tx) -> None:
        tx.execute(text("CREATE TABLE notes (word TEXT)"))

    def work(tx: Tx) -> None:
        tx.before_commit("end", lambda last: note(last, "once"))

    async def together() -> None:
        # What is asked for in one turn of the loop waits while the first is under way, or is
        # there when the writer looks for more: either way it shares a commit.
        await asyncio.gather(database.write(first), *(database.write(work) for _ in range(50)))

    asyncio.run(together())
    written = len(notes(database))
    database.close()
    assert 1 <= written < 50


def test_rows_of_those_who_share_a_commit_are_added_together(tmp_path: Path) -> None:
    database = databases.connect(f"sqlite:///{tmp_path}/some.db", lambda _topics: None)
    batches: list[tuple[str, list[str]]] = []

    class Notes:
        def run_for_each(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
            batches.append((tx.dialect, [row["word"] for row in rows]))

    added = Notes()

    async def together() -> None:
        rows = [{"word": word} for word in ("one", "two", "three")]
        await asyncio.gather(
            *(database.write(partial(Tx.add_row, statement=added, values=row)) for row in rows)
        )

    asyncio.run(together())
    database.close()
    assert batches == [("sqlite", ["one", "two", "three"])]


def test_who_fails_after_a_change_leaves_nothing_and_takes_nothing_from_others(
    database: Database,
) -> None:
    def fails(tx: Tx) -> None:
        note(tx, "never")
        raise ValueError("no")

    async def together() -> list[BaseException | None]:
        works = [lambda tx: note(tx, "before"), fails, lambda tx: note(tx, "after")]
        return await asyncio.gather(*map(database.write, works), return_exceptions=True)

    before, failed, after = asyncio.run(together())
    assert (before, after) == (None, None)
    assert isinstance(failed, ValueError)
    assert sorted(notes(database)) == ["after", "before"]
