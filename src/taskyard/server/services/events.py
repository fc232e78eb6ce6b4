"""The events service: the console, reading events back, and deleting them."""

from __future__ import annotations

import math
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec

from taskyard.api import events as api
from taskyard.server.call import Call, Raw, reads, serves
from taskyard.server.domain.console import Line
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import catalog, logs, reported, walks
from taskyard.server.store.events.catalog import Series
from taskyard.server.store.events.reported import Owner
from taskyard.server.store.telemetry_tables import forget, freeze

T = TypeVar("T")

MOST = 10_000
"""The most events of one page, but for those that share its last moment or iteration."""


async def look(call: Call, work: Callable[[Tx], T]) -> T:
    """Read from the telemetry database, one state of it throughout."""

    def frozen(tx: Tx) -> T:
        freeze(tx)
        return work(tx)

    return await call.server.telemetry.read(frozen)


async def known(call: Call, ids: Sequence[str], of_model: bool = False) -> dict[str, Owner]:
    """The tasks or models with these ids. Raises ApiError when there is none."""
    await call.server.events_forgotten()
    find = partial(reported.check, company=call.company, ids=ids, of_model=of_model)
    return await call.server.control.read(find)


# Deleting


@serves(api.DeleteForTask)
async def delete_for_task(call: Call, request: api.DeleteForTask) -> api.Deleted:
    return await _delete(call, request.task, request.allow_locked, of_model=False)


@serves(api.DeleteForModel)
async def delete_for_model(call: Call, request: api.DeleteForModel) -> api.Deleted:
    return await _delete(call, request.model, request.allow_locked, of_model=True)


async def _delete(call: Call, id: str, allow_locked: bool, *, of_model: bool) -> api.Deleted:
    await _check_unlocked(call, id, allow_locked, of_model=of_model)
    deleted = await call.server.telemetry.write(lambda tx: forget(tx, [id]))
    return api.Deleted(deleted=deleted > 0)


async def _check_unlocked(call: Call, id: str, allow_locked: bool, *, of_model: bool) -> None:
    await call.server.control.read(
        lambda tx: reported.check_unlocked(
            tx, call.company, id, allow_locked=allow_locked, of_model=of_model
        )
    )


@serves(api.ClearTaskLog)
async def clear_task_log(call: Call, request: api.ClearTaskLog) -> api.ClearedLog:
    await _check_unlocked(call, request.task, request.allow_locked, of_model=False)
    before = None
    if request.threshold_sec:
        before = time.time_ns() // 1_000_000 - request.threshold_sec * 1000
    clear = partial(logs.clear, task=request.task, before=before)
    return api.ClearedLog(deleted=await call.server.telemetry.write(clear))


# The console


@serves(api.GetTaskLog)
async def get_task_log(call: Call, request: api.GetTaskLog) -> api.LogPage:
    await known(call, [request.task])
    start = None
    if request.from_timestamp is not None:
        # Between two milliseconds, the one on the far side is still to come.
        whole = math.ceil if request.navigate_earlier else math.floor
        start = whole(request.from_timestamp)
    return await look(call, lambda tx: _log_page(tx, request, start))


def _log_page(tx: Tx, request: api.GetTaskLog, start: int | None) -> api.LogPage:
    backwards = request.navigate_earlier
    lines = logs.read(tx, request.task, start, _bounded(request.batch_size), descending=backwards)
    if request.order is not None and (request.order == "desc") != backwards:
        lines.reverse()
    return api.LogPage(
        events=[logs.document(request.task, line) for line in lines],
        returned=len(lines),
        total=logs.count(tx, request.task),
    )


def _bounded(batch_size: int) -> int:
    return max(1, min(batch_size, MOST))


@serves(api.GetTaskLogScrolled)
async def get_task_log_scrolled(call: Call, request: api.GetTaskLogScrolled) -> api.EventsPage:
    await known(call, [request.task])
    start = walks.place(request.scroll_id)
    backwards = request.from_ == "tail"
    read = partial(
        walks.read_console,
        task=request.task,
        start=start,
        limit=_bounded(request.batch_size),
        descending=backwards,
    )
    (lines, place), total = await look(call, lambda tx: (read(tx), logs.count(tx, request.task)))
    if backwards != (request.order == "desc"):
        lines = lines[::-1]
    return api.EventsPage(
        events=[logs.document(request.task, line) for line in lines],
        returned=len(lines),
        total=total,
        scroll_id=walks.token(place),
    )


@serves(api.DownloadTaskLog)
async def download_task_log(call: Call, request: api.DownloadTaskLog) -> Raw:
    await known(call, [request.task])
    as_json = request.line_type == "json"
    return Raw(
        _lines(call, request),
        "application/json" if as_json else "text/plain; charset=utf-8",
        f"task_{request.task}.{'json' if as_json else 'log'}",
    )


async def _lines(call: Call, request: api.DownloadTaskLog) -> AsyncIterator[bytes]:
    after: int | None = None
    while True:
        read = partial(logs.read, task=request.task, after=after, limit=MOST)
        lines = await look(call, read)
        if not lines:
            return
        after = lines[-1].time
        yield "".join(_shown(request, line) for line in lines).encode("utf-8", "replace")


def _shown(request: api.DownloadTaskLog, line: Line) -> str:
    event = logs.document(request.task, line)
    if request.line_type == "json":
        return msgspec.json.encode(event).decode() + "\n"
    event["asctime"] = iso_time(line.time)
    return _FIELD.sub(lambda found: str(event.get(found[1], "")), request.line_format) + "\n"


_FIELD = re.compile(r"\{(\w+)\}")


def iso_time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


# Reading back


@serves(api.GetTaskEvents)
async def get_task_events(call: Call, request: api.GetTaskEvents) -> api.EventsPage:
    await known(call, [request.task], request.model_events)
    types = [request.event_type] if request.event_type else None
    page = partial(
        walks.page,
        task=request.task,
        types=types,
        scroll_id=request.scroll_id,
        limit=_bounded(request.batch_size),
        descending=request.order == "desc",
    )
    return await look(call, page)


@reads(api.ClearScroll)
def clear_scroll(tx: Tx, call: Call, request: api.ClearScroll) -> None:
    """Positions are part of the scroll's id, or expire soon: there is nothing to clear."""


@serves(api.GetTaskMetrics)
async def get_task_metrics(call: Call, request: api.GetTaskMetrics) -> api.TaskMetrics:
    found = await _catalog(call, request)
    return api.TaskMetrics(
        metrics=[
            {"task": task, "metrics": sorted({s.metric for s in found if s.task == task})}
            for task in dict.fromkeys(request.tasks)
        ]
    )


@serves(api.GetMultiTaskMetrics)
async def get_multi_task_metrics(call: Call, request: api.GetMultiTaskMetrics) -> api.TaskMetrics:
    named = catalog.variants_by_metric(await _catalog(call, request))
    return api.TaskMetrics(
        metrics=[{"metric": metric, "variants": variants} for metric, variants in named.items()]
    )


async def _catalog(
    call: Call, request: api.GetTaskMetrics | api.GetMultiTaskMetrics
) -> list[Series]:
    await known(call, request.tasks, request.model_events)
    types = [request.event_type] if request.event_type else None
    return await look(call, partial(catalog.find, tasks=request.tasks, types=types))
