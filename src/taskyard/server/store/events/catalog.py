"""Which metrics and variants a task has reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from taskyard.server.store.database.engine import Tx
from taskyard.server.store.telemetry_tables import insert_missing, number
from taskyard.server.store.telemetry_tables import series as table

Names = dict[str, frozenset[str] | None]
"""Metrics, and of each the wanted variants; None means all."""


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One type, metric and variant of one task; ``number`` is unique within the task."""

    task: str
    metric: str
    variant: str
    type: str
    number: int


def series_of(task: str, type_: str, metric: str, variant: str) -> Series:
    # PostgreSQL's text cannot hold the character zero.
    metric, variant = metric.replace("\0", ""), variant.replace("\0", "")
    return Series(task, metric, variant, type_, number(type_, metric, variant))


def register(tx: Tx, found: Iterable[Series]) -> None:
    """Make these series known. Those already known stay as they are."""
    rows = [
        {
            "task": s.task,
            "series": s.number,
            "type": s.type,
            "metric": s.metric,
            "variant": s.variant,
        }
        # One order for everybody: two writers that insert the same rows cannot wait in a circle.
        for s in sorted(set(found))
    ]
    insert_missing(tx, table, rows)


def find(
    tx: Tx,
    tasks: Collection[str],
    types: Collection[str] | None = None,
    names: Names | None = None,
) -> list[Series]:
    """The series of these tasks, by task, metric and variant; ``types`` None means all types."""
    query = select(table.c.task, table.c.metric, table.c.variant, table.c.type, table.c.series)
    query = query.where(table.c.task.in_(tasks))
    if types is not None:
        query = query.where(table.c.type.in_(types))
    if names is not None:
        query = query.where(table.c.metric.in_(list(names)))
    rows: Iterable[Any] = tx.execute(query)
    found = sorted(Series(*row) for row in rows)
    if names is None:
        return found
    return [s for s in found if _wanted(s, names)]


def _wanted(series: Series, names: Names) -> bool:
    variants = names.get(series.metric, frozenset())
    return variants is None or series.variant in variants


def variants_by_metric(found: Iterable[Series]) -> dict[str, list[str]]:
    grouped: dict[str, set[str]] = {}
    for series in found:
        grouped.setdefault(series.metric, set()).add(series.variant)
    return {metric: sorted(grouped[metric]) for metric in sorted(grouped)}
