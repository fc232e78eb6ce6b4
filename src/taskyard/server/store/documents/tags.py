"""The tags that documents carry."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, select, true

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents.kinds import Kind

Field = Literal["tags", "system_tags"]


def distinct(tx: Tx, kind: Kind, field: Field, *where: ColumnElement[Any]) -> set[str]:
    """Every tag in ``field`` of the documents that meet the conditions."""
    doc = kind.table.c.doc
    if tx.dialect == "postgresql":
        stored = doc[field]
        safe = case((func.jsonb_typeof(stored) == "array", stored))
        each = func.jsonb_array_elements_text(safe).table_valued("value").render_derived()
    else:
        each = func.json_each(doc, f"$.{field}").table_valued("value")
    # A table function reads the row beside it: the join has nothing to compare.
    joined = kind.table.join(each, true())
    query = select(each.c.value).distinct().select_from(joined).where(*where)
    return set(tx.execute(query).scalars())
