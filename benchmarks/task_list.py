"""How long one page of a list of very many tasks takes, over HTTP with a token, by kind of query.

The server keeps tasks in the order of a metric or parameter once somebody asked for it: how long
it takes until then is said apart. Each sample asks for another page of its kind: another project,
another word, another place.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import many_tasks
from benchmarks.figures import Measure
from benchmarks.many_tasks import name_of
from benchmarks.stage import PATIENCE, Stage
from taskyard.api.errors import ApiError
from taskyard.server.domain.last_metrics import key

Query = dict[str, Any]
Kind = Callable[[random.Random], Query]

SHOWN = ["name", "status", "type", "tags", "project.name", "user.name", "started", "last_update"]
_LOSS = f"last_metrics.{key('loss')}.{key('val')}.value"
_LR = "hyperparams.Args.lr.value"
SOON = 1000
"""Milliseconds: a page that takes less was found in an order that is kept."""


def _project(chance: random.Random) -> Query:
    return {"project": [name_of("project", chance.randrange(40))]}


def _small_project(chance: random.Random) -> Query:
    return {"project": [name_of("project", chance.randrange(40, 150))]}


PAGES: dict[str, Kind] = {
    "all, by last update": lambda _: {},
    "not archived, by last update": lambda _: {"system_tags": ["-archived"]},
    "all, by creation": lambda _: {"order_by": ["-created"]},
    "all, by name": lambda _: {"order_by": ["name"]},
    "all, by start": lambda _: {"order_by": ["-started"]},
    "page 100": lambda _: {"page": 100},
    "one status": lambda c: {"status": [c.choice(["failed", "completed", "in_progress"])]},
    "two statuses": lambda _: {"status": ["failed", "completed"]},
    "live tasks": lambda _: {"status": ["queued", "in_progress"]},
    "a project": _project,
    "a project, not archived": lambda c: {**_project(c), "system_tags": ["-archived"]},
    "a project, one status": lambda c: {**_project(c), "status": ["failed"]},
    "a project, by name": lambda c: {**_project(c), "order_by": ["name"]},
    "a common tag": lambda c: {"tags": [c.choice(many_tasks.TAGS)]},
    "a rare tag": lambda _: {"tags": [many_tasks.RARE_TAG]},
    "a type": lambda c: {"type": [c.choice(["testing", "inference", "optimizer"])]},
    "a user": lambda c: {"user": [name_of("user", c.randrange(50))]},
    "name: common word": lambda c: {"name": c.choice(many_tasks.WORDS)},
    "name: rare": lambda c: {"name": f"t5 sweep {c.randrange(1000)}$"},
    "search text: common": lambda c: {"search_text": c.choice(many_tasks.MODELS)},
    "search text: rare": lambda c: {"search_text": f'"unet debug {c.randrange(100, 1000)}"'},
    "a parameter": lambda c: {_LR: f"{10 ** c.uniform(-5, -1):.6f}"},
    "a small project, by metric": lambda c: {**_small_project(c), "order_by": [f"-{_LOSS}"]},
    "a small project, by parameter": lambda c: {**_small_project(c), "order_by": [_LR]},
    "all, by metric": lambda _: {"order_by": [f"-{_LOSS}"]},
    "all, by parameter": lambda _: {"order_by": [_LR]},
}


def run(
    folder: Path, rounds: int, databases: tuple[str, ...] = ("sqlite",), tasks: int = 1_000_000
) -> list[Measure]:
    """Sample every kind of page ``rounds`` times on each database."""
    samples: dict[str, dict[str, list[float]]] = {}
    notes = []
    for database in databases:
        with many_tasks.served(database, tasks) as running:
            notes += [f"{database}: {words}" for words in _have_in_order(running)]
            for what, took in _pages(running, rounds).items():
                samples.setdefault(what, {})[database] = took
    measures = [
        Measure(benchmark="task_list", what=what, unit="ms", aim="p95 of 50 ms", samples=took)
        for what, took in samples.items()
    ]
    measures[-1].notes += notes
    return measures


def _have_in_order(running: Stage) -> Iterator[str]:
    """Ask for orders by value until they are kept; says how long that took."""
    for name, field in {"metric": _LOSS, "parameter": _LR}.items():
        began = time.monotonic()
        first = took = _asked_first(running, field)
        while took > SOON and time.monotonic() < began + PATIENCE:
            time.sleep(1)
            took = _asked_first(running, field)
        waited = time.monotonic() - began
        yield f"by {name} the first time {first:.0f} ms; kept in order {waited:.0f} s later"


def _asked_first(running: Stage, field: str) -> float:
    """How long the first page by ``field`` takes (ms), also if it is refused for taking long."""
    began = time.perf_counter()
    with contextlib.suppress(ApiError):
        _timed(running, "tasks.get_all_ex", {"order_by": [field], "only_fields": SHOWN})
    return (time.perf_counter() - began) * 1000


def _pages(running: Stage, rounds: int) -> dict[str, list[float]]:
    chance = random.Random(2)
    found: dict[str, list[float]] = {}
    for what, kind in PAGES.items():
        # Of the slowest, one sample says enough.
        for _ in range(rounds):
            query = {"order_by": ["-last_update"], "page": 0, "page_size": 50} | kind(chance)
            took = _timed(running, "tasks.get_all_ex", {**query, "only_fields": SHOWN})
            found.setdefault(what, []).append(took)
            if took > 2000:
                break
    found["by scroll"] = _scrolled(running, rounds)
    stats = {"include_stats": True, "stats_for_state": "active", "page": 0, "page_size": 500}
    for what, more in {"": {}, " of a page of 8": {"page_size": 8}}.items():
        named = f"statistics of projects{what}"
        found[named] = [
            _timed(running, "projects.get_all_ex", {**stats, **more}) for _ in range(min(rounds, 5))
        ]
    return found


def _scrolled(running: Stage, rounds: int) -> list[float]:
    took: list[float] = []
    query: Query = {"size": 500, "only_fields": SHOWN, "order_by": ["-last_update"]}
    for _ in range(rounds):
        began = time.perf_counter()
        found = running.api.raw("tasks.get_all_ex", query)
        took.append((time.perf_counter() - began) * 1000)
        query["scroll_id"] = found["scroll_id"]
    return took


def _timed(running: Stage, action: str, query: Mapping[str, Any]) -> float:
    began = time.perf_counter()
    running.api.raw(action, dict(query), timeout=PATIENCE)
    return (time.perf_counter() - began) * 1000
