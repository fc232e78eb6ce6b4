"""Statements kept in the form a driver takes, on every driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.store.database import databases
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import metadata, queues

OURS = queues.c.company == bindparam("of_company")
FIND = Prepared(
    select(queues.c.id, queues.c.paused, queues.c.doc, queues.c.doc["tags"].label("tags"))
    .where(OURS)
    .order_by(queues.c.id)
)
ADD = Prepared(
    insert(queues).values(
        {
            name: bindparam(name)
            for name in ("id", "company", "name", "created", "last_update", "paused", "doc")
        }
    )
)
PAUSE = Prepared(update(queues).where(OURS).values(paused=bindparam("paused")))

Write = Callable[[Callable[[Tx], Any]], Any]


@pytest.fixture
def write(database_url: str) -> Iterator[Write]:
    """Run a function in a transaction of a database with the tables, on each driver."""
    database = databases.connect(database_url, lambda _topics: None)
    metadata.create_all(database.engine)
    yield lambda work: asyncio.run(database.write(work))
    database.close()


def add(tx: Tx, id: str, **others: Any) -> int:
    values = {"company": "c", "name": id, "created": 1, "last_update": 1, "paused": False}
    return ADD.run(tx, id=id, **values | {"doc": {}} | others)


def test_values_come_back_as_they_were_given(write: Write) -> None:
    write(lambda tx: add(tx, "a", paused=True, doc={"tags": ["x"], "more": {"n": 1}}))
    found = write(lambda tx: FIND.first(tx, of_company="c"))
    assert found._asdict() == {
        "id": "a",
        "paused": True,
        "doc": {"tags": ["x"], "more": {"n": 1}},
        "tags": ["x"],
    }


def test_every_row_comes_in_order(write: Write) -> None:
    write(lambda tx: [add(tx, id) for id in ("b", "a")])
    found = write(lambda tx: FIND.all(tx, of_company="c"))
    assert [row.id for row in found] == ["a", "b"]


def test_nothing_found_is_none(write: Write) -> None:
    assert write(lambda tx: FIND.first(tx, of_company="nobody")) is None


def test_a_change_says_how_many_rows_it_changed(write: Write) -> None:
    write(lambda tx: [add(tx, id) for id in ("a", "b")])
    assert write(lambda tx: PAUSE.run(tx, of_company="c", paused=True)) == 2


def test_a_refused_row_raises_what_other_statements_raise(write: Write) -> None:
    write(lambda tx: add(tx, "a"))
    with pytest.raises(IntegrityError):
        write(lambda tx: add(tx, "a"))


def test_what_failed_is_undone_with_its_transaction(write: Write) -> None:
    def fail(tx: Tx) -> None:
        add(tx, "a")
        raise LookupError

    with pytest.raises(LookupError):
        write(fail)
    assert write(lambda tx: FIND.all(tx, of_company="c")) == []


def test_a_value_no_database_takes_is_the_callers_fault(write: Write) -> None:
    with pytest.raises(ApiError) as caught:
        write(lambda tx: add(tx, "a", created=2**80))
    assert caught.value.kind == VALIDATION[:2]


def test_a_refusal_does_not_repeat_the_values(write: Write) -> None:
    write(lambda tx: add(tx, "a", name="quiet"))
    with pytest.raises(IntegrityError) as caught:
        write(lambda tx: add(tx, "a", doc={"password": "hunter2"}))
    assert "hunter2" not in str(caught.value)


def test_a_list_in_a_statement_is_refused(write: Write) -> None:
    listed = Prepared(select(queues.c.id).where(queues.c.id.in_(["a", "b"])))
    with pytest.raises(ValueError, match="length"):
        write(lambda tx: listed.all(tx))
