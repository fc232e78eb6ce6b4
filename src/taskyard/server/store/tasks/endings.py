"""Taking runs back: as their agent says, as the reaper judges when nobody says anything, or on
again when the agent turns up in time. Attempt, queue and task change in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, select

from taskyard.api.errors import NO_DEFAULT_QUEUE, SEVERAL_DEFAULT_QUEUES, ApiError, Cause
from taskyard.api.states import LIVE_ATTEMPT, AttemptState, Status
from taskyard.server.domain import leases
from taskyard.server.domain.lifecycle import STOPPING, Standing
from taskyard.server.domain.retry import Policy, policy_of
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.queues import queue_entries, queues
from taskyard.server.store.tables import tasks
from taskyard.server.store.tasks import attempts, task_status

Outcome = Literal["completed", "failed", "stopped", "returned"]
Next = Literal["done", "requeued"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, in its agent's words."""

    outcome: Outcome
    cause: str | None = None
    message: str = ""
    hint: str = ""
    exit_code: int | None = None


def finish(
    tx: Tx, company: str, task_id: str, number: int, ending: Ending, by: str
) -> tuple[str, Next]:
    """End an attempt as its agent says; gives the task's status and whether it runs again.

    The same ending said twice is answered as the first time. Raises ApiError: INVALID_TASK_ID,
    STALE_ATTEMPT.
    """
    task = task_status.standing(tx, company, task_id)
    row = attempts.current(tx, task_id, number)
    if row.state not in LIVE_ATTEMPT:
        if row.doc.get("outcome") == ending.outcome:
            return task.status, "requeued" if row.doc.get("requeued") else "done"
        adopted = _adopt(tx, task, row)
        if adopted is None:
            raise attempts.stale(task_id, number, row.number)
        task, row = adopted
    if task.status != Status.IN_PROGRESS:
        # Somebody gave the task its final status while the run went on: that one stays.
        _close(tx, row, AttemptState(_STATE[ending.outcome]), ending)
        return task.status, "done"
    if ending.outcome == "returned" and STOPPING not in task.status_message:
        return _give_back(tx, task, row, ending, by)
    if ending.outcome == "failed" and STOPPING not in task.status_message:
        return _fail(tx, task, row, ending, by)
    status = Status.COMPLETED if ending.outcome == "completed" else Status.STOPPED
    _close(tx, row, AttemptState(_STATE[str(status)]), ending)
    task_status.move(
        tx,
        task,
        status,
        follow=False,
        by=by,
        reason=_reason(task, ending),
        message=_words(ending) if status == Status.STOPPED else ending.message,
    )
    return status, "done"


_STATE: dict[str, AttemptState] = {
    "completed": AttemptState.COMPLETED,
    "failed": AttemptState.FAILED,
    "stopped": AttemptState.STOPPED,
    "returned": AttemptState.RETURNED,
}


def _reason(task: Standing, ending: Ending) -> str:
    if STOPPING in task.status_message:
        return task.status_reason or Cause.ABORTED
    return ending.cause or ""


def _words(ending: Ending) -> str:
    message = ending.message
    if not message and ending.exit_code is not None:
        message = f"exit code {ending.exit_code}"
    return "\n".join(part for part in (message, ending.hint) if part)


def _close(
    tx: Tx, row: Row[Any], state: AttemptState, ending: Ending, *, requeued: bool = False
) -> None:
    attempts.close(
        tx,
        row,
        state,
        cause=ending.cause,
        exit_code=ending.exit_code,
        # The outcome is what the agent said; of a lost run it may still say another.
        outcome=None if state == AttemptState.LOST else ending.outcome,
        message=ending.message,
        hint=ending.hint,
        requeued=requeued,
    )


def _give_back(
    tx: Tx, task: Standing, row: Row[Any], ending: Ending, by: str | None
) -> tuple[str, Next]:
    _close(tx, row, AttemptState.RETURNED, ending, requeued=True)
    words = ending.message or f"given back by {row.worker}"
    return _requeue(tx, task, row, row.retries, reason=words, message="", by=by)


def give_back_unbegun(tx: Tx, company: str, worker: str, by: str) -> None:
    """Return to their queues the tasks that a worker took and never spoke of: it is leaving."""
    for row in attempts.by_worker(tx, company, worker):
        task = task_status.find_standing(tx, row.task)
        begun = row.plain or row.state != AttemptState.LEASED
        if not begun and task is not None and task.status == Status.IN_PROGRESS:
            _give_back(tx, task, row, Ending("returned"), by)


def _fail(
    tx: Tx, task: Standing, row: Row[Any], ending: Ending, by: str | None
) -> tuple[str, Next]:
    cause = ending.cause or Cause.USER_CODE
    policy = retry_policy(tx, task.id)
    again = policy.allows(cause, row.retries)
    # Lost is what nobody told the end of, and may come back: not what its agent calls so.
    silent = cause == Cause.WORKER_LOST and ending.exit_code is None
    state = AttemptState.LOST if silent else AttemptState.FAILED
    _close(
        tx,
        row,
        state,
        Ending(ending.outcome, str(cause), ending.message, ending.hint, ending.exit_code),
        requeued=again,
    )
    if again:
        text = f"attempt {row.number} failed: {cause}"
        pause = policy.pause(row.retries)
        due = tx.now + round(pause * leases.SECOND) if pause else 0
        words = _words(ending)
        return _requeue(tx, task, row, row.retries + 1, reason=text, message=words, by=by, due=due)
    task_status.move(
        tx, task, Status.FAILED, follow=False, by=by, reason=str(cause), message=_words(ending)
    )
    return Status.FAILED, "done"


