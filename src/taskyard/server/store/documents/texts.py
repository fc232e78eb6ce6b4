"""An index of tasks by any piece of their text: what a search could be for, found among millions.

It gives candidates, which the query itself then judges; so it may hold too much, never too
little. Whoever changes a task only notes that; the job ``indexing`` brings the index up to date,
and until then such tasks are candidates of every query. It is made anew where it is missing, and
is no part of what is backed up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from msgspec import json
from sqlalchemy import (
    Column,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from taskyard.server.domain import needles, paths
from taskyard.server.domain.terms import Query
from taskyard.server.store.database import locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.documents.projections import plan
from taskyard.server.store.tables import RowId

log = logging.getLogger("taskyard.store")

MOST = 10_000
"""Candidates: where there are more, walking through tasks in the query's order finds enough."""

FEW = 1_000
"""Candidates: so few are best looked at one by one."""

MOST_TRIGRAMS = 24
"""Of one piece of text: so many rule out nearly all the others."""

metadata = MetaData()

task_texts = Table(
    "task_texts",
    metadata,
    Column("row", RowId, primary_key=True, autoincrement=True),
    Column("task", String, nullable=False, unique=True),
    Column("text", String, nullable=False),
)

changed_texts = Table(
    "changed_texts",
    metadata,
    Column("row", RowId, primary_key=True, autoincrement=True),
    Column("task", String, nullable=False),
)
"""Tasks that were made, changed or deleted since the index was brought up to date; a row for each
time, as a change that is under way must not be taken for one that is done."""

_SQLITE = (
    "CREATE VIRTUAL TABLE task_words USING fts5("
    "text, content='task_texts', content_rowid='row', tokenize='trigram', detail='none')",
    "CREATE TRIGGER task_texts_added AFTER INSERT ON task_texts BEGIN "
    "INSERT INTO task_words (rowid, text) VALUES (new.row, new.text); END",
    "CREATE TRIGGER task_texts_removed AFTER DELETE ON task_texts BEGIN "
    "INSERT INTO task_words (task_words, rowid, text) VALUES ('delete', old.row, old.text); END",
)
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
_POSTGRESQL = "CREATE INDEX task_words ON task_texts USING gin (text gin_trgm_ops)"


def prepare(tx: Tx) -> None:
    """Make the index where it is missing, and have every task put into it."""
    if inspect(tx.connection).has_table(changed_texts.name):
        return
    metadata.create_all(tx.connection)
    if tx.dialect == "sqlite":
        for statement in _SQLITE:
            tx.execute(text(statement))
    else:
        _index_on_postgresql(tx)
    known = select(TASK.table.c.id).order_by(TASK.table.c.created)
    tx.execute(insert(changed_texts).from_select(["task"], known))


def _index_on_postgresql(tx: Tx) -> None:
    try:
        with tx.connection.begin_nested():
            tx.execute(text(_EXTENSION))
            tx.execute(text(_POSTGRESQL))
    except DBAPIError as error:
        words = str(error.orig).splitlines()[0]
        log.warning("searching many tasks will be slow without the extension pg_trgm: %s", words)


_NOTE = Prepared(insert(changed_texts).values(task=bindparam("of_task")))


def note(tx: Tx, task: str) -> None:
    """Remember that a task's text is not what the index says."""
    tx.add_row(_NOTE, {"of_task": task})


def candidates(tx: Tx, query: Query) -> list[str] | None:
    """All tasks that the query can match; None when there are many, or no saying."""
    groups = [group for group in needles.of(query) if not any("\0" in piece for piece in group)]
    if not groups:
        return None
    # What is changed is looked at first: what leaves it meanwhile is then seen in the index.
    found = list(tx.execute(select(changed_texts.c.task).limit(MOST + 1)).scalars())
    if len(found) > MOST:
        return None
    indexed = _with_text(tx, groups)
    if indexed is None or len(found) + len(indexed) > MOST:
        return None
    return [*found, *indexed]


def _with_text(tx: Tx, groups: Sequence[tuple[str, ...]]) -> Sequence[str] | None:
    """The tasks that the index finds; None when they are too many to be of use."""
    if tx.dialect == "sqlite":
        words = {"wanted": " AND ".join(map(_any_of, groups)), "most": MOST + 1}
        rows = list(tx.execute(_ROWS, words).scalars())
        return _names(tx, rows) if len(rows) <= MOST else None
    query = select(task_texts.c.task)
    for group in groups:
        holding = [task_texts.c.text.contains(piece, autoescape=True) for piece in group]
        query = query.where(or_(*holding))
    # PostgreSQL would find all of them before it gives the first.
    if _expected(tx, query) > 2 * MOST:
        return None
    found = tx.execute(query.limit(MOST + 1)).scalars().all()
    return found if len(found) <= MOST else None


def _expected(tx: Tx, query: Select[Any]) -> int:
    """How many rows PostgreSQL expects a query to give."""
    compiled = query.compile(dialect=tx.connection.dialect)
    plan_of = f"EXPLAIN (FORMAT JSON) {compiled}"
    (root,) = tx.connection.exec_driver_sql(plan_of, dict(compiled.params)).scalar_one()
    return int(root["Plan"]["Plan Rows"])


_ROWS = text("SELECT rowid FROM task_words WHERE task_words MATCH :wanted LIMIT :most")


def _names(tx: Tx, rows: Sequence[int]) -> Sequence[str]:
    given = func.json_each(json.encode(rows).decode()).table_valued("value")
    named = select(task_texts.c.task).where(task_texts.c.row.in_(select(given.c.value)))
    return tx.execute(named).scalars().all()


def _any_of(pieces: Sequence[str]) -> str:
    """What the index is asked for texts with one of these pieces, or more than those."""
    return "(" + " OR ".join(map(_all_trigrams, pieces)) + ")"


def _all_trigrams(piece: str) -> str:
    trigrams = dict.fromkeys(piece[at : at + 3] for at in range(len(piece) - 2))
    quoted = ['"' + trigram.replace('"', '""') + '"' for trigram in trigrams]
    return "(" + " AND ".join(quoted[:MOST_TRIGRAMS]) + ")"


def outdated(tx: Tx) -> bool:
    """Whether tasks have changed that are not indexed anew."""
    return tx.execute(select(changed_texts.c.row).limit(1)).first() is not None


def index_some(tx: Tx, limit: int) -> int:
    """Bring the index up to date for some of the changed tasks; gives how many changes that was."""
    if not locks.try_to_take(tx, "texts"):
        return 0
    query = select(changed_texts).order_by(changed_texts.c.row).limit(limit)
    changes = {row.row: row.task for row in tx.execute(query)}
    if not changes:
        return 0
    ids = set(changes.values())
    shown = plan(TASK, [*needles.FIELDS, "tags", "hyperparams"])
    rows = tx.execute(select(*shown.select(TASK)).where(TASK.table.c.id.in_(ids)))
    made = []
    for row in rows:
        document = shown.document(TASK, row)
        fields = {field: paths.at(document, field) for field in needles.FIELDS}
        held = {name: document.get(name) for name in ("tags", "hyperparams")}
        made.append({"task": document["id"], "text": needles.text_of(fields | held)})
    tx.execute(delete(task_texts).where(task_texts.c.task.in_(ids)))
    if made:
        tx.execute(insert(task_texts), made)
    tx.execute(delete(changed_texts).where(changed_texts.c.row.in_(changes)))
    return len(changes)
