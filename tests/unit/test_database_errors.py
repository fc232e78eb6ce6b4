"""What callers hear when a database refuses a statement."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.store.database import databases
from taskyard.server.store.database.engine import Tx


def test_a_statement_that_asks_for_too_much_is_the_callers_fault(tmp_path: Path) -> None:
    def ask(tx: Tx) -> None:
        tx.connection.exec_driver_sql("SELECT " + "+".join("1" * 2000))

    database = databases.connect(f"sqlite:///{tmp_path}/some.db", lambda _topics: None)
    try:
        with pytest.raises(ApiError) as caught:
            asyncio.run(database.read(ask))
    finally:
        database.close()
    assert caught.value.kind == VALIDATION[:2]
