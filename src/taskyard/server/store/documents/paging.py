"""Pages of a list that is made of two: those with a value in order, then those without."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from taskyard.server.store.database.engine import Tx


def one_after_other(
    tx: Tx, first: Select[Any], rest: Select[Any], *, limit: int, offset: int
) -> list[str]:
    """A page of what ``first`` gives, followed by what ``rest`` gives: ids, both in order.

    The second is asked only where the first has no more, and the first is counted only where the
    page begins after its end.
    """
    found = list(tx.execute(first.limit(limit).offset(offset)).scalars())
    if len(found) == limit:
        return found
    passed = 0
    if not found and offset:
        count = select(func.count()).select_from(first.subquery())
        passed = offset - int(tx.execute(count).scalar_one())
    left = limit - len(found)
    return found + list(tx.execute(rest.limit(left).offset(passed)).scalars())
