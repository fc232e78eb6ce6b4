"""What must stand in a task's text for a query to match it."""

from __future__ import annotations

from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from taskyard.server.domain import needles, search
from taskyard.server.store.documents.kinds import TASK


def groups(**query: Any) -> list[tuple[str, ...]]:
    return needles.of(search.parse(query, TASK.filters))


def test_a_name_must_hold_its_text() -> None:
    assert groups(name="ResNet") == [("resnet",)]


@pytest.mark.parametrize(
    ("pattern", "piece"),
    [
        ("^trace/basic$", "trace/basic"),
        (r"^a\.b\-c\ d$", "a.b-c d"),
        ("abc.*defg", "defg"),
        ("abcd+efg", "abcd"),
        ("abcd?efgh", "efgh"),
        ("abc*defg", "defg"),
    ],
)
def test_of_a_pattern_the_longest_text_counts(pattern: str, piece: str) -> None:
    assert groups(name=pattern) == [(piece,)]


@pytest.mark.parametrize(
    "pattern", ["abc|def", "(abc)?", r"\d\d\dabc", "[abc]def", "a{0}bcd", "ab"]
)
def test_a_pattern_that_may_match_without_a_text_says_nothing(pattern: str) -> None:
    assert groups(name=pattern) == []


PARTS = st.sampled_from(
    ["abc", "x", "Y", ".", "^", "$", "+", "*", "?", r"\.", r"\-", " ", "{2}", "|"]
)


@given(st.lists(PARTS, min_size=1, max_size=6).map("".join), st.text("abcxY.- ", max_size=12))
def test_what_a_pattern_matches_holds_its_text(pattern: str, text: str) -> None:
    try:
        matches = re2.search(f"(?i){pattern}", text)
    except re2.error:
        return
    for group in groups(name=pattern):
        if matches:
            assert any(piece in text.casefold() for piece in group)


def test_one_of_several_tags_must_be_there() -> None:
    assert groups(tags=["golden", "silver"]) == [("golden", "silver")]


def test_all_of_several_tags_must_be_there() -> None:
    assert groups(tags=["__$all", "golden", "silver"]) == [("golden",), ("silver",)]


def test_a_short_tag_among_several_says_nothing() -> None:
    assert groups(tags=["golden", "v1"]) == []


def test_tags_that_must_not_be_there_say_nothing() -> None:
    assert groups(tags=["-golden"]) == []


def test_a_missing_tag_says_nothing() -> None:
    assert groups(tags=["golden", None]) == []


def test_a_parameter_must_be_there_with_its_value() -> None:
    assert groups(**{"hyperparams.Args.lr.value": ["0.1"]}) == [("\nargs/lr=0.1\n",)]


def test_a_pattern_in_one_of_several_fields_must_be_there() -> None:
    query = {"_any_": {"fields": ["name", "tags"], "pattern": "golden"}}

    assert groups(**query) == [("golden", "golden")]


def test_a_pattern_in_a_field_that_is_not_in_the_text_says_nothing() -> None:
    assert groups(_any_={"fields": ["name", "status_message"], "pattern": "golden"}) == []


def test_a_search_wants_one_of_its_words() -> None:
    assert groups(search_text="gold silver") == [("gold", "silver")]


def test_a_search_wants_all_that_is_quoted() -> None:
    assert groups(search_text='"gold" "silver" bronze') == [("gold",), ("silver",)]


def test_a_search_for_a_short_word_says_nothing() -> None:
    assert groups(search_text="v1 golden") == []


def test_a_text_has_what_may_be_looked_for() -> None:
    text = needles.text_of(
        {
            "name": "Train",
            "id": "f00",
            "script.repository": "git@Host",
            "tags": ["Gold"],
            "hyperparams": {"Args": {"lr": {"value": "0.1"}, "empty": {}}},
        }
    )

    assert text == "\ntrain\nf00\ngit@host\ngold\nargs/lr=0.1\nargs/empty=\n"
