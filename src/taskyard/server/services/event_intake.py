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
from taskyard.server import lenient
from taskyard.server.call import Call, serves
from taskyard.server.domain import events as rules
from taskyard.server.domain.console import Line
from taskyard.server.domain.events import Event, Other, Printed, Refused, Scalar, Taken
from taskyard.server.domain.last_metrics import Reported
from taskyard.server.domain.series import Points
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import catalog, logs, reported, samples, scalars
from taskyard.server.store.events.catalog import Series, series_of
from taskyard.server.store.events.reported import News, Owner


@serves(api.Add)
async def add(call: Call, request: api.Add) -> api.AddResponse:
    batch = _batch(call)
    batch.accept(call.body)
    return await _add(call, batch)


@serves(api.AddBatch)
async def add_batch(call: Call, request: api.AddBatch) -> api.AddResponse:
    batch = _batch(call)
    for one in request.lines or ():
        batch.accept(one)
    sort_lines_in(batch, call.lines)
    if not batch.sent:
        raise ApiError(EMPTY_BATCH, hint="Send JSON lines, an event each.")
    return await _add(call, batch)


def _batch(call: Call) -> Batch:
    return Batch(time.time_ns() // 1_000_000, call.worker)


def sort_lines_in(batch: Batch, lines: bytes) -> None:
    events = rules.decode_lines(lines)
    if events is not None:
        batch.sort_in(events)
        return
    for line in lines.splitlines():
        event = rules.decode_line(line)
        if event is not None:
            batch.sort_in([event])
        elif line.strip():
            batch.accept(lenient.decode_line(line))


Who = tuple[str, bool | None, bool | None]
"""What decides whether an event is taken, as it was sent: task, ``model_event``,
``allow_locked``."""

Names = tuple[str, bool | None, bool | None, str | None, str | None, str | None, str | None]
"""What the scalars of one chunk have in common: who, metric, variant, worker, label of the axis."""


@dataclass(slots=True)
class Batch:
    """Events as they were sent, then as the stores want them, and what they change on owners."""

    now_ms: int
    worker: str
    sent: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """How many are not taken, by reason."""
    scalars: dict[Names, list[Scalar]] = field(default_factory=lambda: defaultdict(list))
    others: dict[Who, list[Printed | Other]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    levels: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: list[tuple[Series, str, Points]] = field(default_factory=list)
    """The scalars by series and worker."""
    samples: list[samples.New] = field(default_factory=list)
    series: dict[tuple[str, str | None, str | None, str], Series] = field(default_factory=dict)
    news: dict[bool, dict[str, News]] = field(default_factory=lambda: {False: {}, True: {}})

    def accept(self, sent: Any) -> None:
        """Sort in what may be an event."""
        try:
            self.sort_in([rules.accept(sent)])
        except Refused as refused:
            self.sent += 1
            self.errors[str(refused)] += 1

    def sort_in(self, events: Sequence[Taken]) -> None:
        scalars, others = self.scalars, self.others
        self.sent += len(events)
        for e in events:
            if isinstance(e, Scalar):
                names = (
                    *(e.task, e.model_event, e.allow_locked),
                    *(e.metric, e.variant, e.worker, e.x_axis_label),
                )
                scalars[names].append(e)
            else:
                others[e.task, e.model_event, e.allow_locked].append(e)

    def owners(self, *, of_model: bool) -> set[str]:
        """The tasks (or models) that the events are said to belong to."""
        found = {names[0] for names in self.scalars if bool(names[1]) == of_model}
        return found | {who[0] for who in self.others if bool(who[1]) == of_model}

    def refuse_unfit(self) -> None:
        """Leave out events with names that cannot be kept."""
        for names in list(self.scalars):
            if any(name and "\0" in name for name in (names[0], names[-1])):
                self._refuse(self.scalars, names, rules.NUL_IN_NAME)
        for who in list(self.others):
            printed = [e for e in self.others[who] if who[1] and _is_line(e)]
            if printed:
                self.errors[rules.NO_MODEL_CONSOLE] += len(printed)
                self.others[who] = [e for e in self.others[who] if not _is_line(e)]
            if "\0" in who[0]:
                self._refuse(self.others, who, rules.NUL_IN_NAME)

    def refuse_strangers(self, owners: Owners) -> None:
        """Leave out events whose owner is not there, or takes none."""
        for names in list(self.scalars):
            reason = _objection(owners, *names[:3])
            if reason:
                self._refuse(self.scalars, names, reason)
        for who in list(self.others):
            reason = _objection(owners, *who)
            if reason:
                self._refuse(self.others, who, reason)

    def _refuse(self, groups: dict[Any, list[Any]], key: Any, reason: str) -> None:
        refused = len(groups.pop(key))
        if refused:
            self.errors[reason] += refused

    def sum_up(self) -> None:
        """Make what the stores want of the events."""
        for (task, of_model, _), events in self.others.items():
            news = self._news_of(task, of_model)
            for event in events:
                try:
                    self._take(event, news)
                except Refused as refused:
                    self.errors[str(refused)] += 1
        found: dict[Series, Reported] = {}
        for names, numbers in self.scalars.items():
            self._take_points(names, numbers, found)

    def _take(self, event: Printed | Other, news: News) -> None:
        if isinstance(event, Printed):
            self._take_line(event, event.msg, self._only_level(event.level))
        else:
            content = rules.content(event.sent, event.type)
            if event.type == LOG:
                self._take_line(event, content.pop("msg"), content)
            else:
                self._take_sample(event, content)
        if event.iter is not None and event.metric not in rules.MONITOR_METRICS:
            news.last_iteration = max(news.last_iteration or 0, event.iter)

    def _series_of(self, task: str, kind: str, metric: str | None, variant: str | None) -> Series:
        names = (task, metric, variant, kind)
        found = self.series.get(names)
        if found is None:
            found = self.series[names] = series_of(task, kind, metric or "", variant or "")
        return found

    def _news_of(self, task: str, of_model: bool | None) -> News:
        of_kind = self.news[bool(of_model)]
        found = of_kind.get(task)
        if found is None:
            found = of_kind[task] = News()
        return found

    def _only_level(self, level: str | None) -> dict[str, Any] | None:
        """One and the same for all lines of a level: they are told alike in no time."""
        if level is None:
            return None
        return self.levels.setdefault(level, {"level": level})

    def _take_line(self, event: Event, text: str, rest: dict[str, Any] | None) -> None:
        if event.iter is not None or event.metric is not None or event.variant is not None:
            rest = {**(rest or {}), **_place(event)}
            if event.metric:
                self._series_of(event.task, LOG, event.metric, event.variant)
        at = self.now_ms if event.timestamp is None else event.timestamp
        self.lines[event.task].append(Line(at, event.worker or self.worker, text, rest or None))

    def _take_sample(self, event: Other, content: dict[str, Any]) -> None:
        self.samples.append(
            samples.New(
                series=self._series_of(event.task, event.type, event.metric, event.variant),
                iter=event.iter or 0,
                key=str(content.get("key", "")),
                timestamp=self.now_ms if event.timestamp is None else event.timestamp,
                worker=event.worker or self.worker,
                drawable=event.type != PLOT or rules.is_drawable(event.sent),
                url=content["url"] if event.type == IMAGE else None,
                rest=content,
            )
        )

    def _take_points(
        self, names: Names, events: Sequence[Scalar], found: dict[Series, Reported]
    ) -> None:
        task, of_model, _, metric, variant, worker, label = names
        points = self._points(events)
        series, news = self._series_of(task, SCALAR, metric, variant), self._news_of(task, of_model)
        self.parts.append((series, worker or self.worker, points))
        if series.metric not in rules.MONITOR_METRICS:
            news.last_iteration = max(news.last_iteration or 0, max(points.iters))
        known = found.get(series)
        if known is None:
            found[series] = Reported(series.metric, series.variant, points, label or None)
            news.metrics.append(found[series])
        else:
            known.points = known.points.followed_by(points)
            known.x_axis_label = known.x_axis_label or label or None

    def _points(self, events: Sequence[Scalar]) -> Points:
        now, none = self.now_ms, math.nan
        return Points(
            array("q", [e.iter or 0 for e in events]),
            array("q", [now if e.timestamp is None else e.timestamp for e in events]),
            array("d", [none if e.value is None else e.value for e in events]),
        )

    def store(self, tx: Tx) -> None:
        catalog.register(tx, self.series.values())
        scalars.append(tx, self.parts)
        samples.put(tx, self.samples)
        # One order for everybody: consoles are held until the commit.
        for task, lines in sorted(self.lines.items()):
            logs.append(tx, task, lines)


def _place(event: Event) -> dict[str, Any]:
    """What a line says of where it belongs."""
    found = {"iter": event.iter, "metric": event.metric, "variant": event.variant}
    return {name: value for name, value in found.items() if value is not None}


def _is_line(event: Printed | Other) -> bool:
    return isinstance(event, Printed) or event.type == LOG


async def _add(call: Call, batch: Batch) -> api.AddResponse:
    batch.refuse_unfit()
    await call.server.events_forgotten()
    batch.refuse_strangers(await _owners(call, batch))
    batch.sum_up()
    errors = batch.errors.total()
    added = batch.sent - errors
    answer = api.AddResponse(added=added, errors=errors, errors_info=dict(batch.errors))
    if not added:
        raise ApiError(NO_EVENTS_ADDED, **msgspec.to_builtins(answer))
    # First what cannot be made again, then what follows from it.
    await call.server.telemetry.write(batch.store)
    await call.server.control.write(partial(_record, news=batch.news))
    return answer


Owners = dict[bool, dict[str, Owner]]
"""Tasks, and models (True), by id."""


async def _owners(call: Call, batch: Batch) -> Owners:
    def find(tx: Tx) -> Owners:
        return {
            of_model: reported.owners(
                tx, call.company, batch.owners(of_model=of_model), of_model=of_model
            )
            for of_model in (False, True)
        }

    return await call.server.control.read(find)


def _objection(
    owners: Owners, task: str, of_model: bool | None, allow_locked: bool | None
) -> str | None:
    """Why events of this task (or model) are not taken."""
    owner = owners[bool(of_model)].get(task)
    if owner is None or owner.public:
        return f"invalid {'model' if of_model else 'task'} id {task[:100]}"
    if owner.locked and not allow_locked:
        return f"{task} is published"
    return None


def _record(tx: Tx, news: dict[bool, dict[str, News]]) -> None:
    for of_model, found in news.items():
        reported.record(tx, found, of_model=of_model)
