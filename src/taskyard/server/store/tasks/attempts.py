"""Attempts as rows: opening, renewing and closing runs of tasks.

The newest row of a task is the only one that may still say something about it. Who hands runs
out and takes them back is in ``leasing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from taskyard.api.errors import STALE_ATTEMPT, ApiError
from taskyard.api.states import LIVE_ATTEMPT, AttemptState, Status
from taskyard.server.domain.leases import LEASE_SPAN, PLAIN_SPAN
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.prepared import Prepared
from taskyard.server.store.tables import attempts

LIVE = sorted(LIVE_ATTEMPT)


_NEWEST = Prepared(
    select(attempts)
    .where(attempts.c.task == bindparam("of_task"))
    .order_by(attempts.c.number.desc())
    .limit(1)
    .with_for_update()
)


_HERE = (attempts.c.task == bindparam("of_task"), attempts.c.number == bindparam("of_number"))
_ONE = Prepared(select(attempts).where(*_HERE).with_for_update())
_OPEN = Prepared(
    insert(attempts).values(
        {
            name: bindparam(name)
            for name in (
                "task",
                "number",
                "company",
                "worker",
                "queue",
                "state",
                "priority",
                "deadline",
                "taken",
                "retries",
                "plain",
                "doc",
            )
        }
    )
)


def latest(tx: Tx, task: str) -> Row[Any] | None:
    """The newest attempt of a task, if it ever had one."""
    found: Row[Any] | None = _NEWEST.first(tx, of_task=task)
    return found


def live(tx: Tx, task: str) -> Row[Any] | None:
    """The attempt that holds a task now."""
    row = latest(tx, task)
    return row if row is not None and row.state in LIVE_ATTEMPT else None


def current(tx: Tx, task: str, number: int) -> Row[Any]:
    """The attempt ``number``, provided that it is the newest and the task was not reset since.

    Raises ApiError(STALE_ATTEMPT).
    """
    row = latest(tx, task)
    if row is None or row.number != number or row.doc.get("superseded"):
        raise stale(task, number, None if row is None else row.number)
    return row


def stale(task: str, number: int, newest: int | None) -> ApiError:
    """The refusal of a report on an attempt that is out of date."""
    return ApiError(
        STALE_ATTEMPT,
        task=task,
        attempt=number,
        current=newest,
        hint="The task was reset or taken over meanwhile; end this run and forget it.",
    )


def open_attempt(
    tx: Tx,
    task: str,
    number: int,
    *,
    company: str,
    worker: str,
    queue: str | None,
    priority: int,
    retries: int,
    plain: bool = False,
) -> int:
    """Begin attempt ``number`` of a task, with its lease; gives the deadline."""
    deadline = tx.now + (PLAIN_SPAN if plain else LEASE_SPAN)
    _OPEN.run(
        tx,
        task=task,
        number=number,
        company=company,
        worker=worker,
        queue=queue,
        state=AttemptState.LEASED,
        priority=priority,
        deadline=deadline,
        taken=tx.now,
        retries=retries,
        plain=plain,
        doc={},
    )
    return deadline


def renew(tx: Tx, row: Row[Any], **changes: Any) -> int:
    """Prolong an attempt's lease by its full length from now; gives the new deadline."""
    deadline = tx.now + LEASE_SPAN
    state = AttemptState.PREPARING if row.state == AttemptState.LEASED else row.state
    write(tx, row, **{"state": state, "deadline": deadline} | changes)
    return deadline


def write(tx: Tx, row: Row[Any], **changes: Any) -> None:
    """Change columns of one attempt."""
    _writing(*sorted(changes)).run(tx, of_task=row.task, of_number=row.number, **changes)


@cache
def _writing(*columns: str) -> Prepared:
    return Prepared(
        update(attempts).where(*_HERE).values({name: bindparam(name) for name in columns})
    )


