"""Where clients that walk through results by scroll id stand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import delete, insert, or_, select

from taskyard.api.errors import INVALID_SCROLL_ID, ApiError
from taskyard.server.domain import search
from taskyard.server.domain.terms import Scroll
from taskyard.server.store.database.engine import Database, Tx, Work
from taskyard.server.store.tables import scrolls

T = TypeVar("T")

LIFETIME = 600_000_000
"""How long a position is kept after its last use, in microseconds."""


async def answer(control: Database, query: Mapping[str, Any], work: Work[T]) -> T:
    """Run what answers ``query``, and keep the position of its scroll if it has one.

    All is read before anything is written: a long search must not keep others from writing.
    """
    if not search.scrolls(query):
        return await control.read(work)

    def read(tx: Tx) -> tuple[T, list[Work[None]]]:
        return work(tx), [*tx.last.values()]

    found, put_off = await control.read(read)

    def write(tx: Tx) -> None:
        for do in put_off:
            do(tx)

    await control.write(write)
    return found


def position(tx: Tx, scroll: Scroll, what: str) -> tuple[str, int]:
    """The scroll's id, made up if it is new, and how many results were seen.

    Raises ApiError(INVALID_SCROLL_ID) for an id that is unknown, expired, or of another walk
    than one through ``what``.
    """
    if not scroll.id:
        return uuid.uuid4().hex, 0
    found = tx.execute(
        select(scrolls.c.doc).where(scrolls.c.id == scroll.id, scrolls.c.expires >= tx.now)
    ).scalar()
    if found is None or found.get("what") != what:
        raise ApiError(
            INVALID_SCROLL_ID, scroll_id=scroll.id, hint="Start again without a scroll id."
        )
    return scroll.id, int(found["seen"])


def move(tx: Tx, id: str, what: str, seen: int) -> None:
    """Have it remembered, at the end, that ``seen`` results were delivered."""
    tx.before_commit(f"scroll {id}", partial(_keep, id=id, what=what, seen=seen))


def _keep(tx: Tx, *, id: str, what: str, seen: int) -> None:
    tx.execute(delete(scrolls).where(or_(scrolls.c.id == id, scrolls.c.expires < tx.now)))
    row = {"id": id, "expires": tx.now + LIFETIME, "doc": {"what": what, "seen": seen}}
    tx.execute(insert(scrolls).values(row))
