"""Values at dotted paths of documents."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.server.domain import paths

DOCUMENT = {"script": {"diff": "d"}, "a.b": 1, "list": [1], "empty": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("script.diff", "d"),
        ("script", {"diff": "d"}),
        ("script.none", None),
        ("script.diff.deeper", None),
        ("none.at.all", None),
        ("empty.below", None),
        ("list.0", None),
        ("a.b", 1),
    ],
)
def test_a_value_is_found_by_its_path(path: str, value: Any) -> None:
    assert paths.at(DOCUMENT, path) == value
