"""Where clients that walk through results by scroll id stand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update

from taskyard.api.errors import INVALID_SCROLL_ID, ApiError
from taskyard.server.domain import search
from taskyard.server.domain.terms import Scroll
from taskyard.server.store.engine import Database, Tx, Work
from taskyard.server.store.tables import scrolls

T = TypeVar("T")

LIFETIME = 600_000_000
"""How long a position is kept after its last use, in microseconds."""


async def answer(control: Database, query: Mapping[str, Any], work: Work[T]) -> T:
    """Run what answers ``query``: in a writing transaction if it moves a scroll's position."""
    run = control.write if search.scrolls(query) else control.read
    return await run(work)


def position(tx: Tx, scroll: Scroll, what: str) -> tuple[str, int]:
    """The scroll's id, made if it is new, and how many results were seen.

    Raises ApiError(INVALID_SCROLL_ID) for an id that is unknown, expired, or of another walk
    than one through ``what``.
    """
    if not scroll.id:
        tx.execute(delete(scrolls).where(scrolls.c.expires < tx.now))
        made = uuid.uuid4().hex
        row = {"id": made, "expires": tx.now + LIFETIME, "doc": {"what": what, "seen": 0}}
        tx.execute(insert(scrolls).values(row))
        return made, 0
    found = tx.execute(
        select(scrolls.c.doc).where(scrolls.c.id == scroll.id, scrolls.c.expires >= tx.now)
    ).scalar()
    if found is None or found.get("what") != what:
        raise ApiError(
            INVALID_SCROLL_ID, scroll_id=scroll.id, hint="Start again without a scroll id."
        )
    return scroll.id, int(found["seen"])


def move(tx: Tx, id: str, what: str, seen: int) -> None:
    """Remember that ``seen`` results were delivered, and keep the scroll alive."""
    tx.execute(
        update(scrolls)
        .where(scrolls.c.id == id)
        .values(expires=tx.now + LIFETIME, doc={"what": what, "seen": seen})
    )
