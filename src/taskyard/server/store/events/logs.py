"""The console of tasks: events in packed chunks, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, case, delete, func, or_, select, update

from taskyard.api.events import LOG
from taskyard.server.domain import console
from taskyard.server.domain.console import Line
from taskyard.server.store.database import locks
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.telemetry_tables import (
    insert_missing,
    insert_rows,
    outputs,
    remove_chunks,
)
from taskyard.server.store.telemetry_tables import log_chunks as table

LINES = 2000
"""Events of a full chunk."""

TEXT = 256 << 10
"""Characters of a full chunk."""

LOOSE = 32
"""So many chunks as they came are joined into packed ones."""


def document(task: str, line: Line) -> dict[str, Any]:
    """An event as clients see it."""
    head = {"type": LOG, "task": task, "timestamp": line.time, "worker": line.worker}
    return {**head, "msg": line.msg, **(line.rest or {})}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk without its contents. Times in milliseconds."""

    id: int
    packed: bool
    first_time: int
    last_time: int
    lines: int
    """Events."""
    breaks: int
    """Lines of text that end in it."""


_HEAD = (
    table.c.id,
    table.c.packed,
    table.c.first_time,
    table.c.last_time,
    table.c.lines,
    table.c.breaks,
)

_Placed = tuple[int, bool, int, int, Line]
"""A line behind what orders it: time, whether its chunk is loose, the chunk, the place in it."""


def append(tx: Tx, task: str, lines: Iterable[Line]) -> None:
    """Add events to a task's console."""
    rows = [_row(task, part, packed=False) for part in _split(lines)]
    if rows:
        _queue_up(tx, task)
        insert_rows(tx, table, rows)
        tx.signal(f"log:{task}")


def _queue_up(tx: Tx, task: str) -> None:
    """Hold the console against others who add to it, until the commit.

    So the chunks' ids rise in the order in which they are committed: who counts in that order
    never sees one come in between.
    """
    locks.take(tx, f"console of {task}")


def _split(lines: Iterable[Line]) -> Iterator[list[Line]]:
    part: list[Line] = []
    size = 0
    for line in lines:
        if part and (len(part) >= LINES or size + len(line.msg) > TEXT):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line.msg)
    if part:
        yield part


_PACKED_LEVEL = 6
"""How hard packed chunks are compressed: that is done away from the commits."""

PLAIN = 8 << 10
"""From so many characters on a chunk is kept as it came, until it is packed a little later: to
compress it would hold the answer up."""


def _row(task: str, lines: Sequence[Line], *, packed: bool) -> dict[str, Any]:
    times = [line.time for line in lines]
    return {
        "task": task,
        "packed": packed,
        "first_time": min(times),
        "last_time": max(times),
        "lines": len(lines),
        "breaks": console.breaks(lines),
        "data": console.pack(lines, level=_level(lines, packed)),
    }


def _level(lines: Sequence[Line], packed: bool) -> int:
    if packed:
        return _PACKED_LEVEL
    return 0 if sum([len(line.msg) for line in lines]) >= PLAIN else 1


def count(tx: Tx, task: str) -> int:
    total = tx.execute(select(func.sum(table.c.lines)).where(table.c.task == task)).scalar()
    return int(total or 0)


def read(
    tx: Tx, task: str, after: int | None, limit: int, *, descending: bool = False
) -> list[Line]:
    """The next events by time from beyond ``after`` (milliseconds; None: from the end's start).

    At least ``limit`` if there are as many, and always all events of the last moment.
    """
    found: list[_Placed] = []
    for chunks, edge in _steps(tx, task, after, limit, descending):
        found += _within(_placed(tx, chunks), after, descending)
        if len(found) < limit:
            continue
        found.sort(key=_order, reverse=descending)
        # Beyond the edge of the chunks not read yet, lines may still come in between.
        last = found[limit - 1][0]
        if edge is None or (last > edge if descending else last < edge):
            break
    found.sort(key=_order, reverse=descending)
    end = limit
    while 0 < end < len(found) and found[end][0] == found[end - 1][0]:
        end += 1
    return [item[-1] for item in found[:end]]


def _order(item: _Placed) -> tuple[int, bool, int, int]:
    return item[:4]


def _within(items: Iterable[_Placed], after: int | None, descending: bool) -> Iterator[_Placed]:
    for item in items:
        if after is None or (item[0] < after if descending else item[0] > after):
            yield item


def _steps(
    tx: Tx, task: str, after: int | None, limit: int, descending: bool
) -> Iterator[tuple[list[Chunk], int | None]]:
    """Chunks in the order of reading, some ``limit`` lines a time, and where the next begins."""
    query = select(*_HEAD).where(table.c.task == task)
    if descending:
        query = query.order_by(table.c.last_time.desc(), table.c.id.desc())
        query = query if after is None else query.where(table.c.first_time < after)
    else:
        query = query.order_by(table.c.first_time, table.c.id)
        query = query if after is None else query.where(table.c.last_time > after)
    page = 64
    waiting: list[Chunk] = []
    read_all, offset = False, 0
    while True:
        if len(waiting) < 2 and not read_all:
            more = _chunks(tx, query.limit(page).offset(offset))
            offset += len(more)
            read_all = len(more) < page
            waiting += more
            page *= 2
            if len(waiting) < 2 and not read_all:
                continue
        if not waiting:
            return
        step = [waiting.pop(0)]
        while len(waiting) > (0 if read_all else 1) and sum(c.lines for c in step) < limit:
            step.append(waiting.pop(0))
        edge = (waiting[0].last_time if descending else waiting[0].first_time) if waiting else None
        yield step, edge


