"""Which database an address names."""

from __future__ import annotations

from taskyard.server.store.engine import Announce, Database
from taskyard.server.store.postgres import PostgresDatabase
from taskyard.server.store.sqlite import SqliteDatabase


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
