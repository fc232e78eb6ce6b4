"""From samples to figures: percentiles, ratios and a table. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Better = Literal["lower", "higher"]


class Measure(msgspec.Struct, kw_only=True):
    """One thing measured for several contenders, the first of which is ours."""

    benchmark: str
    what: str
    unit: str
    better: Better = "lower"
    aim: str = ""
    budget: dict[str, float] = {}
    """The most that ours may have, by what of its samples: ``p50``, ``p99`` or ``max``."""
    samples: dict[str, list[float]]
    """By contender, in the order in which they are shown."""
    notes: list[str] = []


class Figure(msgspec.Struct, kw_only=True):
    """One contender's samples in short."""

    contender: str
    count: int
    p50: float
    p99: float
    lowest: float
    highest: float
    ours_is_better: float
    """How many times better ours is by the medians; below 1 it is worse."""


def percentile(samples: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the samples lie, between neighbours by line.

    Raises ValueError when there are no samples, or when ``share`` is outside its bounds.
    """
    if not samples:
        raise ValueError("no samples: there is no percentile of nothing")
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, and {share} does not")
    ordered = sorted(samples)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def figures(samples: Mapping[str, Sequence[float]], better: Better) -> list[Figure]:
    """Every contender in short, compared with the first."""
    medians = {name: percentile(values, 0.5) for name, values in samples.items()}
    ours = next(iter(medians.values()))
    return [
        Figure(
            contender=name,
            count=len(values),
            p50=medians[name],
            p99=percentile(values, 0.99),
            lowest=min(values),
            highest=max(values),
            ours_is_better=_times(ours, medians[name], better),
        )
        for name, values in samples.items()
    ]


def _times(ours: float, theirs: float, better: Better) -> float:
    more, less = (theirs, ours) if better == "lower" else (ours, theirs)
    return more / less if less else float("inf")


def table(measure: Measure) -> str:
    """The measure for people: a heading, a line a contender, the notes."""
    heading = f"{measure.benchmark}: {measure.what} ({measure.unit}, {measure.better} is better)"
    columns = ["", "n", "p50", "p99", "min", "max", "against ours"]
    rows = [
        [
            one.contender,
            str(one.count),
            *(_number(value) for value in (one.p50, one.p99, one.lowest, one.highest)),
            _ratio(one.ours_is_better) if position else "",
        ]
        for position, one in enumerate(figures(measure.samples, measure.better))
    ]
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = [heading, *(_line(row, widths) for row in [columns, *rows])]
    if measure.aim:
        lines.append(f"  aim: {measure.aim}")
    lines += [f"  {note}" for note in measure.notes]
    return "\n".join(lines)


def budgets(measures: Sequence[Measure]) -> str:
    """What ours may have and has, a line for each budget, and whether it is met."""
    rows = [["", "budget", "measured", ""]]
    for measure in measures:
        ours = figures(measure.samples, measure.better)[0]
        measured = {"p50": ours.p50, "p99": ours.p99, "max": ours.highest}
        for of, most in measure.budget.items():
            which = f" ({of})" if ours.count > 1 else ""
            verdict = "met" if measured[of] <= most else "missed"
            row = [f"{most:,g} {measure.unit}", f"{_number(measured[of])} {measure.unit}", verdict]
            rows.append([f"{measure.what}{which}", *row])
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first = row[0].ljust(widths[0])
    rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  " + "  ".join([first, *rest]).rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(times: float) -> str:
    """A difference of less than half is within the noise of a shared machine."""
    if times >= 1.5:
        return f"{_number(times)}x worse"
    if times <= 1 / 1.5:
        return f"{_number(1 / times)}x better"
    return "a tie"
