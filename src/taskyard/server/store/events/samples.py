"""Plots, images and vectors: one row each."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Executable, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskyard.api.events import IMAGE, PLOT
from taskyard.server.store.database import locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import catalog
from taskyard.server.store.events.catalog import Series
from taskyard.server.store.telemetry_tables import number
from taskyard.server.store.telemetry_tables import samples as table

_COMPRESS_FROM = 256


@dataclass(frozen=True, slots=True)
class New:
    """A sample to keep; ``url`` is given for images only."""

    series: Series
    iter: int
    key: str
    timestamp: int
    worker: str
    drawable: bool
    url: str | None
    rest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a sample stands, without its contents."""

    id: int
    series: Series
    iter: int
    timestamp: int
    worker: str


def put(tx: Tx, news: Iterable[New]) -> None:
    """Keep samples; one of the same series, iteration and key is replaced."""
    insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    statement = insert(table)
    replace = {
        name: statement.excluded[name]
        for name in ("timestamp", "worker", "shown", "source", "data")
    }
    keys = ["task", "series", "iter", "key"]
    statement = statement.on_conflict_do_update(index_elements=keys, set_=replace)
    # Of several with one identity only the last may be in a statement.
    rows = {(n.series.task, n.series.number, n.iter, n.key): n for n in news}
    if not rows:
        return
    # An image changes those before it in its file: two batches would get in each other's way.
    for task in sorted({key[0] for key in rows}):
        locks.take(tx, f"samples of {task}")
    tx.execute(statement, [_row(new) for new in rows.values()])
    for new in rows.values():
        if new.url:
            _overwrite(tx, new)


def _row(new: New) -> dict[str, Any]:
    return {
        "task": new.series.task,
        "series": new.series.number,
        "iter": new.iter,
        "key": new.key.replace("\0", ""),
        "timestamp": new.timestamp,
        "worker": new.worker.replace("\0", ""),
        "shown": new.drawable,
        "source": number(new.url) if new.url else None,
        "data": _pack(new.rest),
    }


def _overwrite(tx: Tx, new: New) -> None:
    """Of the images in one file, show the latest iteration's."""
    mine = (
        table.c.task == new.series.task,
        table.c.series == new.series.number,
        table.c.source == number(new.url or ""),
    )
    latest = tx.execute(select(func.max(table.c.iter)).where(*mine)).scalar()
    tx.execute(update(table).where(*mine).values(shown=table.c.iter == latest))


def _pack(rest: dict[str, Any]) -> bytes:
    raw = msgspec.msgpack.encode(rest)
    return b"z" + zlib.compress(raw, 1) if len(raw) >= _COMPRESS_FROM else b"r" + raw


def _unpack(data: bytes) -> dict[str, Any]:
    raw = memoryview(data)[1:]
    return msgspec.msgpack.decode(zlib.decompress(raw) if data[:1] == b"z" else raw, type=dict)


_HEAD = (table.c.id, table.c.series, table.c.iter, table.c.timestamp, table.c.worker)


def find(tx: Tx, found: Sequence[Series], *, shown: bool = True) -> list[Sample]:
    """The samples of these series of ONE task, the latest iteration first.

    Without ``shown`` also those that cannot be drawn or are overwritten.
    """
    if not found:
        return []
    series = {s.number: s for s in found}
    query = select(*_HEAD).where(table.c.task == found[0].task, table.c.series.in_(sorted(series)))
    if shown:
        query = query.where(table.c.shown)
    samples = _samples(tx, query, series)
    samples.sort(key=lambda s: (-s.iter, s.series.metric, s.series.variant, s.timestamp, s.id))
    return samples


def _samples(tx: Tx, query: Executable, series: Mapping[int, Series]) -> list[Sample]:
    rows: Iterable[Any] = tx.execute(query)
    return [Sample(id_, series[n], it, at, worker) for id_, n, it, at, worker in rows]


def window(
    tx: Tx, found: Sequence[Series], after: int | None, limit: int, *, descending: bool = False
) -> list[Sample]:
    """The next samples of these series of ONE task by iteration, from beyond ``after``.

    At least ``limit`` if there are as many, and always all samples of the last iteration.
    """
    if not found:
        return []
    series = {s.number: s for s in found}
    mine = (table.c.task == found[0].task, table.c.series.in_(sorted(series)))
    order = (table.c.iter.desc() if descending else table.c.iter, table.c.timestamp, table.c.id)
    query = select(*_HEAD).where(*mine).order_by(*order)
    if after is not None:
        query = query.where(table.c.iter < after if descending else table.c.iter > after)
    samples = _samples(tx, query.limit(limit), series)
    if len(samples) < limit:
        return samples
    last = samples[-1].iter
    whole = select(*_HEAD).where(*mine, table.c.iter == last).order_by(*order)
    return [s for s in samples if s.iter != last] + _samples(tx, whole, series)


def count(tx: Tx, found: Sequence[Series]) -> int:
    """How many samples these series of ONE task have."""
    if not found:
        return 0
    query = select(func.count()).where(
        table.c.task == found[0].task, table.c.series.in_([s.number for s in found])
    )
    return int(tx.execute(query).scalar_one())


def latest(samples: Iterable[Sample], iterations: int) -> list[Sample]:
    """Of samples with the latest first, those of each series' latest iterations."""
    seen: dict[Series, set[int]] = {}
    kept = []
    for sample in samples:
        known = seen.setdefault(sample.series, set())
        if sample.iter in known or len(known) < iterations:
            known.add(sample.iter)
            kept.append(sample)
    return kept


def documents(tx: Tx, samples: Collection[Sample]) -> list[dict[str, Any]]:
    """The events as clients see them, in the given order."""
    contents = dict(_load(tx, [sample.id for sample in samples]))
    return [
        {
            "type": s.series.type,
            "task": s.series.task,
            "timestamp": s.timestamp,
            "worker": s.worker,
            "iter": s.iter,
            "metric": s.series.metric,
            "variant": s.series.variant,
            **contents[s.id],
        }
        for s in samples
    ]


def _load(tx: Tx, ids: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    for start in range(0, len(ids), 500):
        query = select(table.c.id, table.c.data).where(table.c.id.in_(ids[start : start + 500]))
        rows: Iterable[Any] = tx.execute(query)
        for id_, data in rows:
            yield id_, _unpack(data)


def urls(tx: Tx, tasks: Collection[str]) -> dict[str, list[str]]:
    """The addresses of images that tasks reported, by themselves or in plots; by task, sorted."""
    found: dict[str, set[str]] = {}
    for series in catalog.find(tx, tasks, [IMAGE, PLOT]):
        mine = (table.c.task == series.task, table.c.series == series.number)
        rows: Iterable[Any] = tx.execute(select(table.c.data).where(*mine))
        for (data,) in rows:
            found.setdefault(series.task, set()).update(_urls(_unpack(data)))
    return {task: sorted(urls) for task, urls in found.items()}


def _urls(event: dict[str, Any]) -> Iterator[str]:
    if isinstance(url := event.get("url"), str) and url:
        yield url
    try:
        plot = msgspec.json.decode(event.get("plot_str") or "{}", type=_Plot)
    except (msgspec.DecodeError, RecursionError):
        return
    for image in (plot.layout and plot.layout.images) or ():
        # A plot may also carry its picture in itself.
        if image.source and not image.source.startswith("data:"):
            yield image.source


class _PlotImage(msgspec.Struct):
    source: str | None = None


class _PlotLayout(msgspec.Struct):
    images: list[_PlotImage] | None = None


class _Plot(msgspec.Struct):
    """Of a plot, what tells of files."""

    layout: _PlotLayout | None = None
