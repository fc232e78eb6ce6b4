"""Keeping what a transaction refers to from going away before it ends.

All of it is for PostgreSQL: on SQLite one writer comes after the other anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table, bindparam, select

from taskyard.server.store.database import locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import projects

_AT_ONCE = 5000
"""Ids in one statement: databases refuse more than some ten thousand."""

_PROJECT = Prepared(
    select(projects.c.company)
    .where(projects.c.id == bindparam("of_id"))
    .with_for_update(read=True, key_share=True)
)


def company_of_project(tx: Tx, project: str) -> str | None:
    """Whose a project is, which stays until the end; None when it is not there."""
    row = _PROJECT.first(tx, of_id=project)
    return None if row is None else str(row.company)


def known(tx: Tx, table: Table, ids: Iterable[str], company: str) -> set[str]:
    """Those of ``ids`` that the company can see a document of; they stay until the end."""
    query = select(table.c.id).where(
        table.c.id.in_(sorted(set(ids))), table.c.company.in_([company, ""])
    )
    held = query.order_by(table.c.id).with_for_update(read=True, key_share=True)
    return set(tx.execute(held).scalars())


def lock(tx: Tx, table: Table, ids: Iterable[str]) -> list[str]:
    """Hold several documents against other writers, in the one order that cannot deadlock.

    Gives the ids without repetition; unknown ones are among them.
    """
    wanted = sorted(set(ids))
    if tx.dialect == "postgresql":
        for start in range(0, len(wanted), _AT_ONCE):
            some = select(table.c.id).where(table.c.id.in_(wanted[start : start + _AT_ONCE]))
            tx.execute(some.order_by(table.c.id).with_for_update())
    return wanted


def hold_tree(tx: Tx, *, to_change: bool) -> None:
    """Have the names and places of projects stay as they are until the end.

    With ``to_change`` nobody else makes or moves projects meanwhile. It comes before all other
    locks, so that nobody waits for it who is waited for.
    """
    (locks.take if to_change else locks.share)(tx, "the tree of projects")
