"""The order of entries, held against a plain list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskyard.server.domain.queue_order import Rank, between, renumbered, rotated, target_index

ranks = st.builds(
    Rank,
    st.integers(-2, 2),
    st.one_of(st.integers(-50, 50).map(float), st.floats(-1e6, 1e6, allow_nan=False)),
)


def in_order(found: list[Rank]) -> list[Rank]:
    return sorted(found, key=lambda rank: (-rank.priority, rank.position))


@given(st.lists(ranks, min_size=1, unique=True), st.data())
def test_moved_entries_land_in_their_order_between_their_neighbours(
    found: list[Rank], data: st.DataObject
) -> None:
    chosen = data.draw(st.permutations(range(len(found))))
    chosen = chosen[: data.draw(st.integers(1, len(found)))]
    others = in_order([rank for index, rank in enumerate(found) if index not in chosen])
    index = data.draw(st.integers(0, len(others)))
    moved = None
    while moved is None:
        before = others[index - 1] if index else None
        after = others[index] if index < len(others) else None
        moved = between([found[i] for i in chosen], before, after)
        if moved is None:
            others = renumbered(others)
    assert in_order([*others, *moved]) == [*others[:index], *moved, *others[index:]]


@given(st.lists(ranks, unique=True))
def test_renumbering_keeps_the_order_and_the_priorities(found: list[Rank]) -> None:
    ordered = in_order(found)
    again = renumbered(ordered)
    assert again == in_order(again)
    assert [r.priority for r in again] == [r.priority for r in ordered]


@given(ranks, ranks)
def test_an_entry_keeps_its_priority_where_it_fits(own: Rank, before: Rank) -> None:
    found = between([own], before, None)
    assert found is not None
    (moved,) = found
    assert moved.priority == min(own.priority, before.priority)


def test_two_positions_without_a_number_between_them_ask_for_renumbering() -> None:
    assert between([Rank(0, 5.0)], Rank(0, 1.0), Rank(0, 1.0)) is None


@given(st.integers(1, 100), st.integers(-200, 200), st.data())
def test_a_step_ends_within_the_queue(length: int, step: int, data: st.DataObject) -> None:
    current = data.draw(st.integers(0, length - 1))
    index = target_index(current, step, length)
    assert 0 <= index < length
    if 0 <= current + step < length:
        assert index == current + step


def test_a_fair_round_goes_on_after_the_last_queue() -> None:
    assert rotated(["a", "b", "c"], "a") == ["b", "c", "a"]
    assert rotated(["a", "b", "c"], "c") == ["a", "b", "c"]


def test_a_fair_round_begins_at_the_front_after_an_unknown_queue() -> None:
    assert rotated(["a", "b"], "gone") == ["a", "b"]
    assert rotated(["a", "b"], None) == ["a", "b"]
