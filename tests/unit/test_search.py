"""The query language, read into conditions."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.domain import search, terms
from taskyard.server.domain.terms import (
    All,
    AnyOf,
    Compare,
    Either,
    Equals,
    Filters,
    Matches,
    Not,
    Order,
    Scroll,
    Text,
)
from taskyard.server.store.database import times

FILTERS = Filters(
    lists=frozenset({"tags", "hyperparams.*"}),
    ranges=frozenset({"last_iteration"}),
    times=frozenset({"last_update"}),
    regexes=frozenset({"name"}),
    plain=frozenset({"runtime.*"}),
)
T = ("tags",)


def condition(**query: Any) -> terms.Condition:
    found = search.parse(query, FILTERS).condition.terms
    return found[0] if len(found) == 1 else All(found)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("name", ("name",)),
        ("execution.queue", ("execution", "queue")),
        ("hyperparams.Args.lr.value", ("hyperparams", "Args", "lr", "value")),
        ("hyperparams.Args.a.b.c.value", ("hyperparams", "Args", "a.b.c", "value")),
        ("hyperparams.A%2EB.x%24.value", ("hyperparams", "A.B", "x$", "value")),
        ("metadata.a.b.value", ("metadata", "a.b", "value")),
        ("configuration.my.conf.type", ("configuration", "my.conf", "type")),
        ("last_metrics.m.v.min_value", ("last_metrics", "m", "v", "min_value")),
        ("hyperparams.Args", ("hyperparams", "Args")),
    ],
)
def test_paths_are_split_by_the_shape_of_the_document(path: str, keys: tuple[str, ...]) -> None:
    assert terms.split(path) == keys


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a", AnyOf(T, ("a",))),
        (["a", None], AnyOf(T, ("a",), missing=True)),
        (["-a"], Not(AnyOf(T, ("a",)))),
        (["b", "-a"], All((Not(AnyOf(T, ("a",))), AnyOf(T, ("b",))))),
        (["__$all", "a", "b"], All((AnyOf(T, ("a",)), AnyOf(T, ("b",))))),
        (["__$any", "a", "__$not", "b"], Either((AnyOf(T, ("a",)), Not(AnyOf(T, ("b",)))))),
        (["__$not", "a", "b"], All((AnyOf(T, ("b",)), Not(AnyOf(T, ("a",)))))),
    ],
)
def test_lists(value: Any, wanted: terms.Condition) -> None:
    assert simplified(condition(tags=value)) == wanted


def simplified(term: terms.Condition) -> terms.Condition:
    """The condition without groups of one."""
    if isinstance(term, All | Either):
        inside: list[terms.Condition] = []
        for inner in map(simplified, term.terms):
            if type(inner) is type(term):
                inside += inner.terms
            else:
                inside.append(inner)
        return inside[0] if len(inside) == 1 else type(term)(tuple(inside))
    return term


def test_values_of_parameters_may_begin_with_a_minus() -> None:
    path = ("hyperparams", "Args", "lr", "value")
    assert simplified(condition(**{"hyperparams.Args.lr.value": ["-1"]})) == AnyOf(path, ("-1",))


def test_two_bare_times_are_bounds_and_others_carry_their_sign() -> None:
    at = ("last_update",)
    between = All((Compare(at, ">=", "x", True), Compare(at, "<=", "y", True)))
    assert condition(last_update=["x", "y"]) == between
    assert condition(last_update=["> x"]) == All((Compare(at, ">", "x", True),))
    assert condition(last_update=[None, "y"]) == All((Compare(at, "<=", "y", True),))


def test_an_open_lower_bound_takes_in_what_has_no_value() -> None:
    at = ("last_iteration",)
    assert condition(last_iteration=[None, 3]) == All((Compare(at, "<=", 3, or_missing=True),))
    assert condition(last_iteration=[1, None]) == All((Compare(at, ">=", 1),))


def test_patterns_over_several_fields_ignore_case() -> None:
    found = condition(_any_={"fields": ["name", "id"], "pattern": "x"})
    assert found == Either((Matches(("name",), "x", True), Matches(("id",), "x", True)))
    assert condition(name="x") == Matches(("name",), "x")


def test_plain_values_are_compared_as_they_are() -> None:
    assert condition(**{"runtime.a": True}) == Equals(("runtime", "a"), True)


def test_unknown_keys_and_nulls_are_ignored() -> None:
    assert condition(task_types=["x"], method="get", tags=None, name=None) == All(())


def test_options() -> None:
    query = search.parse(
        {"order_by": ["-a.b", "@text_score"], "page": 2, "page_size": 10, "only_fields": "x"},
        FILTERS,
    )
    assert query.order == (Order(("a", "b"), descending=True),)
    assert query.by_score is False
    assert (query.limit, query.offset, query.only) == (10, 20, ("x",))


def test_a_page_has_at_most_five_hundred() -> None:
    assert search.parse({"page_size": 10_000, "page": 1}, FILTERS).limit == 500
    assert search.parse({"page": 2}, FILTERS).offset == 1000


def test_scrolling_takes_the_place_of_pages() -> None:
    query = search.parse({"size": 7, "scroll_id": None, "page": 3}, FILTERS)
    assert query.scroll == Scroll("", 7)
    assert (query.limit, query.offset) == (7, 0)


def test_text_is_taken_apart() -> None:
    found = search.parse({"search_text": 'one -two "three four" -'}, FILTERS).text
    assert found == Text(wanted=("one", "-"), required=("three four",), excluded=("two",))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
KEYS = [
    "tags",
    "name",
    "last_update",
    "last_iteration",
    "runtime.x",
    "_any_",
    "_all_",
    "filters",
    "order_by",
    "only_fields",
    "page",
    "page_size",
    "size",
    "scroll_id",
    "search_text",
]


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_query_is_read_or_refused(query: dict[str, Any]) -> None:
    with contextlib.suppress(ApiError):
        search.parse(query, FILTERS)


@given(st.integers(min_value=-(10**15), max_value=4 * 10**15))
def test_times_survive_the_wire(time: int) -> None:
    text = times.to_wire(time)
    assert text is not None
    assert times.from_wire(text) == time


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:01", 1_000_000),
        ("1970-01-01 00:00:01.5", 1_500_000),
        ("1970-01-01T01:00:01+01:00", 1_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-02", 86_400_000_000),
        ("1.5", 1_500_000),
        (1.5, 1_500_000),
        (1_700_000_000_000, 1_700_000_000_000_000),
    ],
)
def test_times_are_understood_in_many_forms(text: object, microseconds: int) -> None:
    assert times.from_wire(text) == microseconds


@pytest.mark.parametrize("text", ["", "x", "2026-13-01", "nan", True, [], None, "1e300"])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ApiError) as refused:
        times.from_wire(text)
    assert refused.value.kind == VALIDATION[:2]
