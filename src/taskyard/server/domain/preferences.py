"""A user's preferences: one nested object, changed by dotted paths."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from taskyard.api.errors import INVALID_PREFERENCES, ApiError


def changed(current: Mapping[str, Any], updates: Mapping[str, Any]) -> dict[str, Any]:
    """``current`` with each value of ``updates`` at its dotted path; null removes what is there.

    Raises ApiError(INVALID_PREFERENCES) for an empty step in a path, and for a path that leads
    through another one of the same update.
    """
    if not updates:
        raise ApiError(INVALID_PREFERENCES, "nothing to change", hint="Name at least one key.")
    paths = {tuple(key.split(".")): value for key, value in updates.items()}
    for path in paths:
        if not all(path):
            raise ApiError(INVALID_PREFERENCES, "empty step in a key", key=".".join(path))
        for other in paths:
            if path != other and other[: len(path)] == path:
                raise ApiError(
                    INVALID_PREFERENCES, "one key lies inside another", key=".".join(other)
                )
    result = copy.deepcopy(dict(current))
    for path, value in paths.items():
        _put(result, path, value)
    return result


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    place = target
    for step in path[:-1]:
        inner = place.get(step)
        if not isinstance(inner, dict):
            inner = place[step] = {}
        place = inner
    if value is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
