"""Series of numbers: how points are joined, packed into bytes, rolled up and sampled.

A series is held as three columns of equal length: iterations (ascending, each once), times
(milliseconds since the epoch) and values. A NaN stands for a point that has no value.
"""

from __future__ import annotations

import itertools
import math
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SINGLE = -(2**31)
"""The iteration of a value that belongs to none; clients report such values under it."""

_JUST_SINGLE = array("q", [SINGLE])

CHUNK = 4096
"""Points of a full chunk."""

STEP = 32
"""Points that one bucket of a stored roll-up stands for."""

_HEAD = struct.Struct("<BI")
_COMPRESSED, _SHUFFLED = 1, 2
_PLAIN_BELOW = 32
"""Shorter columns are kept as they are: compressing them costs more than it saves."""


def _ints() -> array[int]:
    return array("q")


def _floats() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Points:
    iters: array[int] = field(default_factory=_ints)
    times: array[int] = field(default_factory=_ints)
    values: array[float] = field(default_factory=_floats)

    def __len__(self) -> int:
        return len(self.iters)

    def slice(self, start: int, end: int) -> Points:
        return Points(self.iters[start:end], self.times[start:end], self.values[start:end])

    def followed_by(self, other: Points) -> Points:
        return Points(
            self.iters + other.iters, self.times + other.times, self.values + other.values
        )

    def append(self, iteration: int, time: int, value: float) -> None:
        self.iters.append(iteration)
        self.times.append(time)
        self.values.append(value)

    def extend(self, other: Points) -> None:
        self.iters.extend(other.iters)
        self.times.extend(other.times)
        self.values.extend(other.values)


@dataclass(slots=True)
class Buckets:
    """A roll-up: runs of consecutive points, each by its first point, its sum, its least and
    greatest value and its length."""

    iters: array[int] = field(default_factory=_ints)
    times: array[int] = field(default_factory=_ints)
    sums: array[float] = field(default_factory=_floats)
    lows: array[float] = field(default_factory=_floats)
    highs: array[float] = field(default_factory=_floats)
    counts: array[int] = field(default_factory=_ints)

    def __len__(self) -> int:
        return len(self.iters)

    def slice(self, start: int, end: int) -> Buckets:
        return Buckets(
            self.iters[start:end],
            self.times[start:end],
            self.sums[start:end],
            self.lows[start:end],
            self.highs[start:end],
            self.counts[start:end],
        )

    def extend(self, other: Buckets) -> None:
        self.iters.extend(other.iters)
        self.times.extend(other.times)
        self.sums.extend(other.sums)
        self.lows.extend(other.lows)
        self.highs.extend(other.highs)
        self.counts.extend(other.counts)


def join(parts: Sequence[Points]) -> Points:
    """One series out of parts, the oldest first: of one iteration the latest part counts."""
    joined = Points()
    for part in parts:
        joined.extend(part)
    return tidy(joined)


def tidy(points: Points) -> Points:
    """The same points in order of iteration, each once: the one that was added last."""
    iters = points.iters
    if all(map(int.__lt__, iters, itertools.islice(iters, 1, None))):
        return points
    last = {iteration: place for place, iteration in enumerate(iters)}
    places = [last[iteration] for iteration in sorted(last)]
    return _pick(points, places)


def _pick(points: Points, places: Sequence[int]) -> Points:
    return Points(
        array("q", [points.iters[p] for p in places]),
        array("q", [points.times[p] for p in places]),
        array("d", [points.values[p] for p in places]),
    )


def split(points: Points, size: int = CHUNK) -> Iterator[Points]:
    for start in range(0, len(points), size):
        yield points.slice(start, start + size)


def drawable(points: Points) -> Points:
    """The points that belong on a curve: with a value, and reported under an iteration."""
    values, place = points.values, bisect_left(points.iters, SINGLE)
    # A sum is NaN when one of its terms is: far quicker than looking at each.
    if points.iters[place : place + 1] != _JUST_SINGLE and not math.isnan(sum(values)):
        return points
    places = [
        place
        for place, (iteration, value) in enumerate(zip(points.iters, values, strict=True))
        if iteration != SINGLE and not math.isnan(value)
    ]
    return _pick(points, places)


def roll_up(points: Points) -> Buckets:
    """Buckets of STEP points of what belongs on a curve."""
    points = drawable(points)
    runs = [points.values[at : at + STEP] for at in range(0, len(points), STEP)]
    return Buckets(
        points.iters[::STEP],
        points.times[::STEP],
        array("d", map(sum, runs)),
        array("d", map(min, runs)),
        array("d", map(max, runs)),
        array("q", map(len, runs)),
    )


def by_time(points: Points) -> Points:
    """The same points in order of time."""
    times = points.times
    if all(map(int.__le__, times, itertools.islice(times, 1, None))):
        return points
    return _pick(points, sorted(range(len(times)), key=times.__getitem__))


def sample(x: array[int], y: array[float], samples: int) -> tuple[list[int], list[float]]:
    """At most ``samples`` points (0: no limit) of a curve whose ``x`` ascends.

    More are averaged over steps of equal width; a step is drawn at its first point.
    """
    if not samples or len(x) <= samples:
        return x.tolist(), y.tolist()
    starts = _steps(x, samples)
    ends = [*starts[1:], len(x)]
    means = [sum(y[a:b]) / (b - a) for a, b in zip(starts, ends, strict=True)]
    return [x[a] for a in starts], means


def sample_buckets(
    x: array[int], sums: array[float], counts: array[int], samples: int
) -> tuple[list[int], list[float]]:
    """What :func:`sample` gives, to within a bucket at each border, from a roll-up."""
    starts = _steps(x, samples)
    spans, lengths = _spans(starts, counts)
    means = [sum(sums[a:b]) / n for (a, b), n in zip(spans, lengths, strict=True)]
    return [x[a] for a in starts], means


