"""Names of projects: paths with rules."""

from __future__ import annotations

from taskyard.api.errors import INVALID_PROJECT_NAME, PROJECT_PATH_TOO_DEEP, ApiError

MAX_DEPTH = 10
SHORTEST = 3


def clean(name: str) -> str:
    """A name as it is kept: no empty parts, no blanks around the parts.

    Raises ApiError: INVALID_PROJECT_NAME for one with nothing in it or with a last part that is
    too short, PROJECT_PATH_TOO_DEEP for one with too many parts.
    """
    cleaned = location(name)
    if len(basename(cleaned)) < SHORTEST:
        raise ApiError(
            INVALID_PROJECT_NAME,
            f"the last part needs at least {SHORTEST} characters",
            name=name,
        )
    return cleaned


def location(name: str) -> str:
    """A name of a place for projects: empty for the top level. Raises PROJECT_PATH_TOO_DEEP."""
    parts = [part.strip() for part in name.split("/")]
    cleaned = "/".join(part for part in parts if part)
    check_depth(cleaned)
    return cleaned


def check_depth(name: str) -> None:
    """Raise ApiError(PROJECT_PATH_TOO_DEEP) for a name with too many parts."""
    if name.count("/") >= MAX_DEPTH:
        raise ApiError(PROJECT_PATH_TOO_DEEP, f"{MAX_DEPTH} at most", name=name)


def basename(name: str) -> str:
    return name.rpartition("/")[2]


def parent(name: str) -> str:
    """The name of the project above; empty at the top level."""
    return name.rpartition("/")[0]


def join(above: str, last: str) -> str:
    return f"{above}/{last}" if above else last
