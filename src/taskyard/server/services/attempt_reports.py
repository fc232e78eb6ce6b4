"""The attempts service: what a run says of itself while it goes on."""

from __future__ import annotations

from typing import Any

from taskyard.api import attempts as api
from taskyard.api.states import LIVE_ATTEMPT, AttemptState
from taskyard.server.call import Call, serves
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.events import logs
from taskyard.server.store.tasks import attempts, task_status

_PHASE_STATE = {"launch": AttemptState.RUNNING}


@serves(api.Report)
async def report(call: Call, request: api.Report) -> api.ReportResponse:
    await call.server.control.write(lambda tx: note(tx, call, request))
    said = request.console or api.Console(offset=_NOWHERE, text="")
    return api.ReportResponse(console=await keep(call, request, said))


async def keep(call: Call, request: api.Report, said: api.Console) -> int:
    """Keep a piece of output; gives up to where it is kept, in bytes."""
    return await call.server.telemetry.write(
        lambda tx: logs.append_output(
            tx,
            request.task,
            request.attempt,
            said.offset,
            said.text,
            size=said.size,
            worker=request.worker,
            time=said.timestamp or tx.now // 1000,
        )
    )


_NOWHERE = -1
"""An offset at which no output begins: nothing is added, and the answer tells what is kept."""


def note(tx: Tx, call: Call, request: api.Report) -> None:
    """Note how a run goes. Raises ApiError: INVALID_TASK_ID, STALE_ATTEMPT."""
    task_status.check_visible(tx, call.company, request.task)
    row = attempts.current(tx, request.task, request.attempt)
    if row.state not in LIVE_ATTEMPT:
        # What was printed is kept even when it comes late; nothing else is changed by it.
        return
    changes: dict[str, Any] = {}
    phases = request.phases
    phase = request.phase or (str(phases[-1].get("name", "")) if phases else "")
    state = _PHASE_STATE.get(phase, AttemptState.PREPARING)
    if state == AttemptState.RUNNING and row.state != AttemptState.RUNNING:
        changes |= {"state": state, "started": tx.now}
    elif row.state == AttemptState.LEASED:
        changes["state"] = AttemptState.PREPARING
    notes: dict[str, Any] = {}
    if phases is not None:
        notes["phases"] = phases
    if request.commit:
        notes["commit"] = request.commit
    if request.place:
        notes["place"] = request.place
    if any(row.doc.get(name) != value for name, value in notes.items()):
        changes["doc"] = {**row.doc, **notes}
    if changes:
        attempts.write(tx, row, **changes)
        tx.signal(f"task:{request.task}")
    task_status.heard(tx, request.task)
    _write_back(tx, call, request)


def _write_back(tx: Tx, call: Call, request: api.Report) -> None:
    """Note on the task what it really ran with."""
    installed = {"pip": request.packages, "conda": request.conda_packages}
    installed = {name: packages for name, packages in installed.items() if packages is not None}
    if not request.commit and not installed:
        return
    script = documents.get(tx, TASK, request.task, call, only=["script"])["script"]
    changes: dict[str, Any] = {}
    if request.commit and script.get("version_num") != request.commit:
        changes["script.version_num"] = request.commit
    known = script.get("requirements") or {}
    news = {name: packages for name, packages in installed.items() if known.get(name) != packages}
    if news:
        asked = {f"org_{name}": known.get(f"org_{name}") or known.get(name) or "" for name in news}
        # Another manager could not install what conda did: the next run asks for conda again.
        manager = {"manager": "conda"} if "conda" in news else {}
        changes["script.requirements"] = {**known, **news, **asked, **manager}
    if changes:
        documents.update(tx, TASK, request.task, {**changes, "last_change": tx.now})
