"""Queues and their entries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Row,
    bindparam,
    delete,
    select,
)

from taskyard.api.errors import (
    DATA_VALIDATION,
    INVALID_QUEUE_ID,
    NO_DEFAULT_QUEUE,
    NOT_UNIQUE,
    READ_ONLY,
    SEVERAL_DEFAULT_QUEUES,
    ApiError,
)
from taskyard.server.domain.company import COMPANY
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import QUEUE
from taskyard.server.store.tables import entries, queue_samples, queue_waits, queues

DEFAULT_TAG = "default"
"""The system tag of the queue that is used when none is named."""

SHORTEST_NAME = 3


_OURS = queues.c.company == bindparam("of_company")
_BY_ID = Prepared(select(queues).where(queues.c.id == bindparam("of_queue")))
_BY_NAME = Prepared(select(queues).where(_OURS, queues.c.name == bindparam("name")))


def ensure_defaults(tx: Tx) -> None:
    """Make the queues ``default`` and ``services`` on the very first start."""
    if tx.execute(select(queues.c.id).where(queues.c.company == COMPANY).limit(1)).first():
        return
    create(tx, COMPANY, "", "default", system_tags=[DEFAULT_TAG])
    create(tx, COMPANY, "", "services")


def create(tx: Tx, company: str, user: str, name: str, **fields: Any) -> str:
    """Make a queue; gives its id. ``fields`` may hold tags, system_tags, display_name, metadata.

    Raises ApiError: DATA_VALIDATION for a bad name, NOT_UNIQUE for one that is taken.
    """
    name = checked_name(tx, company, name)
    id = uuid.uuid4().hex
    documents.insert(
        tx,
        QUEUE,
        {
            "id": id,
            "company": company,
            "user": user,
            "name": name,
            "created": tx.now,
            "last_update": tx.now,
            "tags": [],
            "system_tags": [],
            **{key: value for key, value in fields.items() if value is not None},
        },
    )
    tx.signal("queues")
    return id


def ensure(tx: Tx, company: str, user: str, name: str) -> str:
    """The id of the queue of this name, which is made if there is none. Raises as create."""
    if known := by_name(tx, company, name.strip()):
        return known
    # Another server may make the same queue in the same moment.
    savepoint = tx.connection.begin_nested()
    try:
        made = create(tx, company, user, name)
    except ApiError as error:
        savepoint.rollback()
        known = by_name(tx, company, name.strip())
        if error.kind != NOT_UNIQUE[:2] or known is None:
            raise
        return known
    savepoint.commit()
    return made


def checked_name(tx: Tx, company: str, name: str, *, besides: str | None = None) -> str:
    """The name without blanks around it, provided that a queue may have it."""
    name = name.strip()
    if len(name) < SHORTEST_NAME:
        raise ApiError(
            DATA_VALIDATION,
            "a queue's name has three characters at least",
            field="name",
            value=name,
        )
    if _looks_like_id(name):
        raise ApiError(
            DATA_VALIDATION,
            "a queue's name cannot look like an id",
            field="name",
            value=name,
            hint="Agents take 30 and more hexadecimal digits for an id.",
        )
    taken = select(queues.c.id).where(queues.c.company == company, queues.c.name == name)
    found = tx.execute(taken).scalar()
    if found is not None and found != besides:
        raise ApiError(NOT_UNIQUE, "a queue of this name exists", name=name)
    return name


def _looks_like_id(name: str) -> bool:
    return len(name) >= 30 and all(c in "-0123456789abcdef" for c in name)


def row(tx: Tx, company: str, queue: str, *, for_write: bool = False) -> Row[Any]:
    """A queue's columns. Raises ApiError: INVALID_QUEUE_ID, READ_ONLY for writing a public one."""
    found: Row[Any] | None = _BY_ID.first(tx, of_queue=queue)
    if found is None or found.company not in {company, ""}:
        raise ApiError(INVALID_QUEUE_ID, id=queue)
    if for_write and found.company != company:
        raise ApiError(READ_ONLY, id=queue)
    return found


def check_ids(tx: Tx, company: str, ids: Sequence[str]) -> None:
    """Raise ApiError(INVALID_QUEUE_ID) that names those of ``ids`` that are no queues."""
    known = set(
        tx.execute(
            select(queues.c.id).where(queues.c.id.in_(ids), queues.c.company.in_([company, ""]))
        ).scalars()
    )
    if unknown := [id for id in ids if id not in known]:
        raise ApiError(INVALID_QUEUE_ID, ids=unknown)


def resolve(tx: Tx, company: str, words: Sequence[str]) -> list[Row[Any] | None]:
    """The queue each word means, by id or by name, in the order given; None where there is none."""
    return [_meant(tx, company, word) for word in words]


def _meant(tx: Tx, company: str, word: str) -> Row[Any] | None:
    """The company's queue of that id, else the one of that name."""
    found: Row[Any] | None = _BY_ID.first(tx, of_queue=word)
    if found is None or found.company != company:
        found = _BY_NAME.first(tx, of_company=company, name=word)
    return found


def all_ids(tx: Tx, company: str) -> list[str]:
    """Every queue a company can see, in order of name."""
    query = select(queues.c.id).where(queues.c.company.in_([company, ""]))
    return list(tx.execute(query.order_by(queues.c.name, queues.c.id)).scalars())


def by_name(tx: Tx, company: str, name: str) -> str | None:
    """The id of the queue of that name."""
    found = _BY_NAME.first(tx, of_company=company, name=name)
    return None if found is None else str(found.id)


def default(tx: Tx, company: str) -> tuple[str, str]:
    """Id and name of the default queue. Raises ApiError: none or several carry its tag."""
    found = [
        queue
        for queue in tx.execute(
            select(queues.c.id, queues.c.name, queues.c.doc["system_tags"].label("tags"))
            .where(queues.c.company.in_([company, ""]))
            .order_by(queues.c.name)
        )
        if DEFAULT_TAG in (queue.tags or ())
    ]
    if not found:
        raise ApiError(NO_DEFAULT_QUEUE, hint="Give one queue the system tag 'default'.")
    if len(found) > 1:
        raise ApiError(SEVERAL_DEFAULT_QUEUES, queues=[queue.name for queue in found])
    return found[0].id, found[0].name


def hold(tx: Tx, queue: str) -> None:
    """Have no task enter a queue until the end of the transaction; wait for those on their way."""
    tx.execute(select(queues.c.id).where(queues.c.id == queue).with_for_update())


def drop(tx: Tx, queue: str) -> bool:
    """Delete a queue that holds nothing any more. False when another just did."""
    tx.execute(delete(entries).where(entries.c.queue == queue))
    tx.execute(delete(queue_samples).where(queue_samples.c.queue == queue))
    tx.execute(delete(queue_waits).where(queue_waits.c.queue == queue))
    tx.signal("queues")
    return bool(tx.execute(delete(queues).where(queues.c.id == queue)).rowcount)
