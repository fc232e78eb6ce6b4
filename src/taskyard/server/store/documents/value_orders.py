"""Orders of tasks by a value inside their documents: a metric, or a parameter.

No index can be made beforehand for what tasks may come to report. So the values of those fields
that somebody ordered very many tasks by are kept here in order. The job ``indexing`` reads them
from all tasks once, and from changed ones later: what changed since is looked at in the tasks
themselves. Where the tables are missing they are made anew; they are no part of what is backed up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    insert,
    inspect,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from taskyard.server.domain import terms
from taskyard.server.store.database import locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import paging
from taskyard.server.store.documents.conditions import Dialect, Sql
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.tables import RowId, tasks

MANY = 10_000
"""Tasks: to order fewer, their documents are read each time."""

FIELDS = 20
"""How many fields are kept in order; beyond that, the one longest not asked for goes."""

RECENT = 2_000
"""Tasks that changed since the order was brought up to date: more are too many to look at."""

UNSEEN = {"sqlite": 2_000_000, "postgresql": 60_000_000}
"""Microseconds for which a change may not be visible yet, as its transaction goes on."""

DROPPED = ""
"""In the place of its company: a field whose values are to be deleted, a few at a time."""

ASKED_EVERY = 3_600_000_000
"""Microseconds: that somebody asked is noted no more often."""

metadata = MetaData()

ordered_fields = Table(
    "ordered_fields",
    metadata,
    Column("company", String, nullable=False),
    Column("field", String, nullable=False),
    UniqueConstraint("company", "field"),
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("asked", BigInteger, nullable=False),
    Column("walked", BigInteger),
    Column("walked_id", String, nullable=False, default=""),
    Column("seen", BigInteger, nullable=False),
    Column("seen_id", String, nullable=False, default=""),
)
"""``walked`` and ``walked_id`` are the last task of the first reading, by creation; no time when
it is done. Of tasks that changed, all up to ``seen`` and ``seen_id`` are in order."""

task_values = Table(
    "task_values",
    metadata,
    Column("task", String, ForeignKey(tasks.c.id, ondelete="CASCADE"), primary_key=True),
    Column("field", BigInteger, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("number", Float),
    Column("text", String, nullable=False),
    Index("task_values_order", "field", "rank", "number", "text"),
)
"""The values of fields, in the order of :meth:`Dialect.ranked`. Empty ones are left out."""

_values = task_values.c


def prepare(tx: Tx) -> None:
    """Make the tables where they are missing."""
    if not inspect(tx.connection).has_table(ordered_fields.name):
        metadata.create_all(tx.connection)


# --- which fields --------------------------------------------------------------------------


def path_of(query: terms.Query) -> terms.Path | None:
    """The field inside documents that a query orders by, if it orders by that alone."""
    if len(query.order) != 1 or query.by_score is not None:
        return None
    path = query.order[0].path
    return path if path[0] in ("last_metrics", "hyperparams") and len(path) > 1 else None


def is_wanted(tx: Tx, company: str, path: terms.Path) -> bool:
    """Whether :func:`keep` has something to do, as so many tasks are ordered by the field."""
    if (known := _field(tx, company, path)) is not None:
        return int(known.asked) < tx.now - ASKED_EVERY
    some = select(tasks.c.id).where(tasks.c.company == company).limit(MANY + 1).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar_one()) > MANY


def keep(tx: Tx, company: str, path: terms.Path) -> None:
    """Have a company's tasks be kept in the order of this field from soon on."""
    locks.take(tx, "value orders")
    if (known := _field(tx, company, path)) is not None:
        tx.execute(_change(known.id).values(asked=tx.now))
        return
    since = tx.now - UNSEEN[tx.dialect]
    row = {"company": company, "field": _name(path), "asked": tx.now, "walked": 0, "seen": since}
    tx.execute(insert(ordered_fields).values(row))
    by_age = ordered_fields.c.asked.desc(), ordered_fields.c.id.desc()
    wanted = select(ordered_fields.c.id).where(ordered_fields.c.company != DROPPED)
    for old in tx.execute(wanted.order_by(*by_age).offset(FIELDS)).scalars().all():
        tx.execute(_change(old).values(company=DROPPED, field=str(old)))


def _field(tx: Tx, company: str, path: terms.Path) -> Row[Any] | None:
    named = (ordered_fields.c.company == company, ordered_fields.c.field == _name(path))
    return tx.execute(select(ordered_fields).where(*named)).first()


def _name(path: terms.Path) -> str:
    """A path as text, where names may hold dots."""
    return "\n".join(path)


def _change(field: int) -> Any:
    return update(ordered_fields).where(ordered_fields.c.id == field)


# --- bringing up to date -------------------------------------------------------------------


