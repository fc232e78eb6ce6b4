"""Samples gathered into intervals: what the charts of queues and workers show.

Sample times are microseconds since the epoch. Interval starts are milliseconds, as on the wire,
and multiples of the interval, so that two questions about overlapping spans agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

Aggregation = Literal["avg", "min", "max"]
SECOND = 1_000_000
SHORTEST = 40
"""Seconds: machines report less often than that, shorter intervals would show gaps."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The intervals of a span of time. ``step``, ``start`` and ``end`` in microseconds."""

    start: int
    end: int
    step: int

    def starts(self) -> list[int]:
        """Where each interval begins, in microseconds."""
        return list(range(self.start, self.end, self.step))

    def dates(self) -> list[int]:
        """Where each interval begins, in milliseconds."""
        return [start // 1000 for start in self.starts()]

    def floor(self, at: int) -> int:
        return at - at % self.step


def grid(start: int, end: int, interval: float, *, shortest: float = 1) -> Grid:
    """The intervals (seconds) from ``start`` to ``end``; a last one cut short is left out."""
    step = round(max(interval, shortest) * SECOND)
    first = start - start % step
    return Grid(first, max(first, end - end % step), step)


# Queues


class QueueSample(NamedTuple):
    """A queue at one moment: ``at`` in microseconds since the epoch."""

    queue: str
    at: int
    length: int
    waiting: float
    """Average over the entries, seconds."""
    oldest: float = 0
    """The longest wait among the entries, seconds."""
    running: int = 0
    """Attempts at tasks that came from the queue."""


class QueueSeries(NamedTuple):
    """Columns of equal length: ``dates`` in milliseconds since the epoch, waits in seconds."""

    dates: list[int]
    waiting: list[float]
    lengths: list[int]
    oldest: list[float]
    running: list[int]


def queue_series(samples: Iterable[QueueSample], step: float) -> QueueSeries:
    """One queue over time: of each interval (seconds) the sample with the longest waiting."""
    size = round(max(step, 1) * SECOND)
    kept = _longest(samples, size)
    starts = sorted(kept)
    return QueueSeries(
        [start // 1000 for start in starts],
        [kept[start].waiting for start in starts],
        [kept[start].length for start in starts],
        [kept[start].oldest for start in starts],
        [kept[start].running for start in starts],
    )


def total_series(samples: Sequence[QueueSample], step: float) -> QueueSeries:
    """All queues together: lengths added up, waiting weighted by length.

    A queue that did not change in an interval counts as it was at its last sample.
    """
    size = round(max(step, 1) * SECOND)
    intervals: dict[int, dict[str, list[QueueSample]]] = {}
    for sample in samples:
        start = sample.at - sample.at % size
        intervals.setdefault(start, {}).setdefault(sample.queue, []).append(sample)
    last: dict[str, QueueSample] = {}
    series = QueueSeries([], [], [], [], [])
    for start, found in sorted(intervals.items()):
        kept = last | {queue: _longest(own, size)[start] for queue, own in found.items()}
        last |= {queue: own[-1] for queue, own in found.items()}
        length = sum(sample.length for sample in kept.values())
        waited = sum(sample.waiting * sample.length for sample in kept.values())
        series.dates.append(start // 1000)
        series.lengths.append(length)
        series.waiting.append(waited / length if length else 0.0)
        series.oldest.append(max(sample.oldest for sample in kept.values()))
        series.running.append(sum(sample.running for sample in kept.values()))
    return series


def _longest(samples: Iterable[QueueSample], size: int) -> dict[int, QueueSample]:
    kept: dict[int, QueueSample] = {}
    for sample in samples:
        start = sample.at - sample.at % size
        if start not in kept or sample.waiting >= kept[start].waiting:
            kept[start] = sample
    return kept


# Workers


class Measurement(NamedTuple):
    """What was measured at a moment, or in the interval that begins then."""

    at: int
    variant: str
    mean: float
    low: float
    high: float
    weight: int = 1
    """How many reports that was."""


class Measured(msgspec.Struct, array_like=True):
    """As :class:`Measurement`, under the names it was reported by."""

    category: str
    metric: str
    variant: str
    mean: float
    low: float
    high: float
    weight: int


def merge(parts: Iterable[Iterable[Measured]]) -> list[Measured]:
    """Many reports as one: of each variant the mean, the least and the greatest value."""
    found: dict[tuple[str, str], Measured] = {}
    for part in parts:
        for one in part:
            known = found.setdefault((one.metric, one.variant), one)
            if known is one:
                continue
            weight = known.weight + one.weight
            found[one.metric, one.variant] = Measured(
                one.category,
                one.metric,
                one.variant,
                (known.mean * known.weight + one.mean * one.weight) / weight,
                min(known.low, one.low),
                max(known.high, one.high),
                weight,
            )
    return list(found.values())


def metric_series(
    samples: Iterable[Measurement], over: Grid, aggregation: Aggregation
) -> list[float]:
    """One number an interval: average, least or greatest of all that was measured; 0 for none."""
    found: dict[int, list[Measurement]] = {}
    for sample in samples:
        found.setdefault(over.floor(sample.at), []).append(sample)
    return [_aggregate(found.get(start, ()), aggregation) for start in over.starts()]


def _aggregate(samples: Sequence[Measurement], aggregation: Aggregation) -> float:
    if not samples:
        return 0
    if aggregation == "min":
        return min(sample.low for sample in samples)
    if aggregation == "max":
        return max(sample.high for sample in samples)
    weight = sum(sample.weight for sample in samples)
    return sum(sample.mean * sample.weight for sample in samples) / weight


class Sighting(NamedTuple):
    """One report of a worker."""

    at: int
    worker: str
    task: str | None


def activity(sightings: Iterable[Sighting], over: Grid) -> tuple[list[int], list[int]]:
    """How many workers reported in each interval, and how many of them with a task."""
    total: dict[int, set[str]] = {}
    active: dict[int, set[str]] = {}
    for seen in sightings:
        start = over.floor(seen.at)
        total.setdefault(start, set()).add(seen.worker)
        if seen.task:
            active.setdefault(start, set()).add(seen.worker)
    starts = over.starts()
    return (
        [len(total.get(start, ())) for start in starts],
        [len(active.get(start, ())) for start in starts],
    )


def flatten(stats: Mapping[str, object]) -> list[tuple[str, str, str, float]]:
    """A machine's report as (category, metric, variant, value); zeros and oddities left out.

    A list has one variant an element, named by its index; a single number is the ``total``.
    """
    found: list[tuple[str, str, str, float]] = []
    for metric, given in stats.items():
        category = metric.partition("_")[0]
        if isinstance(given, list | tuple):
            numbered = [(str(index), value) for index, value in enumerate(given)]
        else:
            numbered = [("total", given)]
        found += [
            (category, metric, variant, float(value))
            for variant, value in numbered
            if isinstance(value, int | float) and not isinstance(value, bool) and value
        ]
    return found
