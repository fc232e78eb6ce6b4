"""Ids of other documents, replaced by those documents' names: what ``*_ex`` actions answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select

from taskyard.server.call import Call
from taskyard.server.domain.company import COMPANY_NAME
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import projections
from taskyard.server.store.documents.kinds import KINDS, Kind

Document = dict[str, Any]


def expand(
    tx: Tx,
    kind: Kind,
    call: Call | str,
    documents: Sequence[Document],
    only: Iterable[str] | None = None,
) -> None:
    """Replace ids of other documents in ``documents`` by objects, in place.

    An object has the id and the name, and what ``only`` names below the field
    (``parent.project.name``). An id that leads nowhere becomes an object with that id alone.
    """
    names = [name for name in only or () if not name.startswith("-")]
    company = call if isinstance(call, str) else call.company
    for path, target in kind.references.items():
        holders = [h for d in documents for h in _holders(d, path.split("."))]
        if not holders:
            continue
        below = [n[len(path) + 1 :] for n in names if n.startswith(path + ".")]
        found = _named(tx, target, company, {place[key] for place, key in holders}, below)
        for place, key in holders:
            place[key] = found.get(place[key]) or {"id": place[key]}


def _holders(place: Any, keys: list[str]) -> Iterator[tuple[Document, str]]:
    """Where ids stand: each the object that holds one, and its key."""
    if isinstance(place, list):
        for element in place:
            yield from _holders(element, keys)
    elif isinstance(place, dict):
        value = place.get(keys[0])
        if len(keys) > 1:
            yield from _holders(value, keys[1:])
        elif isinstance(value, str):
            yield place, keys[0]


def _named(
    tx: Tx, target: str, company: str, ids: set[str], below: list[str]
) -> dict[str, Document]:
    if target == "company":
        return {company: {"id": company, "name": COMPANY_NAME}}
    kind = KINDS[target]
    only = ["id", "name", *below]
    plan = projections.plan(kind, only)
    table = kind.table
    rows = tx.execute(
        select(*plan.select(kind)).where(
            table.c.id.in_(sorted(ids)), table.c.company.in_([company, ""])
        )
    )
    found = [plan.document(kind, row) for row in rows]
    if any("." in name or name in kind.references for name in below):
        expand(tx, kind, company, found, below)
    return {document["id"]: document for document in found}
