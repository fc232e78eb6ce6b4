"""Documents as comma-separated values."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from taskyard.server.domain.table_export import columns, headings, write


def cells(value: Any, **mapping: Any) -> str:
    chosen = columns(["a"], [{"field": "a", **mapping}] if mapping else [])
    return next(csv.reader(io.StringIO(write(chosen, [{"a": value}]))))[0]


def test_fields_are_their_own_headings() -> None:
    assert headings(columns(["id", "name"], [])) == "id,name\r\n"


def test_a_mapping_gives_another_heading() -> None:
    assert headings(columns([], [{"field": "id", "name": "ID"}])) == "ID\r\n"


def test_a_mapping_gives_other_words_for_values() -> None:
    values = [{"key": "in_progress", "value": "Running"}]
    assert cells("in_progress", values=values) == "Running"


def test_numbers_and_texts_have_words_of_their_own() -> None:
    values = [{"key": 1, "value": "one"}]
    assert (cells(1, values=values), cells("1", values=values)) == ("one", "1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a,b", "a,b"),
        ('say "x"', 'say "x"'),
        ("two\nlines", "two\nlines"),
        (True, "true"),
        (1.5, "1.5"),
        (-3, "-3"),
        (["x", "y"], "x, y"),
        ({"id": "1", "name": "Ada"}, "Ada"),
    ],
)
def test_values_are_written_for_people(value: Any, text: str) -> None:
    assert cells(value) == text


@pytest.mark.parametrize("value", ["=1+1", "+cmd", "-cmd", "@x"])
def test_no_cell_is_a_formula(value: str) -> None:
    assert cells(value) == "'" + value


def test_a_dotted_field_is_found_inside() -> None:
    assert write(columns(["a.b"], []), [{"a": {"b": 1}}]) == "1\r\n"


def test_a_name_with_dots_is_found_too() -> None:
    assert write(columns(["a.b.c"], []), [{"a": {"b.c": 1}}]) == "1\r\n"


def test_a_field_that_is_not_there_is_empty() -> None:
    assert write(columns(["a.b"], []), [{"a": 1}, {}]) == '""\r\n""\r\n'
