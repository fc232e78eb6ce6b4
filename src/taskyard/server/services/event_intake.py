"""The events service: taking what tasks report."""

from __future__ import annotations

import math
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from taskyard.api import events as api
from taskyard.api.errors import EMPTY_BATCH, NO_EVENTS_ADDED, ApiError
from taskyard.api.events import IMAGE, LOG, PLOT, SCALAR
from taskyard.server.call import Call, serves
from taskyard.server.domain import events as rules
from taskyard.server.domain.console import Line
from taskyard.server.domain.events import Event, Refused
from taskyard.server.domain.last_metrics import Reported
from taskyard.server.domain.series import Points
from taskyard.server.store import catalog, logs, reported, samples, scalars
from taskyard.server.store.catalog import Series, series_of
from taskyard.server.store.engine import Tx
from taskyard.server.store.reported import News, Owner


@serves(api.Add)
async def add(call: Call, request: api.Add) -> api.AddResponse:
    return await _add(call, [call.body])


@serves(api.AddBatch)
async def add_batch(call: Call, request: api.AddBatch) -> api.AddResponse:
    if not request.lines:
        raise ApiError(EMPTY_BATCH, hint="Send JSON lines, an event each.")
    return await _add(call, request.lines)


Names = tuple[str, str | None, str | None, str | None]
"""Task, metric, variant and worker, as they were sent."""


@dataclass(slots=True)
class Batch:
    """Events that were taken, as the stores want them, and what they change on their owners."""

    now_ms: int
    worker: str
    lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    scalars: dict[Names, list[Event]] = field(default_factory=lambda: defaultdict(list))
    parts: list[tuple[Series, str, Points]] = field(default_factory=list)
    """The scalars by series and worker, once they are summed up."""
    samples: list[samples.New] = field(default_factory=list)
    series: dict[tuple[str, str | None, str | None, str], Series] = field(default_factory=dict)
    news: dict[bool, dict[str, News]] = field(default_factory=lambda: {False: {}, True: {}})

    def take(self, event: Event, sent: dict[str, Any]) -> None:
        """Sort an event in. Raises Refused when its contents are unfit."""
        if event.type == SCALAR:
            names = (event.task, event.metric, event.variant, event.worker)
            self.scalars[names].append(event)
            return
        content = rules.content(sent, event.type)
        news = self._news_of(event)
        if event.iter is not None and event.metric not in rules.MONITOR_METRICS:
            news.last_iteration = max(news.last_iteration or 0, event.iter)
        if event.type == LOG:
            self._take_line(event, content)
        else:
            self._take_sample(event, sent, content)

    def _series_of(self, event: Event) -> Series:
        names = (event.task, event.metric, event.variant, event.type)
        found = self.series.get(names)
        if found is None:
            found = series_of(event.task, event.type, event.metric or "", event.variant or "")
            self.series[names] = found
        return found

    def _news_of(self, event: Event) -> News:
        of_kind = self.news[bool(event.model_event)]
        found = of_kind.get(event.task)
        if found is None:
            found = of_kind[event.task] = News()
        return found

    def _time_of(self, event: Event) -> int:
        return self.now_ms if event.timestamp is None else event.timestamp

    def _take_line(self, event: Event, content: dict[str, Any]) -> None:
        text = content.pop("msg")
        if event.iter is not None:
            content["iter"] = event.iter
        if event.metric is not None:
            content["metric"] = event.metric
        if event.variant is not None:
            content["variant"] = event.variant
        worker = event.worker or self.worker
        line = Line(self._time_of(event), worker, text, content or None)
        self.lines[event.task].append(line)
        if event.metric:
            self._series_of(event)

    def _take_sample(self, event: Event, sent: dict[str, Any], content: dict[str, Any]) -> None:
        self.samples.append(
            samples.New(
                series=self._series_of(event),
                iter=event.iter or 0,
                key=str(content.get("key", "")),
                timestamp=self._time_of(event),
                worker=event.worker or self.worker,
                drawable=event.type != PLOT or rules.is_drawable(sent),
                url=content["url"] if event.type == IMAGE else None,
                rest=content,
            )
        )

    def points(self, events: Sequence[Event]) -> Points:
        now = self.now_ms
        return Points(
            array("q", [event.iter or 0 for event in events]),
            array("q", [now if event.timestamp is None else event.timestamp for event in events]),
            array("d", [math.nan if event.value is None else event.value for event in events]),
        )

    def sum_up(self) -> None:
        """Note what the scalars change on their owners."""
        found: dict[Series, Reported] = {}
        for events in self.scalars.values():
            first, points = events[0], self.points(events)
            series, news = self._series_of(first), self._news_of(first)
            self.parts.append((series, first.worker or self.worker, points))
            if series.metric not in rules.MONITOR_METRICS:
                news.last_iteration = max(news.last_iteration or 0, *points.iters)
            label = next((event.x_axis_label for event in events if event.x_axis_label), None)
            known = found.get(series)
            if known is None:
                found[series] = Reported(series.metric, series.variant, points, label)
                news.metrics.append(found[series])
            else:
                known.points = known.points.followed_by(points)
                known.x_axis_label = known.x_axis_label or label

    def store(self, tx: Tx) -> None:
        catalog.register(tx, self.series.values())
        scalars.append(tx, self.parts)
        samples.put(tx, self.samples)
        # One order for everybody: consoles are held until the commit.
        for task, lines in sorted(self.lines.items()):
            logs.append(tx, task, lines)


async def _add(call: Call, sent: Sequence[Any]) -> api.AddResponse:
    errors: Counter[str] = Counter()
    accepted: list[tuple[Event, Any]] = []
    for one in sent:
        try:
            accepted.append((rules.accept(one), one))
        except Refused as refused:
            errors[str(refused)] += 1
    await call.server.events_forgotten()
    owners = await _owners(call, [event for event, _ in accepted])
    batch = Batch(time.time_ns() // 1_000_000, call.worker)
    for event, one in accepted:
        try:
            _check_owner(event, owners)
            batch.take(event, one)
        except Refused as refused:
            errors[str(refused)] += 1
    added = len(sent) - errors.total()
    answer = api.AddResponse(added=added, errors=errors.total(), errors_info=dict(errors))
    if not added:
        raise ApiError(NO_EVENTS_ADDED, **msgspec.to_builtins(answer))
    batch.sum_up()
    # First what cannot be made again, then what follows from it.
    await call.server.telemetry.write(batch.store)
    await call.server.control.write(partial(_record, news=batch.news))
    return answer


Owners = dict[bool | None, dict[str, Owner]]


async def _owners(call: Call, events: Sequence[Event]) -> Owners:
    def find(tx: Tx) -> Owners:
        tasks = {event.task for event in events if not event.model_event}
        models = {event.task for event in events if event.model_event}
        known = reported.owners(tx, call.company, tasks)
        return {
            None: known,
            False: known,
            True: reported.owners(tx, call.company, models, of_model=True),
        }

    return await call.server.control.read(find)


def _check_owner(event: Event, owners: Owners) -> None:
    owner = owners[event.model_event].get(event.task)
    if owner is None or owner.public:
        raise Refused(f"invalid {'model' if event.model_event else 'task'} id {event.task[:100]}")
    if owner.locked and not event.allow_locked:
        raise Refused(f"{event.task} is published")


def _record(tx: Tx, news: dict[bool, dict[str, News]]) -> None:
    for of_model, found in news.items():
        reported.record(tx, found, of_model=of_model)
