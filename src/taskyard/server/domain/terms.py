"""What a query of the ``get_all`` language says: a small tree of conditions, and options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_PAGE = 500

Path = tuple[str, ...]
Scalar = str | int | float | bool


@dataclass(frozen=True)
class Filters:
    """Which keys filter, by class. A key that ends in ``.*`` stands for all below it."""

    lists: frozenset[str] = frozenset()
    ranges: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    regexes: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AnyOf:
    """The value, or an element of the list, is one of ``values``; or there is none."""

    path: Path
    values: tuple[Scalar, ...]
    missing: bool = False


@dataclass(frozen=True)
class Equals:
    """The value is exactly this JSON scalar."""

    path: Path
    value: Scalar


@dataclass(frozen=True)
class Matches:
    """The text, or an element of the list, has a match of the regular expression."""

    path: Path
    pattern: str
    ignore_case: bool = False


@dataclass(frozen=True)
class Compare:
    """``operator`` is one of > >= < <=. ``value`` is a number, or a time when ``is_time``."""

    path: Path
    operator: str
    value: Any
    is_time: bool = False
    or_missing: bool = False


@dataclass(frozen=True)
class Not:
    term: Condition


@dataclass(frozen=True)
class All:
    terms: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    terms: tuple[Condition, ...]


Leaf = AnyOf | Equals | Matches | Compare
Condition = Leaf | Not | All | Either


@dataclass(frozen=True)
class Order:
    path: Path
    descending: bool = False


def conjuncts(condition: Condition) -> Iterator[Condition]:
    """The conditions that must all hold for this one to hold, as far as they can be told apart."""
    match condition:
        case All(parts):
            for part in parts:
                yield from conjuncts(part)
        case Either((part,)):
            yield from conjuncts(part)
        case _:
            yield condition


def leaves(condition: Condition) -> Iterator[Leaf]:
    """What is compared: the conditions that are not made of others."""
    match condition:
        case All(terms) | Either(terms):
            for inner in terms:
                yield from leaves(inner)
        case Not(inner):
            yield from leaves(inner)
        case leaf:
            yield leaf


@dataclass(frozen=True)
class Text:
    """A free text search: all of ``required``, none of ``excluded``, one of ``wanted``."""

    wanted: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """What a query asks for, whatever the store."""

    condition: All = All(())
    order: tuple[Order, ...] = ()
    by_score: bool | None = None
    """Order by text score: False rising, True falling, None not at all."""
    only: tuple[str, ...] = ()
    text: Text | None = None
    limit: int = MAX_PAGE
    offset: int = 0
    scroll: Scroll | None = None
    search_hidden: bool = False
    allow_public: bool = True


@dataclass(frozen=True)
class Scroll:
    """A walk through results. An empty ``id`` starts one; ``refresh`` repeats what was seen."""

    id: str
    size: int
    refresh: bool = False


SHAPES = {"hyperparams": (2, 1), "configuration": (1, 1), "metadata": (1, 1)}
"""Maps of named things: how many names, then how many fields. Names may hold dots."""


def split(path: str) -> Path:
    """The keys of a dotted path.

    Where the shape is known, surplus dots belong to the last name
    (``hyperparams.Args.a.b.value`` has a parameter ``a.b``); elsewhere a client may write a dot
    inside a name as ``%2E`` and a dollar as ``%24``.
    """
    keys = path.split(".")
    shape = SHAPES.get(keys[0])
    if shape and len(keys) > 1 + sum(shape):
        names, fields = shape
        keys = [*keys[:names], ".".join(keys[names:-fields]), *keys[-fields:]]
    return tuple(_plain_key(key) for key in keys)


def _plain_key(key: str) -> str:
    if "%" not in key:
        return key
    for code, char in (("%2E", "."), ("%2e", "."), ("%24", "$"), ("%25", "%")):
        key = key.replace(code, char)
    return key
