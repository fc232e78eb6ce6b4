"""Bringing a database's tables to this version's shape, by Alembic's migrations.

Alembic takes a quarter of a second to import, so it is asked only when there is work.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, String, column, inspect, select, table, text
from sqlalchemy.exc import DBAPIError

from taskyard.api.errors import STORE_UNAVAILABLE, ApiError
from taskyard.server.store.database.engine import Tx

HEADS = {"control": "0001", "telemetry": "0001"}
"""The newest migration of each database; a test holds it to the files."""

FOLDER = Path(__file__).parent / "migrations"
LOCK = 746573611
"""The advisory lock that a starting server holds: any number that is ours alone."""


def version_table(part: str) -> str:
    return f"{part}_version"


def upgrade(engine: Engine, part: str) -> None:
    """Apply the migrations of ``part`` (``control`` or ``telemetry``) that are missing.

    Raises ApiError(STORE_UNAVAILABLE) when the database cannot be reached.
    """
    try:
        if current(engine, part) == HEADS[part]:
            return
        _run_alembic(engine, part)
    except DBAPIError as error:
        words = str(error.orig).strip().splitlines()[0]
        raise ApiError(
            STORE_UNAVAILABLE, words, hint="Is the database running, and is its URL right?"
        ) from error


def current(engine: Engine, part: str) -> str | None:
    """The migration the database stands at; None for an empty one."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql" and part == "telemetry":
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS telemetry"))
            connection.commit()
        if version_table(part) not in inspect(connection).get_table_names():
            return None
        query = select(column("version_num", String)).select_from(table(version_table(part)))
        value = connection.execute(query).scalar()
        return None if value is None else str(value)


def alone(tx: Tx) -> None:
    """Have no other server on the database be in the same part of its start until the commit."""
    if tx.dialect == "postgresql":
        tx.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))


def _run_alembic(engine: Engine, part: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER / part).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        # Two servers that start together on one PostgreSQL must not migrate at once.
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
            connection.commit()
        config.attributes["connection"] = connection
        config.attributes["version_table"] = version_table(part)
        try:
            command.upgrade(config, "head")
            connection.commit()
        finally:
            if engine.dialect.name == "postgresql":
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
                connection.commit()
