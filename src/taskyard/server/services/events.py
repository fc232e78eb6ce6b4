"""The events service: taking what tasks report, the console, and reading events back."""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from taskyard.api import events as api
from taskyard.api.errors import EMPTY_BATCH, NO_EVENTS_ADDED, ApiError
from taskyard.api.events import IMAGE, LOG, PLOT, SCALAR
from taskyard.server.call import Call, Raw, reads, serves
from taskyard.server.domain import events as rules
from taskyard.server.domain.events import Event, Refused
from taskyard.server.domain.last_metrics import Reported
from taskyard.server.domain.series import Points
from taskyard.server.store import catalog, logs, reported, samples, scalars, walks
from taskyard.server.store.catalog import Series, series_of
from taskyard.server.store.engine import Tx
from taskyard.server.store.reported import News, Owner
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


# Adding


@serves(api.Add)
async def add(call: Call, request: api.Add) -> api.AddResponse:
    return await _add(call, [call.body])


@serves(api.AddBatch)
async def add_batch(call: Call, request: api.AddBatch) -> api.AddResponse:
    if not request.lines:
        raise ApiError(EMPTY_BATCH, hint="Send JSON lines, an event each.")
    return await _add(call, request.lines)


@dataclass(slots=True)
class Batch:
    """Events that were taken, as the stores want them."""

    lines: dict[str, list[logs.Line]] = field(default_factory=lambda: defaultdict(list))
    points: dict[tuple[Series, str], Points] = field(default_factory=lambda: defaultdict(Points))
    samples: list[samples.New] = field(default_factory=list)
    series: dict[tuple[str, str, str, str], Series] = field(default_factory=dict)
    labels: dict[Series, str] = field(default_factory=dict)

    def series_of(self, event: Event) -> Series:
        names = (event.task, event.type, event.metric, event.variant)
        if names not in self.series:
            self.series[names] = series_of(*names)
        return self.series[names]

    def store(self, tx: Tx) -> None:
        catalog.register(tx, self.series.values())
        scalars.append(tx, ((s, worker, p) for (s, worker), p in self.points.items()))
        samples.put(tx, self.samples)
        for task, lines in self.lines.items():
            logs.append(tx, task, lines)


async def _add(call: Call, sent: Iterable[Any]) -> api.AddResponse:
    errors: Counter[str] = Counter()
    now_ms, taken = time.time_ns() // 1_000_000, []
    for one in sent:
        try:
            taken.append((rules.accept(one, now_ms=now_ms, worker=call.worker), one))
        except Refused as refused:
            errors[str(refused)] += 1
    await call.server.events_forgotten()
    owners = await _owners(call, [event for event, _ in taken])
    batch, added = Batch(), 0
    news: dict[bool, dict[str, News]] = {False: {}, True: {}}
    for event, raw in taken:
        why = _refusal(event, owners[event.of_model].get(event.task))
        if why:
            errors[why] += 1
            continue
        added += 1
        _sort_in(batch, event, raw)
        _note(news[event.of_model].setdefault(event.task, News()), event)
    answer = api.AddResponse(added=added, errors=errors.total(), errors_info=dict(errors))
    if not added:
        raise ApiError(NO_EVENTS_ADDED, **msgspec.to_builtins(answer))
    _note_points(news, batch)
    # First what cannot be made again, then what follows from it.
    await call.server.telemetry.write(batch.store)
    await call.server.control.write(partial(_record, news=news))
    return answer


async def _owners(call: Call, events: Sequence[Event]) -> dict[bool, dict[str, Owner]]:
    def find(tx: Tx) -> dict[bool, dict[str, Owner]]:
        found = {}
        for of_model in (False, True):
            ids = {event.task for event in events if event.of_model == of_model}
            found[of_model] = reported.owners(tx, call.company, ids, of_model=of_model)
        return found

    return await call.server.control.read(find)


def _refusal(event: Event, owner: Owner | None) -> str:
    thing = "model" if event.of_model else "task"
    if owner is None or owner.public:
        return f"invalid {thing} id {event.task[:100]}"
    if owner.locked and not event.allow_locked:
        return f"the {thing} {event.task} is published"
    return ""


def _sort_in(batch: Batch, event: Event, raw: dict[str, Any]) -> None:
    if event.type == LOG:
        batch.lines[event.task].append(_line(event))
        if event.metric:
            batch.series_of(event)
        return
    series = batch.series_of(event)
    iteration = event.iter or 0
    if event.type == SCALAR:
        points = batch.points[series, event.worker]
        points.append(iteration, event.timestamp, event.value)
        if label := event.rest.get("x_axis_label"):
            batch.labels[series] = str(label)
        return
    batch.samples.append(
        samples.New(
            series=series,
            iter=iteration,
            key=str(event.rest.get("key", "")),
            timestamp=event.timestamp,
            worker=event.worker,
            drawable=event.type != PLOT or rules.is_drawable(raw),
            url=event.rest.get("url") if event.type == IMAGE else None,
            rest=event.rest,
        )
    )


def _line(event: Event) -> logs.Line:
    rest = dict(event.rest)
    text = rest.pop("msg", "")
    for name in ("iter", "metric", "variant"):
        if value := getattr(event, name):
            rest[name] = value
    return logs.Line(
        event.timestamp, event.worker, text if isinstance(text, str) else str(text), rest or None
    )


def _note(news: News, event: Event) -> None:
    if event.iter is not None and event.metric not in rules.MONITOR_METRICS:
        news.last_iteration = max(news.last_iteration or 0, event.iter)


def _note_points(news: dict[bool, dict[str, News]], batch: Batch) -> None:
    joined: dict[Series, Points] = defaultdict(Points)
    for (series, _), points in batch.points.items():
        joined[series].extend(points)
    for series, points in joined.items():
        of_model = series.task in news[True]
        label = batch.labels.get(series)
        news[of_model][series.task].metrics.append(
            Reported(series.metric, series.variant, points, label)
        )


def _record(tx: Tx, news: dict[bool, dict[str, News]]) -> None:
    for of_model, found in news.items():
        reported.record(tx, found, of_model=of_model)


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
    start = None if request.from_timestamp is None else math.floor(request.from_timestamp)
    if start is not None and not request.navigate_earlier:
        start = math.ceil(request.from_timestamp or 0)
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
    after = walks.position(request.scroll_id)
    backwards = request.from_ == "tail"
    read = partial(
        logs.read,
        task=request.task,
        after=after,
        limit=_bounded(request.batch_size),
        descending=backwards,
    )
    lines, total = await look(call, lambda tx: (read(tx), logs.count(tx, request.task)))
    scroll_id = walks.token(lines[-1].time if lines else after)
    if backwards != (request.order == "desc"):
        lines.reverse()
    return api.EventsPage(
        events=[logs.document(request.task, line) for line in lines],
        returned=len(lines),
        total=total,
        scroll_id=scroll_id,
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


def _shown(request: api.DownloadTaskLog, line: logs.Line) -> str:
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