def outdated(tx: Tx) -> Row[Any] | None:
    """A field with much to do: tasks to be put in order, or values to be deleted."""
    for field in tx.execute(select(ordered_fields)):
        if field.walked is not None or field.company == DROPPED:
            return field
        some = select(tasks.c.id).where(_changed(field)).limit(RECENT // 2 + 1).subquery()
        if int(tx.execute(select(func.count()).select_from(some)).scalar_one()) > RECENT // 2:
            return field
    return None


def _changed(field: Row[Any]) -> Sql:
    """Tasks that changed since a field's order was brought up to date."""
    here = tuple_(tasks.c.last_update, tasks.c.id) > tuple_(field.seen, field.seen_id)
    # The bare comparison is what an index of times can be used for.
    return and_(tasks.c.company == field.company, tasks.c.last_update >= field.seen, here)


def order_some(tx: Tx, limit: int) -> bool:
    """Put the values of some tasks in order; gives whether there are more to do."""
    if not locks.try_to_take(tx, "value orders") or (field := outdated(tx)) is None:
        return False
    if field.company == DROPPED:
        _drop(tx, field, limit)
        return True
    if field.walked is not None:
        _walk(tx, field, limit)
        return True
    changed = select(tasks.c.id, tasks.c.last_update).where(_changed(field))
    rows = tx.execute(changed.order_by(tasks.c.last_update, tasks.c.id).limit(limit)).all()
    _put(tx, field, [row.id for row in rows])
    # What is younger may still change places with something that nobody can see yet.
    until = max(field.seen, tx.now - UNSEEN[tx.dialect])
    more = len(rows) == limit and rows[-1].last_update < until
    at, id = (rows[-1].last_update, rows[-1].id) if more else (until, "")
    tx.execute(_change(field.id).values(seen=at, seen_id=id))
    return more


def _walk(tx: Tx, field: Row[Any], limit: int) -> None:
    """The first reading, in the order of creation."""
    after = tuple_(tasks.c.created, tasks.c.id) > tuple_(field.walked, field.walked_id)
    left = select(tasks.c.id, tasks.c.created).where(
        tasks.c.company == field.company, tasks.c.created >= field.walked, after
    )
    rows = tx.execute(left.order_by(tasks.c.created, tasks.c.id).limit(limit)).all()
    _put(tx, field, [row.id for row in rows])
    last = (rows[-1].created, rows[-1].id) if len(rows) == limit else (None, "")
    tx.execute(_change(field.id).values(walked=last[0], walked_id=last[1]))


def _drop(tx: Tx, field: Row[Any], limit: int) -> None:
    some = select(_values.task).where(_values.field == field.id).limit(limit)
    mine = (_values.field == field.id, _values.task.in_(some.scalar_subquery()))
    if tx.execute(delete(task_values).where(*mine)).rowcount < limit:
        tx.execute(delete(ordered_fields).where(ordered_fields.c.id == field.id))


def _put(tx: Tx, field: Row[Any], ids: Sequence[str]) -> None:
    tx.execute(delete(task_values).where(_values.field == field.id, _values.task.in_(ids)))
    dialect = Dialect(tx.dialect, TASK)
    present, *ranked = dialect.ranked(tuple(field.field.split("\n")))
    found = select(tasks.c.id, literal(field.id), *ranked).where(tasks.c.id.in_(ids), present)
    # Each row holds its task against deletion: in the one order that cannot deadlock.
    in_order = found.order_by(tasks.c.id)
    tx.execute(insert(task_values).from_select([c.name for c in _values], in_order))


# --- reading in order ----------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """An order that is kept, and the tasks whose place in it is not known yet."""

    field: int
    path: terms.Path
    recent: tuple[str, ...]


def kept(tx: Tx, company: str, path: terms.Path) -> Kept | None:
    """The order of a company's tasks by a field, if it can be relied on."""
    field = _field(tx, company, path)
    if field is None or field.walked is not None:
        return None
    recent = tx.execute(select(tasks.c.id).where(_changed(field)).limit(RECENT + 1)).scalars().all()
    return Kept(field.id, path, tuple(recent)) if len(recent) <= RECENT else None


def page(
    tx: Tx, order: Kept, condition: Sql, *, descending: bool, limit: int, offset: int
) -> list[str]:
    """The ids of a page of the tasks that meet ``condition``: those without a value come last.

    The condition must not lead to few tasks by an index: this tries task after task in order.
    """
    dialect = Dialect(tx.dialect, TASK)
    recent = dialect.among(tasks.c.id, order.recent, leading=True)
    present, *ranked = dialect.ranked(order.path)
    in_order = (
        select(_values.task, _values.rank, _values.number, _values.text)
        .join_from(task_values, tasks, tasks.c.id == dialect.opaque(_values.task))
        .where(_values.field == order.field, condition, ~recent)
    )
    first = _ordered(in_order, in_order.selected_columns, descending).limit(offset + limit)
    among = select(tasks.c.id.label("task"), *ranked).where(recent, condition, present)
    both = union_all(select(first.subquery()), select(among.subquery())).subquery()
    valued = _ordered(select(both.c.task), both.c, descending)
    has_value = exists(select(1).where(_values.task == tasks.c.id, _values.field == order.field))
    empty = or_(and_(recent, ~present), and_(~recent, ~has_value))
    rest = select(tasks.c.id).where(condition, empty).order_by(tasks.c.id)
    return paging.one_after_other(tx, valued, rest, limit=limit, offset=offset)


def _ordered(statement: Select[Any], of: Any, descending: bool) -> Select[Any]:
    terms_ = [of.rank, of.number, of.text]
    return statement.order_by(*((t.desc() if descending else t.asc()) for t in terms_), of.task)
