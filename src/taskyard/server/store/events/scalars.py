"""Numbers over iterations, in packed chunks of each series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Executable, and_, func, or_, select

from taskyard.server.domain import series as rules
from taskyard.server.domain.series import Buckets, Points
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events.catalog import Series
from taskyard.server.store.telemetry_tables import insert_rows, remove_chunks
from taskyard.server.store.telemetry_tables import scalar_chunks as table

LOOSE = 32
"""So many chunks as they came are joined into packed ones."""

LOOSE_POINTS = 1024
"""So many points are, too: what just came is not compressed yet."""

AT_ONCE = 200_000
"""Points held in memory while curves are drawn."""


@dataclass(frozen=True, slots=True)
class Chunk:
    id: int
    task: str
    series: int
    packed: bool
    first_iter: int
    last_iter: int
    points: int
    worker: str


@dataclass(slots=True)
class Chunks:
    """The chunks of one series, the oldest first: packed ones in order, then as they came."""

    series: Series
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def points(self) -> int:
        """How many points there are at most: an overwritten one counts as often as it came."""
        return sum(chunk.points for chunk in self.chunks)

    @property
    def worker(self) -> str:
        return self.chunks[-1].worker if self.chunks else ""

    def overlaps(self) -> bool:
        """Whether a point of one chunk may overwrite one of another."""
        return any(
            later.first_iter <= earlier.last_iter
            for earlier, later in zip(self.chunks, self.chunks[1:], strict=False)
        )


def append(tx: Tx, parts: Iterable[tuple[Series, str, Points]]) -> None:
    """Add points (series, worker, points in order of arrival) as chunks of their own."""
    rows = [
        _row(series.task, series.number, worker, chunk, packed=False)
        for series, worker, points in parts
        for chunk in rules.split(rules.tidy(points))
    ]
    insert_rows(tx, table, rows)


def _row(task: str, series: int, worker: str, points: Points, *, packed: bool) -> dict[str, object]:
    return {
        "task": task,
        "series": series,
        "packed": packed,
        "first_iter": points.iters[0],
        "last_iter": points.iters[-1],
        "points": len(points),
        "worker": worker.replace("\0", ""),
        "rollup": rules.pack_buckets(rules.roll_up(points)) if packed else None,
        "data": rules.pack(points, compress=packed),
    }


_HEAD = (
    table.c.id,
    table.c.task,
    table.c.series,
    table.c.packed,
    table.c.first_iter,
    table.c.last_iter,
    table.c.points,
    table.c.worker,
)


def chunks_of(tx: Tx, found: Sequence[Series]) -> list[Chunks]:
    """The chunks of each series, without their points, in the order of ``found``."""
    groups = {(s.task, s.number): Chunks(s) for s in found}
    tasks = sorted({s.task for s in found})
    query = select(*_HEAD).where(table.c.task.in_(tasks))
    if len(found) <= 100:
        query = query.where(table.c.series.in_(sorted({s.number for s in found})))
    for chunk in _chunks(tx, query):
        group = groups.get((chunk.task, chunk.series))
        if group is not None:
            group.chunks.append(chunk)
    for group in groups.values():
        group.chunks.sort(key=_age)
    return list(groups.values())


def _chunks(tx: Tx, query: Executable) -> list[Chunk]:
    rows: Iterable[Any] = tx.execute(query)
    return [Chunk(*row) for row in rows]


def _age(chunk: Chunk) -> tuple[bool, int]:
    # Packed chunks never overlap each other, and are older than every loose one.
    return (not chunk.packed, chunk.first_iter if chunk.packed else chunk.id)


def _load(tx: Tx, column: Column[bytes], ids: Sequence[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for start in range(0, len(ids), 500):
        query = select(table.c.id, column).where(table.c.id.in_(ids[start : start + 500]))
        rows: Iterable[Any] = tx.execute(query)
        found.update((row[0], row[1]) for row in rows)
    return found


def points_of(tx: Tx, chunks: Sequence[Chunk]) -> Points:
    """All points of one series' chunks (the oldest first)."""
    data = _load(tx, table.c.data, [chunk.id for chunk in chunks])
    return _join([data[chunk.id] for chunk in chunks])


def _join(data: Iterable[bytes]) -> Points:
    return rules.join([rules.unpack(chunk) for chunk in data])


