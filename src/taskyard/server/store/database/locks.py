"""Locks by name, between the servers on one PostgreSQL; on SQLite there is one writer anyway."""

from __future__ import annotations

from sqlalchemy import text

from taskyard.server.store.database.engine import Tx

_TAKE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")
_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


def take(tx: Tx, name: str) -> None:
    """Have nobody else hold this name until the commit; waits for who holds it."""
    if tx.dialect == "postgresql":
        tx.execute(_TAKE, {"name": name})


def share(tx: Tx, name: str) -> None:
    """Have nobody take this name until the commit; any number may share it."""
    if tx.dialect == "postgresql":
        tx.execute(_SHARE, {"name": name})


def try_to_take(tx: Tx, name: str) -> bool:
    """As :func:`take`, but False at once when another holds it."""
    return tx.dialect != "postgresql" or bool(tx.execute(_TRY, {"name": name}).scalar())
