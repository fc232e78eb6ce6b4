"""Where clients that leaf through samples stand: a small document for each, kept for a while."""

from __future__ import annotations

import uuid
from typing import TypeVar

import msgspec
from sqlalchemy import delete, select

from taskyard.api.errors import INVALID_SCROLL_ID, ApiError
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.telemetry_tables import insert_missing, scrolls

S = TypeVar("S", bound=msgspec.Struct)

LIFETIME = 600_000_000
"""How long a position is kept after its last use, in microseconds."""


def load(tx: Tx, id: str, kind: type[S]) -> S:
    """The position of a scroll. Raises ApiError(INVALID_SCROLL_ID): unknown, expired, another's."""
    query = select(scrolls.c.doc).where(scrolls.c.id == id, scrolls.c.expires >= tx.now)
    doc = tx.execute(query).scalar()
    try:
        if doc is not None and doc.pop("kind", "") == kind.__name__:
            return msgspec.convert(doc, kind)
    except msgspec.ValidationError:
        pass
    raise ApiError(INVALID_SCROLL_ID, scroll_id=id[:100], hint="Start again without a scroll id.")


def save(tx: Tx, id: str | None, position: msgspec.Struct) -> str:
    """Keep a position under its scroll's id, or a new one; gives the id."""
    id = id or uuid.uuid4().hex
    doc = {"kind": type(position).__name__, **msgspec.to_builtins(position)}
    tx.execute(delete(scrolls).where(scrolls.c.id == id))
    insert_missing(tx, scrolls, [{"id": id, "expires": tx.now + LIFETIME, "doc": doc}])
    return id
