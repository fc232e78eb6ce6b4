"""What the reasons in ``domain/explain`` are drawn from: tasks, their queues, workers and runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from taskyard.api.explain import Explained
from taskyard.api.states import LIVE_ATTEMPT, SHOWN, AttemptState, Status
from taskyard.server.domain import explain as rules
from taskyard.server.domain import leases
from taskyard.server.domain.explain import Explanation, Serving, Waiting
from taskyard.server.domain.lifecycle import Standing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_entries
from taskyard.server.store.tables import attempts, entries, queues
from taskyard.server.store.tasks import task_status
from taskyard.server.store.workers import workers


def explain(tx: Tx, company: str, ids: Sequence[str]) -> list[Explained]:
    """Why each of the tasks is where it is, in the order given; unknown ones are left out."""
    standings = {task.id: task for task in task_status.standings(tx, company, ids)}
    waiting = [id for id, task in standings.items() if task.status == Status.QUEUED]
    running = [id for id, task in standings.items() if task.status == Status.IN_PROGRESS]
    places = _places(tx, waiting)
    serving = _serving(tx, company) if places else {}
    runs = _runs(tx, running)
    return [
        _explained(standings[id], places.get(id), serving, runs.get(id))
        for id in dict.fromkeys(ids)
        if id in standings
    ]


def _explained(
    task: Standing,
    place: tuple[str, Waiting] | None,
    serving: dict[str, list[Serving]],
    run: Row[Any] | None,
) -> Explained:
    queue, waiting = place or ("", None)
    workers_serving = serving.get(queue, [])
    steps = [] if run is None else run.doc.get("phases") or []
    step = steps[-1] if steps else {}
    preparing = run is not None and run.state != AttemptState.RUNNING and not run.plain
    found = rules.explain(task, waiting, workers_serving, step.get("name") if preparing else None)
    return Explained(
        task=task.id,
        state="preparing" if preparing else SHOWN[task.status],
        reason={"code": found.code, "text": found.text},
        hint=found.hint,
        queue=waiting.queue if waiting else None,
        position=waiting.position if waiting else None,
        length=waiting.length if waiting else None,
        workers_serving=[worker.worker for worker in workers_serving] if waiting else None,
        attempt=None if run is None else run.number,
        phase=step.get("name"),
        phase_started=step.get("started"),
    )


def _places(tx: Tx, ids: Sequence[str]) -> dict[str, tuple[str, Waiting]]:
    """Where waiting tasks stand: the queue's id, and what the rules need to know."""
    if not ids:
        return {}
    wanted = select(entries.c.queue).where(entries.c.task.in_(ids))
    found: dict[str, tuple[str, Waiting]] = {}
    for queue in tx.execute(select(queues).where(queues.c.id.in_(wanted))).all():
        order = select(entries.c.task, entries.c.due).where(entries.c.queue == queue.id)
        rows = tx.execute(order.order_by(*queue_entries.ORDER)).all()
        places = {row.task: (number, row.due) for number, row in enumerate(rows, 1)}
        for id in ids:
            if id in places:
                found[id] = (queue.id, _waiting(tx, queue, *places[id], len(rows)))
    return found


def _waiting(tx: Tx, queue: Row[Any], number: int, due: int, length: int) -> Waiting:
    note = (queue.doc.get("pause") or {}).get("reason") or ""
    left = max(1.0, (due - tx.now) / leases.SECOND) if due else 0.0
    return Waiting(queue.name, number, length, queue.paused, note, left)


def of_entries(
    tx: Tx, company: str, queue: Row[Any], rows: Sequence[Row[Any]], first: int, length: int
) -> dict[str, Explanation]:
    """Why the tasks of a part of a queue wait there, by task; ``first``: the place of the first of
    these entries, counted from 0."""
    if not rows:
        return {}
    tasks = [row.task for row in rows]
    standings = {task.id: task for task in task_status.standings(tx, company, tasks)}
    serving = _serving(tx, company).get(queue.id, [])
    return {
        row.task: rules.explain(
            standings[row.task], _waiting(tx, queue, number, row.due, length), serving
        )
        for number, row in enumerate(rows, first + 1)
        if row.task in standings
    }


def _serving(tx: Tx, company: str) -> dict[str, list[Serving]]:
    """The workers that serve each queue."""
    return {
        queue: [
            Serving(
                row.id,
                bool(row.task),
                (row.doc.get("order") or {}).get("kind") or "",
                row.doc.get("unfit") or "",
            )
            for row in rows
        ]
        for queue, rows in workers.by_queue(tx, company).items()
    }


def _runs(tx: Tx, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The runs that go on, by task."""
    query = select(attempts).where(attempts.c.task.in_(ids), attempts.c.state.in_(LIVE_ATTEMPT))
    return {row.task: row for row in tx.execute(query)} if ids else {}
