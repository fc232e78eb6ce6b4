"""Dotted paths into documents. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as ``script.diff``; None where there is none.

    The last key may have dots in it itself.
    """
    value: Any = document
    rest = path
    while rest:
        if not isinstance(value, Mapping):
            return None
        if rest in value:
            return value[rest]
        step, _, rest = rest.partition(".")
        value = value.get(step)
    return value
