"""Leafing through iterations and samples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskyard.server.domain.leafing import Spot, Window, leaf, step

ITERATIONS = st.sets(st.integers(-50, 50), max_size=30)


@given(ITERATIONS, st.integers(1, 7))
def test_leafing_back_shows_every_iteration_once_newest_first(
    iterations: set[int], count: int
) -> None:
    shown: list[int] = []
    window = Window()
    while True:
        page, window = leaf(iterations, window, count, earlier=True)
        if not page:
            break
        shown += page

    assert shown == sorted(iterations, reverse=True)


def test_leafing_forth_shows_the_page_before() -> None:
    first, window = leaf(range(10), Window(), 3, earlier=True)
    _, window = leaf(range(10), window, 3, earlier=True)

    again, _ = leaf(range(10), window, 3, earlier=False)

    assert again == first == [9, 8, 7]


def test_leafing_beyond_the_end_shows_nothing_and_starts_over() -> None:
    first, window = leaf(range(10), Window(), 3, earlier=True)

    beyond, window = leaf(range(10), window, 3, earlier=False)
    again, _ = leaf(range(10), window, 3, earlier=True)

    assert (beyond, again) == ([], first)


SPOTS: list[Spot] = [(i, ("m", v)) for i in range(3) for v in ("a", "b")]


def test_the_next_sample_is_the_next_variant_of_the_iteration() -> None:
    assert step(SPOTS, (1, ("m", "a")), earlier=False, next_iteration=False) == (1, ("m", "b"))


def test_after_the_last_variant_comes_the_next_iteration() -> None:
    assert step(SPOTS, (1, ("m", "b")), earlier=False, next_iteration=False) == (2, ("m", "a"))


def test_before_the_first_variant_comes_the_last_of_the_iteration_before() -> None:
    assert step(SPOTS, (1, ("m", "a")), earlier=True, next_iteration=False) == (0, ("m", "b"))


def test_the_next_iteration_keeps_the_variant() -> None:
    assert step(SPOTS, (1, ("m", "a")), earlier=True, next_iteration=True) == (0, ("m", "a"))


def test_an_iteration_without_the_variant_shows_its_nearest() -> None:
    spots = [*SPOTS, (3, ("m", "c"))]

    assert step(spots, (2, ("m", "a")), earlier=False, next_iteration=True) == (3, ("m", "c"))


def test_there_is_nothing_after_the_last_sample() -> None:
    assert step(SPOTS, (2, ("m", "b")), earlier=False, next_iteration=False) is None
