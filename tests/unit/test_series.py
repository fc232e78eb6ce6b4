"""Series of numbers: whatever is packed comes back, and what is drawn is a fair picture."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.server.domain import series as rules
from taskyard.server.domain.series import SINGLE, STEP, Points

INT64 = st.integers(-(2**63), 2**63 - 1)
TIMES = st.integers(0, 2**53)
VALUES = st.floats(allow_infinity=False)
NUMBERS = st.floats(-1e9, 1e9)
STEADY = st.integers(1, 300).flatmap(
    lambda n: st.lists(NUMBERS, min_size=n, max_size=n).map(
        lambda values: points([(i, 1000 + i, v) for i, v in enumerate(values)])
    )
)


def points(rows: list[tuple[int, int, float]]) -> Points:
    found = Points()
    for iteration, time, value in rows:
        found.append(iteration, time, value)
    return found


def rows(found: Points) -> list[tuple[int, int, float]]:
    return list(zip(found.iters, found.times, found.values, strict=True))


@given(st.lists(st.tuples(INT64, TIMES, st.floats(allow_nan=False)), max_size=200))
def test_points_come_back_as_they_were_packed(reported: list[tuple[int, int, float]]) -> None:
    assert rows(rules.unpack(rules.pack(points(reported)))) == reported


def test_a_point_without_a_value_comes_back_without_one() -> None:
    found = rules.unpack(rules.pack(points([(1, 2, math.nan)])))

    assert math.isnan(found.values[0])


@given(STEADY)
def test_a_roll_up_comes_back_as_it_was_packed(reported: Points) -> None:
    buckets = rules.roll_up(reported)

    assert rules.unpack_buckets(rules.pack_buckets(buckets)) == buckets


def test_damaged_bytes_are_recognised() -> None:
    packed = rules.pack(points([(1, 2, 3.0)]))

    with pytest.raises(ValueError, match="damaged"):
        rules.unpack(packed[:-1])


def test_a_regular_series_packs_to_a_fraction_of_its_size() -> None:
    steady = points([(i, 1_700_000_000_000 + 1000 * i, 1 / (i + 1)) for i in range(rules.CHUNK)])

    assert len(rules.pack(steady)) < 24 * rules.CHUNK / 2


@given(st.lists(st.lists(st.tuples(st.integers(-5, 20), TIMES, NUMBERS), max_size=20), max_size=5))
def test_of_one_iteration_the_latest_point_counts(
    parts: list[list[tuple[int, int, float]]],
) -> None:
    joined = rules.join([points(part) for part in parts])

    expected = {row[0]: row for part in parts for row in part}
    assert rows(joined) == [expected[iteration] for iteration in sorted(expected)]


@given(STEADY, st.integers(1, 50))
def test_a_sampled_curve_has_no_more_points_than_asked_for(reported: Points, samples: int) -> None:
    x, y = rules.sample(reported.iters, reported.values, samples)

    assert len(x) == len(y) <= samples


@given(
    st.lists(INT64, min_size=1, max_size=200, unique=True).map(sorted),
    st.integers(1, 50),
)
def test_any_spacing_of_iterations_can_be_sampled(iters: list[int], samples: int) -> None:
    x, _ = rules.sample(array("q", iters), array("d", [1.0] * len(iters)), samples)

    assert len(x) <= samples
    assert x == sorted(set(x))
    assert set(x) <= set(iters)


@given(STEADY, st.integers(1, 50))
def test_a_sampled_curve_stays_between_the_least_and_the_greatest_value(
    reported: Points, samples: int
) -> None:
    _, y = rules.sample(reported.iters, reported.values, samples)

    tolerance = 1e-6 * max(1.0, *map(abs, reported.values))
    assert min(reported.values) - tolerance <= min(y)
    assert max(y) <= max(reported.values) + tolerance


def test_every_point_counts_in_the_mean_of_its_step() -> None:
    reported = points([(i, i, float(i)) for i in range(100)])

    x, y = rules.sample(reported.iters, reported.values, 10)

    assert x == list(range(0, 100, 10))
    assert y == [10 * step + 4.5 for step in range(10)]


def test_a_curve_with_few_enough_points_is_drawn_exactly() -> None:
    reported = points([(i * i, i, float(i)) for i in range(50)])

    assert rules.sample(reported.iters, reported.values, 50) == (
        reported.iters.tolist(),
        reported.values.tolist(),
    )


def test_no_limit_of_samples_draws_every_point() -> None:
    reported = points([(i, i, float(i)) for i in range(7000)])

    assert len(rules.sample(reported.iters, reported.values, 0)[0]) == 7000


@given(st.integers(1, 20))
def test_a_curve_from_the_roll_up_has_the_mean_of_the_whole_series(samples: int) -> None:
    reported = points([(i, i, float(i % 97)) for i in range(STEP * 40)])
    buckets = rules.roll_up(reported)

    _, y = rules.sample_buckets(buckets.iters, buckets.sums, buckets.counts, 1)

    assert y == [pytest.approx(sum(reported.values) / len(reported))]
    assert len(rules.sample_buckets(buckets.iters, buckets.sums, buckets.counts, samples)[0]) <= (
        samples
    )


def test_what_has_no_iteration_or_no_value_is_not_drawn() -> None:
    reported = points([(SINGLE - 1, 0, 4.0), (SINGLE, 0, 9.0), (0, 0, 1.0), (1, 0, math.nan)])

    assert rows(rules.drawable(reported)) == [(SINGLE - 1, 0, 4.0), (0, 0, 1.0)]


def test_a_curve_over_time_is_in_order_of_time() -> None:
    reported = points([(0, 30, 1.0), (1, 10, 2.0), (2, 20, 3.0)])

    assert rules.by_time(reported).times.tolist() == [10, 20, 30]
