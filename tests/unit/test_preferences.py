"""Changing a user's preferences by dotted paths."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.errors import INVALID_PREFERENCES, ApiError
from taskyard.server.domain.preferences import changed


def test_a_dotted_key_changes_one_value() -> None:
    assert changed({"a": {"b": 1, "c": 2}}, {"a.b": 3}) == {"a": {"b": 3, "c": 2}}


def test_an_object_replaces_what_is_at_its_key() -> None:
    assert changed({"a": {"b": 1, "c": 2}}, {"a": {"d": 3}}) == {"a": {"d": 3}}


def test_a_path_is_made_where_there_is_none() -> None:
    assert changed({}, {"a.b.c": 1}) == {"a": {"b": {"c": 1}}}


def test_a_path_through_a_plain_value_replaces_it() -> None:
    assert changed({"a": 1}, {"a.b": 2}) == {"a": {"b": 2}}


def test_null_removes_a_value() -> None:
    assert changed({"a": {"b": 1, "c": 2}}, {"a.b": None}) == {"a": {"c": 2}}


def test_what_was_there_is_not_touched() -> None:
    current: dict[str, Any] = {"a": {"b": 1}}
    changed(current, {"a.b": 2})
    assert current == {"a": {"b": 1}}


@pytest.mark.parametrize(
    "updates", [{}, {"": 1}, {"a.": 1}, {".a": 1}, {"a..b": 1}, {"a": 1, "a.b": 2}]
)
def test_a_malformed_update_is_refused(updates: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        changed({}, updates)
    assert caught.value.kind == INVALID_PREFERENCES[:2]