def count(tx: Tx, groups: Iterable[Chunks]) -> int:
    """How many points there are, each iteration of a series counted once."""
    return sum(
        len(points_of(tx, group.chunks)) if group.overlaps() else group.points for group in groups
    )


@dataclass(frozen=True, slots=True)
class Curve:
    series: Series
    x: list[int]
    y: list[float]


def curves(tx: Tx, groups: Sequence[Chunks], samples: int, *, by_time: bool) -> Iterator[Curve]:
    """Each series as at most ``samples`` points (0: all) over iterations, or over time."""
    for batch in _batches(groups, samples):
        fine = [c.id for group in batch if not _coarse(group, samples) for c in group.chunks]
        data = _load(tx, table.c.data, fine)
        for group in batch:
            drawn = _coarse_curve(tx, group, samples, by_time) if _coarse(group, samples) else None
            if drawn is None:
                kept = [data[c.id] for c in group.chunks if c.id in data]
                points = _join(kept) if kept else points_of(tx, group.chunks)
                drawn = _fine_curve(points, samples, by_time)
            if drawn[0]:
                yield Curve(group.series, *drawn)


def _batches(groups: Sequence[Chunks], samples: int) -> Iterator[list[Chunks]]:
    batch: list[Chunks] = []
    held = 0
    for group in groups:
        batch.append(group)
        held += 0 if _coarse(group, samples) else group.points
        if held >= AT_ONCE:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _coarse(group: Chunks, samples: int) -> bool:
    """Whether the stored roll-up is fine enough for so few samples."""
    return bool(samples) and group.points >= samples * rules.STEP and not group.overlaps()


def _coarse_curve(
    tx: Tx, group: Chunks, samples: int, by_time: bool
) -> tuple[list[int], list[float]] | None:
    buckets = roll_up(tx, group.chunks)
    x = buckets.times if by_time else buckets.iters
    if by_time and any(map(int.__gt__, x, x[1:])):
        return None
    if not x:
        return [], []
    return rules.sample_buckets(x, buckets.sums, buckets.counts, samples)


def roll_up(tx: Tx, chunks: Sequence[Chunk]) -> Buckets:
    """The roll-up of chunks that do not overlap: the stored one, and that of loose chunks."""
    packed = [chunk for chunk in chunks if chunk.packed]
    rollups = _load(tx, table.c.rollup, [chunk.id for chunk in packed])
    buckets = Buckets()
    for chunk in packed:
        buckets.extend(rules.unpack_buckets(rollups[chunk.id]))
    buckets.extend(rules.roll_up(points_of(tx, [c for c in chunks if not c.packed])))
    return buckets


def _fine_curve(points: Points, samples: int, by_time: bool) -> tuple[list[int], list[float]]:
    points = rules.drawable(points)
    if by_time:
        points = rules.by_time(points)
        return rules.sample(points.times, points.values, samples)
    return rules.sample(points.iters, points.values, samples)


def tail(tx: Tx, group: Chunks, length: int) -> Points:
    """The last ``length`` points of a series that belong on its curve."""
    ordered = sorted(group.chunks, key=lambda chunk: chunk.last_iter)
    if group.overlaps():
        ordered_tail = group.chunks
    else:
        held, at = 0, len(ordered)
        while at and held < length + 1:
            at -= 1
            held += ordered[at].points
        ordered_tail = ordered[at:]
    points = rules.drawable(points_of(tx, ordered_tail))
    return points.slice(max(0, len(points) - length), len(points))


def single_values(tx: Tx, groups: Iterable[Chunks]) -> Iterator[tuple[Series, int, float]]:
    """What was reported without an iteration: series, time and value."""
    for group in groups:
        holding = [c for c in group.chunks if c.first_iter <= rules.SINGLE <= c.last_iter]
        if not holding:
            continue
        points = points_of(tx, holding)
        for iteration, time, value in zip(points.iters, points.times, points.values, strict=True):
            if iteration == rules.SINGLE and not math.isnan(value):
                yield group.series, time, value


@dataclass(frozen=True, slots=True)
class Point:
    """One point among those of several series."""

    iter: int
    time: int
    value: float
    group: Chunks


