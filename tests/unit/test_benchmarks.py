"""The arithmetic of the benchmarks: what a figure says must be true of its samples."""

from __future__ import annotations

import statistics

import pytest
from benchmarks.figures import Measure, budgets, figures, percentile, table
from hypothesis import given
from hypothesis import strategies as st

SAMPLES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


def test_half_of_the_samples_lie_below_the_median() -> None:
    assert percentile([4, 1, 3, 2, 5], 0.5) == 3


def test_a_percentile_between_two_samples_lies_on_the_line_between_them() -> None:
    assert percentile([10, 20], 0.25) == 12.5


@given(SAMPLES)
def test_the_median_is_the_one_statistics_knows(samples: list[float]) -> None:
    assert percentile(samples, 0.5) == pytest.approx(statistics.median(samples))


@given(SAMPLES, st.floats(0, 1))
def test_a_percentile_lies_within_the_samples(samples: list[float], share: float) -> None:
    found = percentile(samples, share)

    assert min(samples) <= found <= max(samples) or found == pytest.approx(max(samples))


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 0.5)


def test_a_share_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentile([1], 99)


def test_of_times_the_smaller_is_better() -> None:
    _, peer = figures({"ours": [10], "peer": [30]}, "lower")

    assert peer.ours_is_better == 3


def test_of_rates_the_larger_is_better() -> None:
    _, peer = figures({"ours": [10], "peer": [30]}, "higher")

    assert peer.ours_is_better == pytest.approx(1 / 3)


def measure(ours: float, peer: float) -> Measure:
    return Measure(
        benchmark="walk", what="to the door", unit="ms", samples={"ours": [ours], "peer": [peer]}
    )


def test_the_table_says_by_how_much_a_peer_is_worse() -> None:
    assert table(measure(10, 30)).splitlines()[-1].endswith("3x worse")


def test_the_table_says_by_how_much_a_peer_is_better() -> None:
    assert table(measure(30, 10)).splitlines()[-1].endswith("3x better")


def test_a_difference_within_the_noise_is_a_tie() -> None:
    assert table(measure(10, 14)).splitlines()[-1].endswith("a tie")


def budgeted(*samples: float) -> Measure:
    found = measure(1, 1)
    found.samples, found.budget = {"ours": list(samples)}, {"p50": 10, "max": 20}
    return found


def test_a_budget_is_met_up_to_the_last_bit_of_it() -> None:
    _, median, most = budgets([budgeted(9, 10, 20)]).splitlines()

    assert (median.split()[-1], most.split()[-1]) == ("met", "met")


def test_each_budget_is_judged_by_itself() -> None:
    _, median, most = budgets([budgeted(9, 10, 21)]).splitlines()

    assert (median.split()[-1], most.split()[-1]) == ("met", "missed")