def _chunks(tx: Tx, query: Executable) -> list[Chunk]:
    rows: Iterable[Any] = tx.execute(query)
    return [Chunk(*row) for row in rows]


def as_they_came(tx: Tx, task: str) -> list[Chunk]:
    """All chunks of a console, in the order in which their events came."""
    order = (table.c.packed.desc(), table.c.id)
    return _chunks(tx, select(*_HEAD).where(table.c.task == task).order_by(*order))


def contents(tx: Tx, chunks: Sequence[Chunk]) -> dict[int, bytes]:
    """The packed events of chunks, by the chunk's id."""
    data: dict[int, bytes] = {}
    ids = [chunk.id for chunk in chunks]
    for start in range(0, len(ids), 500):
        query = select(table.c.id, table.c.data).where(table.c.id.in_(ids[start : start + 500]))
        rows: Iterable[Any] = tx.execute(query)
        data.update((row[0], row[1]) for row in rows)
    return data


def _placed(tx: Tx, chunks: Sequence[Chunk]) -> list[_Placed]:
    data = contents(tx, chunks)
    return [
        (line.time, not chunk.packed, chunk.id, place, line)
        for chunk in chunks
        for place, line in enumerate(console.unpack(data[chunk.id]))
    ]


def clear(tx: Tx, task: str, before: int | None) -> int:
    """Delete a task's console, or its events before a moment (milliseconds); how many."""
    mine = table.c.task == task
    _queue_up(tx, task)
    total = count(tx, task)
    known = sum(chunk.breaks for chunk in as_they_came(tx, task))
    if before is None:
        tx.execute(delete(table).where(mine))
        _move_up(tx, task, known)
        return total
    tx.execute(delete(table).where(mine, table.c.last_time < before))
    for chunk in _chunks(tx, select(*_HEAD).where(mine, table.c.first_time < before)):
        kept = [item[-1] for item in _placed(tx, [chunk]) if item[0] >= before]
        row = _row(task, kept, packed=chunk.packed)
        tx.execute(table.update().where(table.c.id == chunk.id).values(row))
    _move_up(tx, task, known - sum(chunk.breaks for chunk in as_they_came(tx, task)))
    return total - count(tx, task)


def _move_up(tx: Tx, task: str, gone: int) -> None:
    """Note that so many lines of text are gone from the console's beginning."""
    first = outputs.c.first_line
    moved = case((first > gone, first - gone), else_=0)
    mine = (outputs.c.task == task, first.is_not(None))
    tx.execute(update(outputs).where(*mine).values(first_line=moved))


def append_output(
    tx: Tx,
    task: str,
    attempt: int,
    offset: int,
    said: str,
    *,
    size: int | None = None,
    worker: str,
    time: int,
) -> int:
    """Add a chunk of an attempt's output, exactly once however often it is sent.

    ``offset`` is where the chunk begins, in bytes of output; ``size`` how many it stands for, if
    not those of its UTF-8; ``time`` is in milliseconds. Gives up to where the output is kept: a
    chunk that does not begin just there is not taken.
    """
    mine = (outputs.c.task == task, outputs.c.attempt == attempt)
    insert_missing(tx, outputs, [{"task": task, "attempt": attempt, "kept": 0}])
    kept = int(tx.execute(select(outputs.c.kept).where(*mine).with_for_update()).scalar_one())
    if offset != kept:
        return kept
    values: dict[str, int] = {}
    if said and not kept:
        _queue_up(tx, task)
        values["first_line"] = sum(chunk.breaks for chunk in as_they_came(tx, task))
    append(tx, task, console.output(said, worker, time))
    kept += len(said.encode("utf-8", "surrogatepass")) if size is None else size
    tx.execute(update(outputs).where(*mine).values(kept=kept, **values))
    return kept


@dataclass(frozen=True, slots=True)
class Packing:
    """Chunks of one console that are to be replaced by packed ones."""

    task: str
    old: tuple[int, ...]
    new: list[dict[str, Any]]


def crowded(tx: Tx, limit: int) -> list[str]:
    """Tasks with many loose chunks, or one that is not compressed."""
    query = (
        select(table.c.task)
        .where(~table.c.packed)
        .group_by(table.c.task)
        .having(
            or_(
                func.count() >= LOOSE,
                func.sum(table.c.lines) >= LINES,
                func.max(func.length(table.c.data)) >= PLAIN,
            )
        )
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def plan_packing(tx: Tx, task: str) -> Packing | None:
    """How to join a console's loose chunks, and the last packed one while it is not full."""
    mine = table.c.task == task
    old = _chunks(tx, select(*_HEAD).where(mine, ~table.c.packed))
    if not old:
        return None
    # Loose chunks are always younger than packed ones: so the order within a moment stays.
    newest = select(*_HEAD).where(mine, table.c.packed).order_by(table.c.id.desc())
    old += [chunk for chunk in _chunks(tx, newest.limit(1)) if chunk.lines < LINES]
    # In the order they came: who follows the console counts in it.
    old.sort(key=lambda chunk: (not chunk.packed, chunk.id))
    lines = [item[-1] for item in _placed(tx, old)]
    new = [_row(task, part, packed=True) for part in _split(lines)]
    return Packing(task, tuple(chunk.id for chunk in old), new)


def pack(tx: Tx, packing: Packing) -> None:
    """Replace the chunks. Raises Moved, to undo it all, when some are gone by now."""
    remove_chunks(tx, table, table.c.task == packing.task, packing.old)
    insert_rows(tx, table, packing.new)