def window(
    tx: Tx, groups: Sequence[Chunks], after: int | None, limit: int, *, descending: bool = False
) -> list[Point]:
    """The next points of all the series by iteration, from beyond the iteration ``after``.

    At least ``limit`` if there are as many, and always all points of the last iteration.
    """
    sign = -1 if descending else 1
    start = None if after is None else sign * after
    waiting: list[tuple[int, int, Chunk, Chunks]] = []
    for group in groups:
        for chunk in group.chunks:
            near, far = sorted((sign * chunk.first_iter, sign * chunk.last_iter))
            if start is None or far > start:
                waiting.append((near, far, chunk, group))
    waiting.sort(key=lambda item: item[1])
    wanted = limit
    while True:
        border = _border(waiting, wanted)
        found = _between(tx, waiting, sign, start, border)
        if len(found) >= limit or border is None:
            break
        wanted *= 2
    # To the last detail the same each time, as a reader may go on in the middle of an iteration.
    found.sort(key=lambda point: (sign * point.iter, point.time, *_names_of(point)))
    end = limit
    while 0 < end < len(found) and found[end].iter == found[end - 1].iter:
        end += 1
    return found[:end]


def _names_of(point: Point) -> tuple[str, str, str]:
    return point.group.series.metric, point.group.series.variant, point.group.worker


def _border(waiting: list[tuple[int, int, Chunk, Chunks]], wanted: int) -> int | None:
    """Up to where to read so that some ``wanted`` points are met; None for all."""
    held = 0
    for _, far, chunk, _ in waiting:
        held += chunk.points
        if held >= wanted:
            return far
    return None


def _between(
    tx: Tx,
    waiting: list[tuple[int, int, Chunk, Chunks]],
    sign: int,
    start: int | None,
    border: int | None,
) -> list[Point]:
    chosen: dict[int, tuple[Chunks, list[Chunk]]] = {}
    for near, _, chunk, group in waiting:
        if border is None or near <= border:
            chosen.setdefault(id(group), (group, []))[1].append(chunk)
    found = []
    for group, chunks in chosen.values():
        points = points_of(tx, sorted(chunks, key=_age))
        for iteration, time, value in zip(points.iters, points.times, points.values, strict=True):
            place = sign * iteration
            if (start is None or place > start) and (border is None or place <= border):
                found.append(Point(iteration, time, value, group))
    return found


@dataclass(frozen=True, slots=True)
class Packing:
    """Chunks of one series that are to be replaced by packed ones."""

    task: str
    series: int
    old: tuple[int, ...]
    new: list[dict[str, object]]


def crowded(tx: Tx, limit: int) -> list[tuple[str, int]]:
    """Series (task and number) with many loose chunks."""
    query = (
        select(table.c.task, table.c.series)
        .where(~table.c.packed)
        .group_by(table.c.task, table.c.series)
        .having(or_(func.count() >= LOOSE, func.sum(table.c.points) >= LOOSE_POINTS))
        .limit(limit)
    )
    return [(row.task, row.series) for row in tx.execute(query)]


def plan_packing(tx: Tx, task: str, series: int) -> Packing | None:
    """How to join a series' loose chunks with the packed ones they touch."""
    mine = and_(table.c.task == task, table.c.series == series)
    loose = _chunks(tx, select(*_HEAD).where(mine, ~table.c.packed))
    if not loose:
        return None
    first = min(chunk.first_iter for chunk in loose)
    packed = select(*_HEAD).where(mine, table.c.packed)
    touched = _chunks(tx, packed.where(table.c.last_iter >= first))
    before = packed.where(table.c.last_iter < first).order_by(table.c.last_iter.desc()).limit(1)
    touched += [chunk for chunk in _chunks(tx, before) if chunk.points < rules.CHUNK]
    old = sorted([*touched, *loose], key=_age)
    points = points_of(tx, old)
    new = [_row(task, series, old[-1].worker, p, packed=True) for p in rules.split(points)]
    return Packing(task, series, tuple(chunk.id for chunk in old), new)


def pack(tx: Tx, packing: Packing) -> None:
    """Replace the chunks. Raises Moved, to undo it all, when some are gone by now."""
    mine = and_(table.c.task == packing.task, table.c.series == packing.series)
    remove_chunks(tx, table, mine, packing.old)
    insert_rows(tx, table, packing.new)
