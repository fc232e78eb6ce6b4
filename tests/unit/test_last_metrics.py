"""The summary of scalars on a task."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskyard.server.domain import last_metrics
from taskyard.server.domain.last_metrics import Reported
from taskyard.server.domain.series import Points

BATCHES = st.lists(
    st.lists(st.tuples(st.integers(0, 50), st.floats(-100, 100)), max_size=10), max_size=6
)


def reported(rows: list[tuple[int, float]], **more: Any) -> Reported:
    found = Points()
    for time, (iteration, value) in enumerate(rows):
        found.append(iteration, time, value)
    return Reported("loss", "train", found, **more)


def summary(batches: list[list[tuple[int, float]]]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for batch in batches:
        known = last_metrics.merge(known, [reported(batch)])
    variants = known.get(last_metrics.key("loss"), {})
    found: dict[str, Any] = variants.get(last_metrics.key("train"), {})
    return found


@given(BATCHES)
def test_least_and_greatest_are_over_all_that_was_ever_reported(
    batches: list[list[tuple[int, float]]],
) -> None:
    values = [value for batch in batches for _, value in batch]

    found = summary(batches)

    assert found.get("min_value") == min(values, default=None)
    assert found.get("max_value") == max(values, default=None)


@given(BATCHES)
def test_extremes_name_an_iteration_that_had_them(
    batches: list[list[tuple[int, float]]],
) -> None:
    rows = {row for batch in batches for row in batch}

    found = summary(batches)

    for name in ("min_value", "max_value") if rows else ():
        assert (found[f"{name}_iteration"], found[name]) in rows


@given(BATCHES)
def test_count_and_mean_are_over_all_reports(batches: list[list[tuple[int, float]]]) -> None:
    values = [value for batch in batches for _, value in batch]

    found = summary(batches)

    assert found.get("count", 0) == len(values)
    assert not values or math.isclose(
        found["mean_value"], sum(values) / len(values), rel_tol=1e-6, abs_tol=1e-6
    )


def test_the_value_is_the_latest_by_time() -> None:
    late_first = Points()
    late_first.append(5, 200, 2.0)
    late_first.append(4, 100, 1.0)

    found = last_metrics.summarise(None, Reported("loss", "train", late_first))

    assert found is not None
    assert found["value"] == 2.0


def test_the_first_value_is_that_of_the_lowest_iteration() -> None:
    found = summary([[(3, 30.0)], [(1, 10.0)], [(2, 20.0)]])

    assert (found["first_value"], found["first_value_iteration"]) == (10.0, 1)


def test_a_report_without_a_value_changes_nothing() -> None:
    known = {"untouched": True}

    assert last_metrics.summarise(known, reported([(1, math.nan)])) is known


def test_a_variant_that_never_had_a_value_is_not_listed() -> None:
    assert last_metrics.merge({}, [reported([(1, math.nan)])]) == {}


def test_the_label_of_the_axis_stays() -> None:
    known = last_metrics.summarise(None, reported([(1, 1.0)], x_axis_label="epoch"))

    found = last_metrics.summarise(known, reported([(2, 1.0)]))

    assert found is not None
    assert found["x_axis_label"] == "epoch"


def test_what_was_known_is_not_touched() -> None:
    known = last_metrics.merge({}, [reported([(1, 1.0)])])
    before = {m: {v: dict(s) for v, s in variants.items()} for m, variants in known.items()}

    last_metrics.merge(known, [reported([(2, 2.0)])])

    assert known == before
