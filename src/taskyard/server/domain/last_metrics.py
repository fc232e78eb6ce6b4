"""The summary of a task's scalars that travels with the task: last, least, greatest, first, mean.

It is kept as ``{md5(metric): {md5(variant): {...}}}``: names hold characters that paths of the
query language cannot.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from taskyard.server.domain.series import Points


@dataclass(slots=True)
class Reported:
    """What one request brought for one variant, in the order of arrival."""

    metric: str
    variant: str
    points: Points = field(default_factory=Points)
    x_axis_label: str | None = None


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def merge(known: dict[str, Any], news: list[Reported]) -> dict[str, Any]:
    """``known`` with what was reported since; ``known`` itself is not touched."""
    merged = {metric: dict(variants) for metric, variants in known.items()}
    for reported in news:
        variants = merged.setdefault(key(reported.metric), {})
        name = key(reported.variant)
        summary = summarise(variants.get(name), reported)
        if summary is not None:
            variants[name] = summary
    return {metric: variants for metric, variants in merged.items() if variants}


def summarise(known: dict[str, Any] | None, reported: Reported) -> dict[str, Any] | None:
    """The summary of one variant after ``reported``; None while it has no value at all."""
    iters, times, values = _valued(reported.points)
    if not values:
        return known
    # Of equals the first; of the latest moment, though, what came last.
    last = len(times) - 1 - times[::-1].index(max(times))
    low, high = values.index(min(values)), values.index(max(values))
    first = iters.index(min(iters))
    summary = {
        "metric": reported.metric,
        "variant": reported.variant,
        "value": values[last],
        "min_value": values[low],
        "min_value_iteration": iters[low],
        "max_value": values[high],
        "max_value_iteration": iters[high],
        "first_value": values[first],
        "first_value_iteration": iters[first],
        "count": len(values),
        "mean_value": sum(values) / len(values),
    }
    label = reported.x_axis_label or (known or {}).get("x_axis_label")
    if label:
        summary["x_axis_label"] = label
    if known:
        _widen(summary, known)
    return summary


def _widen(summary: dict[str, Any], known: dict[str, Any]) -> None:
    if known["min_value"] <= summary["min_value"]:
        _keep(summary, known, "min_value")
    if known["max_value"] >= summary["max_value"]:
        _keep(summary, known, "max_value")
    if known.get("first_value_iteration", math.inf) <= summary["first_value_iteration"]:
        _keep(summary, known, "first_value")
    before = known.get("count", 0)
    total = before + summary["count"]
    mean = known.get("mean_value", 0.0) * before + summary["mean_value"] * summary["count"]
    summary["count"], summary["mean_value"] = total, mean / total


def _keep(summary: dict[str, Any], known: dict[str, Any], name: str) -> None:
    summary[name] = known[name]
    summary[f"{name}_iteration"] = known[f"{name}_iteration"]


def _valued(points: Points) -> tuple[array[int], array[int], array[float]]:
    if not any(map(math.isnan, points.values)):
        return points.iters, points.times, points.values
    kept = Points()
    for iteration, time, value in zip(points.iters, points.times, points.values, strict=True):
        if not math.isnan(value):
            kept.append(iteration, time, value)
    return kept.iters, kept.times, kept.values