@dataclass(slots=True)
class Window:
    """A part of a curve: where each step of it begins, its mean, its least and greatest value."""

    x: list[int]
    means: list[float]
    lows: list[float]
    highs: list[float]
    counts: list[int]
    """Points of each step."""


def view(x: array[int], y: array[float], steps: int) -> Window:
    """At most ``steps`` steps of equal width over a curve whose ``x`` ascends."""
    starts = _steps(x, steps) if len(x) > steps else list(range(len(x)))
    runs = [y[a:b] for a, b in itertools.pairwise([*starts, len(x)])]
    return Window(
        [x[a] for a in starts],
        [sum(run) / len(run) for run in runs],
        [min(run) for run in runs],
        [max(run) for run in runs],
        [len(run) for run in runs],
    )


def view_buckets(buckets: Buckets, x: array[int], steps: int) -> Window:
    """What :func:`view` gives, to within a bucket at each border, from a roll-up."""
    starts = _steps(x, steps)
    spans, counts = _spans(starts, buckets.counts)
    # Lists hold their numbers ready; an array makes each anew whenever it is looked at.
    sums, lows, highs = (c.tolist() for c in (buckets.sums, buckets.lows, buckets.highs))
    return Window(
        [x[a] for a in starts],
        [sum(sums[a:b]) / n for (a, b), n in zip(spans, counts, strict=True)],
        [min(lows[a:b]) for a, b in spans],
        [max(highs[a:b]) for a, b in spans],
        counts,
    )


def _spans(starts: list[int], counts: array[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """The buckets of each step, from and to, and how many points they hold together."""
    passed = [0, *itertools.accumulate(counts)]
    spans = list(itertools.pairwise([*starts, len(counts)]))
    return spans, [passed[b] - passed[a] for a, b in spans]


def _steps(x: array[int], samples: int) -> list[int]:
    """Where each of at most ``samples`` steps of equal width begins."""
    first = x[0]
    width = (x[-1] - first) // samples + 1
    starts, at = [], 0
    while at < len(x):
        starts.append(at)
        border = first + ((x[at] - first) // width + 1) * width
        at = bisect_left(x, border, at + 1)
    return starts


def pack(points: Points, *, compress: bool = True) -> bytes:
    """Points as bytes: delta-coded, sorted by significance and compressed when that pays.

    Not so unless ``compress``: that takes far less time.
    """
    return _pack([points.iters, points.times], [points.values], compress=compress)


def unpack(data: bytes) -> Points:
    """The points that :func:`pack` was given. Raises ValueError for other bytes."""
    (iters, times), (values,) = _unpack(data, 2, 1)
    return Points(iters, times, values)


def pack_buckets(buckets: Buckets) -> bytes:
    ints = [buckets.iters, buckets.times, buckets.counts]
    return _pack(ints, [buckets.sums, buckets.lows, buckets.highs])


def unpack_buckets(data: bytes) -> Buckets:
    (iters, times, counts), (sums, lows, highs) = _unpack(data, 3, 3)
    return Buckets(iters, times, sums, lows, highs, counts)


def _pack(
    ints: Sequence[array[int]], floats: Sequence[array[float]], *, compress: bool = True
) -> bytes:
    length = len(ints[0])
    if length < _PLAIN_BELOW or not compress:
        plain = [_bytes(c) for c in ints] + [_bytes(c) for c in floats]
        return _HEAD.pack(0, length) + b"".join(plain)
    columns = [_bytes(_deltas(c)) for c in ints] + [_bytes(c) for c in floats]
    body = _shuffle(b"".join(columns))
    return _HEAD.pack(_COMPRESSED | _SHUFFLED, length) + zlib.compress(body, 1)


def _unpack(data: bytes, ints: int, floats: int) -> tuple[list[array[int]], list[array[float]]]:
    flags, length = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if flags & _COMPRESSED:
        body = zlib.decompress(body)
    width = 8 * length
    if len(body) != width * (ints + floats):
        raise ValueError("a packed series is damaged")
    if flags & _SHUFFLED:
        body = _unshuffle(body)
    columns = [body[at * width : (at + 1) * width] for at in range(ints + floats)]
    whole = [_array("q", column) for column in columns[:ints]]
    if flags & _SHUFFLED:
        whole = [_totals(column) for column in whole]
    return whole, [_array("d", column) for column in columns[ints:]]


def _deltas(column: array[int]) -> array[int]:
    """Differences from one to the next, wrapped to 64 bits, which :func:`_totals` undoes."""
    try:
        return array(
            "q",
            itertools.chain(column[:1], map(int.__sub__, column[1:], column)),
        )
    except OverflowError:
        wrapped = (_wrap(b - a) for a, b in itertools.pairwise(column))
        return array("q", itertools.chain(column[:1], wrapped))


def _totals(column: array[int]) -> array[int]:
    try:
        return array("q", itertools.accumulate(column))
    except OverflowError:
        return array("q", itertools.accumulate(column, lambda a, b: _wrap(a + b)))


def _wrap(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def _shuffle(data: bytes) -> bytes:
    """All first bytes of the numbers, then all second bytes: like beside like compresses."""
    return b"".join(data[at::8] for at in range(8))


def _unshuffle(data: bytes) -> bytes:
    length = len(data) // 8
    out = bytearray(len(data))
    for at in range(8):
        out[at::8] = data[at * length : (at + 1) * length]
    return bytes(out)


def _bytes(column: array[int] | array[float]) -> bytes:
    """Little-endian on every machine: a database may move."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _array(code: str, data: bytes) -> array:  # type: ignore[type-arg]
    column: array = array(code)  # type: ignore[type-arg]
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
