"""Reading the journal of tasks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from taskyard.api import journal as api
from taskyard.server.call import Call, reads
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.tasks import journal, task_status


@reads(api.GetJournal)
def get_journal(tx: Tx, call: Call, request: api.GetJournal) -> api.GetJournalResponse:
    if request.task is not None:
        task_status.check_visible(tx, call.company, request.task)
    rows = journal.read(
        tx,
        call.company,
        task=request.task,
        before=request.before,
        after=request.after,
        limit=min(max(request.size, 1), api.MOST),
    )
    return api.GetJournalResponse(lines=[_line(row) for row in rows])


def _line(row: Row[Any]) -> api.JournalLine:
    return api.JournalLine(
        id=row.id,
        at=to_wire(row.at) or "",
        task={"id": row.task} | ({} if row.task_name is None else {"name": row.task_name}),
        what=row.what,
        by={"id": row.by, "name": row.user_name or row.by} if row.by else None,
        worker=row.worker,
        queue=row.queue_name,
        reason=row.reason,
        message=row.message,
    )
