"""Numbers and lines that tasks report: taking them in over HTTP, the room they need, and reading.

Beside rows in SQLite, and in PostgreSQL by COPY into a table with a primary key, both in this
process and without HTTP: of those only the time in the database is counted.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from tests.beds import postgres

from benchmarks import stage
from benchmarks.figures import Measure
from benchmarks.stage import Stage
from taskyard.server.store.events import logs, scalars

EVENTS = 100_000
"""Points, and lines, of each round."""
BATCH = 1_000
SERIES = 10
LINES = 1_000_000
"""Of the console that is read and searched."""
POINTS = 100_000
"""Of the curve that is drawn."""
START = 1_790_000_000_000

Row = tuple[Any, ...]


def points(seed: int) -> list[Row]:
    """Task, metric, iteration, milliseconds, value: in the order in which a training has them."""
    chance = random.Random(seed)
    return [
        ("task", f"loss{i % SERIES}", i // SERIES, START + 37 * i, chance.random())
        for i in range(EVENTS)
    ]


def lines(count: int, seed: int = 0) -> list[Row]:
    """Task, number, milliseconds, text."""
    chance = random.Random(seed)
    return [
        ("task", i, START + i, f"epoch {i // 500} step {i} loss {chance.random():.4f} lr 0.0003")
        for i in range(count)
    ]


def scalar(task: str, row: Row) -> dict[str, Any]:
    _, metric, iteration, at, value = row
    head = {"type": "training_stats_scalar", "task": task, "metric": metric, "variant": "train"}
    return {**head, "iter": iteration, "timestamp": at, "value": value, "worker": "gpu01:0"}


def line(task: str, row: Row) -> dict[str, Any]:
    return {"type": "log", "task": task, "timestamp": row[2], "msg": row[3], "worker": "gpu01:0"}


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample taking in ``rounds`` times each, then reading."""
    with (
        stage.server(folder / "stage") as running,
        postgres.stoppable(options="-c fsync=on -c shared_buffers=512MB") as cluster,
    ):
        taken = [
            _taken("points", rounds, running, cluster.url, folder, points, scalar),
            _taken("lines", rounds, running, cluster.url, folder, _lines_of, line),
        ]
        return [*(measure for pair in taken for measure in pair), *_read(running, rounds)]


def _lines_of(seed: int) -> list[Row]:
    return lines(EVENTS, seed)


def _taken(
    what: str,
    rounds: int,
    running: Stage,
    url: str,
    folder: Path,
    make: Callable[[int], list[Row]],
    event: Callable[[str, Row], dict[str, Any]],
) -> list[Measure]:
    rates: dict[str, list[float]] = {}
    sizes: dict[str, list[float]] = {}
    for number in range(rounds):
        rows = make(number)
        for name, took, size in (
            ("taskyard, HTTP", *_ours(running, rows, event)),
            ("SQLite rows", *_sqlite(folder / f"{what}-{number}.db", rows)),
            ("PostgreSQL COPY", *_copy(url, rows)),
        ):
            rates.setdefault(name, []).append(len(rows) / took)
            sizes.setdefault(name, []).append(size / len(rows))
    return [
        Measure(
            benchmark="telemetry",
            what=f"{what} taken a second",
            unit="1/s",
            better="higher",
            aim="1.5 times SQLite rows, twice PostgreSQL's COPY",
            samples=rates,
        ),
        Measure(
            benchmark="telemetry",
            what=f"room for {what}",
            unit="bytes each",
            aim="half of SQLite rows",
            samples=sizes,
        ),
    ]


