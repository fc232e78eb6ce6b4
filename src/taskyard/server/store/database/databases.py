"""Which database an address names."""

from __future__ import annotations

from taskyard.server.store.database.engine import Announce, Database
from taskyard.server.store.database.postgres import PostgresDatabase
from taskyard.server.store.database.sqlite import SqliteDatabase


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