def retry_policy(tx: Tx, task: str) -> Policy:
    """The retry policy of a task."""
    given = tx.execute(select(tasks.c.doc["retry"]).where(tasks.c.id == task)).scalar()
    return policy_of({"retry": given})


def _requeue(
    tx: Tx,
    task: Standing,
    row: Row[Any],
    retries: int,
    *,
    reason: str,
    message: str,
    by: str | None,
    due: int = 0,
) -> tuple[str, Next]:
    """Put a task whose attempt is closed at the front of the queue it came from."""
    queue = _home(tx, task.company, row.queue)
    if queue is None:
        text = "its queue was deleted while it ran, and there is no default queue"
        task_status.move(tx, task, Status.FAILED, follow=False, by=by, reason=reason, message=text)
        return Status.FAILED, "done"
    task_status.move(
        tx,
        task,
        Status.QUEUED,
        follow=False,
        by=by,
        reason=reason,
        message=message,
        force=True,
        also={"queue": queue},
    )
    queue_entries.remove_everywhere(tx, task.id)
    queue_entries.push(
        tx, queue, task.id, priority=row.priority, retries=retries, front=True, due=due
    )
    return Status.QUEUED, "requeued"


def _home(tx: Tx, company: str, queue: str | None) -> str | None:
    if queue is not None and queues.resolve(tx, company, [queue])[0] is not None:
        return queue
    try:
        return queues.default(tx, company)[0]
    except ApiError as error:
        if error.kind in {NO_DEFAULT_QUEUE[:2], SEVERAL_DEFAULT_QUEUES[:2]}:
            return None
        raise


# Leases that ran out


def lapse(tx: Tx, task_id: str, number: int) -> AttemptState | None:
    """Judge one attempt that is past its deadline; None when it no longer is."""
    task = task_status.find_standing(tx, task_id)
    row = attempts.latest(tx, task_id)
    if row is None or row.number != number or row.state not in LIVE_ATTEMPT:
        return None
    if row.deadline is None or row.deadline >= tx.now:
        return None
    if task is None:
        attempts.forget(tx, [task_id])
        return AttemptState.LOST
    verdict = leases.lapsed(
        AttemptState(row.state),
        row.plain,
        task.status,
        task.status_message,
        retry_policy(tx, task_id),
        row.retries,
    )
    _carry_out(tx, task, row, verdict)
    return verdict.attempt


def _carry_out(tx: Tx, task: Standing, row: Row[Any], verdict: leases.Lapse) -> None:
    if verdict.task in {"fail", "requeue"}:
        _fail(tx, task, row, _lost(row), None)
        return
    requeued = verdict.task == "requeue unspent"
    if row.plain and queue_entries.queues_of(tx, task.id):
        requeued = False
    attempts.close(
        tx, row, verdict.attempt, cause=Cause.WORKER_LOST, requeued=requeued, message=_silence(row)
    )
    if requeued:
        reason = f"{row.worker or 'the worker'} took the task and was not heard of again"
        _requeue(tx, task, row, row.retries, reason=reason, message="", by=None)
    elif verdict.task == "stop":
        task_status.move(
            tx,
            task,
            Status.STOPPED,
            follow=False,
            by=None,
            reason=task.status_reason or Cause.ABORTED,
            message=f"{_silence(row)} after the task was asked to stop",
        )


def _silence(row: Row[Any]) -> str:
    return f"worker {row.worker} fell silent"


def _lost(row: Row[Any]) -> Ending:
    return Ending(
        "failed",
        Cause.WORKER_LOST,
        _silence(row),
        "Look at that machine and its agent; set a retry policy to have tasks run again.",
    )


def adopt(tx: Tx, task_id: str, number: int) -> Row[Any] | None:
    """Give a run that was given up back to its agent, if nothing has happened since.

    The attempt is live again, with a new lease, and its task in progress. None when it is too
    late.
    """
    task = task_status.find_standing(tx, task_id)
    row = attempts.latest(tx, task_id)
    if task is None or row is None or row.number != number:
        return None
    if row.state in LIVE_ATTEMPT:
        return row
    adopted = _adopt(tx, task, row)
    return None if adopted is None else adopted[1]


def _adopt(tx: Tx, task: Standing, row: Row[Any]) -> tuple[Standing, Row[Any]] | None:
    given_up = row.doc.get("outcome") != "returned" and not row.doc.get("superseded")
    waiting = bool(queue_entries.queues_of(tx, task.id))
    state = AttemptState(row.state)
    if not given_up or not leases.may_adopt(state, task.status, waiting, task.status_reason):
        return None
    queue_entries.remove_everywhere(tx, task.id)
    ending = {"outcome", "message", "hint", "requeued"}
    notes = {key: value for key, value in row.doc.items() if key not in ending}
    attempts.write(
        tx,
        row,
        state=AttemptState.RUNNING,
        deadline=tx.now + leases.LEASE_SPAN,
        ended=None,
        cause=None,
        doc=notes,
    )
    task_status.move(
        tx,
        task,
        Status.IN_PROGRESS,
        follow=False,
        by=None,
        reason=f"{row.worker} came back",
        force=True,
        also={"started": task.started or row.taken, "queue": row.queue},
    )
    again = task_status.find_standing(tx, task.id)
    renewed = attempts.latest(tx, task.id)
    assert again is not None
    assert renewed is not None
    return again, renewed