def _batches(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _ours(
    running: Stage, rows: list[Row], event: Callable[[str, Row], dict[str, Any]]
) -> tuple[float, float]:
    """The seconds it took, and the bytes that the packed chunks have."""
    task = running.create_task("reports", {})
    bodies = [
        b"\n".join(msgspec.json.encode(event(task, row)) for row in batch)
        for batch in _batches(rows)
    ]
    before = _chunk_bytes(running)
    send = stage.sender(running)
    began = time.perf_counter()
    for body in bodies:
        send(body)
    took = time.perf_counter() - began
    stage.wait_for("packing", lambda: _loose(running) == 0, pause=0.5)
    return took, _chunk_bytes(running) - before


def _chunk_bytes(running: Stage) -> float:
    with _telemetry(running) as known:
        (size,) = known.execute(
            "SELECT sum(size) FROM (SELECT sum(length(data) + coalesce(length(rollup), 0)) + "
            "100 * count(*) AS size FROM scalar_chunks "
            "UNION ALL SELECT sum(length(data)) + 100 * count(*) FROM log_chunks)"
        ).fetchone()
    return float(size or 0)


def _loose(running: Stage) -> int:
    """Chunks that wait to be packed, but for a remainder that is always left."""
    with _telemetry(running) as known:
        (count,) = known.execute(
            "SELECT count(*) FROM (SELECT task FROM scalar_chunks WHERE NOT packed "  # noqa: S608
            f"GROUP BY task, series HAVING count(*) >= {scalars.LOOSE} "
            f"OR sum(points) >= {scalars.LOOSE_POINTS} "
            "UNION ALL SELECT task FROM log_chunks WHERE NOT packed GROUP BY task "
            f"HAVING count(*) >= {logs.LOOSE} OR max(length(data)) >= {logs.PLAIN})"
        ).fetchone()
    return int(count)


def _telemetry(running: Stage) -> sqlite3.Connection:
    return sqlite3.connect(running.folder / "server" / "telemetry.db")


def _sqlite(file: Path, rows: list[Row]) -> tuple[float, float]:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    width = len(rows[0])
    keys = "a, b, c" if width == 5 else "a, b"
    columns = ", ".join("abcde"[:width])
    database.execute(f"CREATE TABLE events ({columns}, PRIMARY KEY ({keys})) WITHOUT ROWID")
    insert = f"INSERT INTO events VALUES ({', '.join('?' * width)})"  # noqa: S608
    began = time.perf_counter()
    for batch in _batches(rows):
        database.execute("BEGIN")
        database.executemany(insert, batch)
        database.execute("COMMIT")
    took = time.perf_counter() - began
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return took, file.stat().st_size


def _copy(url: str, rows: list[Row]) -> tuple[float, float]:
    numeric = "a text, b text, c bigint, d bigint, e double precision, PRIMARY KEY (a, b, c)"
    textual = "a text, b bigint, c bigint, d text, PRIMARY KEY (a, b)"
    wide = len(rows[0]) == 5
    types = ["text", "text", "int8", "int8", "float8"] if wide else ["text", "int8", "int8", "text"]
    with psycopg.connect(url) as database:
        database.execute(f"CREATE TABLE events ({numeric if wide else textual})")
        database.commit()
        began = time.perf_counter()
        for batch in _batches(rows):
            with database.cursor().copy("COPY events FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(types)
                for row in batch:
                    copy.write_row(row)
            database.commit()
        took = time.perf_counter() - began
        found = database.execute("SELECT pg_total_relation_size('events')").fetchone()
        database.execute("DROP TABLE events")
        assert found is not None
        return took, float(found[0])


def _read(running: Stage, rounds: int) -> list[Measure]:
    """A long console, and a long curve."""
    send = stage.sender(running)
    console = running.create_task("prints", {})
    for batch in _batches(lines(LINES)):
        body = b"\n".join(msgspec.json.encode(line(console, row)) for row in batch)
        send(body)
    curve = running.create_task("learns", {})
    long = [("", "loss", i, START + 37 * i, random.random()) for i in range(POINTS)]
    for batch in _batches(long):
        body = b"\n".join(msgspec.json.encode(scalar(curve, row)) for row in batch)
        send(body)
    stage.wait_for("packing", lambda: _loose(running) == 0, pause=0.5)
    log, window = "events.read_log", "events.scalar_window"
    search = {"task": console, "limit": 100, "seconds": 10}
    asked: dict[str, tuple[str, dict[str, Any], str]] = {
        "the last 1,000 of a million lines": (log, {"task": console, "first": -1000}, "20 ms"),
        "1,000 lines in the middle": (log, {"task": console, "first": LINES // 2}, "20 ms"),
        "a search of a million lines: none": (
            "events.search_log",
            {**search, "pattern": "Traceback"},
            "",
        ),
        "a search of a million lines: a pattern": (
            "events.search_log",
            {**search, "pattern": r"step \d*777 .*loss 0\.1", "regex": True},
            "",
        ),
        "100,000 points in 1,000 steps": (window, {"task": curve, "steps": 1000}, "5 ms"),
        "a window of 1,000 points in full": (
            window,
            {"task": curve, "steps": 1000, "from": 50_000, "to": 50_999},
            "",
        ),
        "100,000 points as averages": (
            "events.scalar_metrics_iter_histogram",
            {"task": curve, "samples": 1000},
            "5 ms",
        ),
    }
    return [
        Measure(
            benchmark="telemetry",
            what=what,
            unit="ms",
            aim=aim,
            samples={"taskyard, HTTP": [_timed(running, action, body) for _ in range(4 * rounds)]},
        )
        for what, (action, body, aim) in asked.items()
    ]


def _timed(running: Stage, action: str, body: dict[str, Any]) -> float:
    began = time.perf_counter()
    running.api.raw(action, body)
    return (time.perf_counter() - began) * 1000