def close(
    tx: Tx,
    row: Row[Any],
    state: AttemptState,
    *,
    cause: str | None = None,
    exit_code: int | None = None,
    **notes: Any,
) -> None:
    """End an attempt. ``notes`` go into its document."""
    write(
        tx,
        row,
        state=state,
        ended=tx.now,
        deadline=None,
        cause=cause,
        exit_code=exit_code,
        doc={**row.doc, **notes},
    )
    tx.signal(f"worker:{row.worker}")


_ENDS = {
    Status.COMPLETED: AttemptState.COMPLETED,
    Status.FAILED: AttemptState.FAILED,
    Status.PUBLISHED: AttemptState.COMPLETED,
}


def follow(tx: Tx, task: str, status: Status) -> None:
    """Bring the live attempt of a task in line with a status that somebody gave the task.

    A draft or a queued task has no run: the attempt is over and its agent will learn it. Other
    changes are left to the agent that holds the lease; where there is none to speak for the
    attempt, the status speaks.
    """
    row = live(tx, task)
    if row is None:
        return
    if status in {Status.CREATED, Status.QUEUED}:
        close(tx, row, AttemptState.STOPPED, superseded=True)
    elif not row.plain:
        tx.signal(f"worker:{row.worker}")
    elif status == Status.IN_PROGRESS:
        if row.state != AttemptState.RUNNING:
            write(tx, row, state=AttemptState.RUNNING, deadline=None, started=tx.now)
    else:
        close(tx, row, _ENDS.get(status, AttemptState.STOPPED))


def due(tx: Tx, *, limit: int = 200) -> Sequence[tuple[str, int]]:
    """Task and number of live attempts past their deadline, the longest overdue first."""
    query = (
        select(attempts.c.task, attempts.c.number)
        .where(attempts.c.state.in_(LIVE), attempts.c.deadline < tx.now)
        .order_by(attempts.c.deadline)
        .limit(limit)
    )
    return [(row.task, row.number) for row in tx.execute(query)]


def extend_all(tx: Tx) -> int:
    """Give every live lease its full length from now: for a server that was away itself."""
    result = tx.execute(
        update(attempts)
        .where(
            attempts.c.state.in_(LIVE),
            attempts.c.plain.is_(False),
            attempts.c.deadline < tx.now + LEASE_SPAN,
        )
        .values(deadline=tx.now + LEASE_SPAN)
    )
    return result.rowcount


def held(tx: Tx, pairs: Iterable[tuple[str, int]]) -> list[Row[Any]]:
    """The attempts named, those that exist, locked in one order."""
    found = (_ONE.first(tx, of_task=task, of_number=n) for task, n in sorted(set(pairs)))
    return [row for row in found if row is not None]


def living(tx: Tx, tasks: Sequence[str]) -> set[tuple[str, int]]:
    """Task and number of the live attempts of these tasks."""
    query = select(attempts.c.task, attempts.c.number).where(
        attempts.c.task.in_(tasks), attempts.c.state.in_(LIVE)
    )
    return {(row.task, row.number) for row in tx.execute(query)} if tasks else set()


def of_task(tx: Tx, task: str) -> Sequence[Row[Any]]:
    """All attempts of a task, the first one first."""
    return tx.execute(
        select(attempts).where(attempts.c.task == task).order_by(attempts.c.number)
    ).all()


def by_worker(tx: Tx, company: str, worker: str) -> Sequence[Row[Any]]:
    """The live attempts a worker holds, the oldest first."""
    return tx.execute(
        select(attempts)
        .where(
            attempts.c.worker == worker,
            attempts.c.state.in_(LIVE),
            attempts.c.company == company,
        )
        .order_by(attempts.c.taken, attempts.c.task)
    ).all()


def forget(tx: Tx, tasks: Sequence[str]) -> None:
    """Delete the attempts of tasks that are deleted."""
    tx.execute(delete(attempts).where(attempts.c.task.in_(tasks)))
