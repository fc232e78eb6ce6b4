"""Bounds of a query, below what makes a database slow or refuse. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.domain.terms import (
    All,
    AnyOf,
    Compare,
    Condition,
    Either,
    Equals,
    Matches,
    Not,
    Query,
)

Leaf = AnyOf | Equals | Matches | Compare

MOST_TERMS = 250
MOST_VALUES = 50_000
MOST_WORDS = 30
MOST_ORDERS = 50
MOST_KEYS = 50


def check(query: Query) -> None:
    """Raise ApiError(VALIDATION) for a query that asks for too much at once."""
    leaves = list(_leaves(query.condition))
    values = sum(len(leaf.values) for leaf in leaves if isinstance(leaf, AnyOf))
    depth = max((len(named.path) for named in (*leaves, *query.order)), default=0)
    text = query.text
    words = len((*text.wanted, *text.required, *text.excluded)) if text else 0
    for what, count, most in (
        ("conditions", len(leaves), MOST_TERMS),
        ("values", values, MOST_VALUES),
        ("words to search for", words, MOST_WORDS),
        ("fields to order by", len(query.order), MOST_ORDERS),
        ("names in the path of a field", depth, MOST_KEYS),
    ):
        if count > most:
            raise ApiError(
                VALIDATION,
                f"a query has {most} {what} at most",
                given=count,
                hint="Ask in several queries.",
            )


def _leaves(term: Condition) -> Iterator[Leaf]:
    """What is compared: the conditions that are not made of others."""
    match term:
        case All(terms) | Either(terms):
            for inner in terms:
                yield from _leaves(inner)
        case Not(inner):
            yield from _leaves(inner)
        case leaf:
            yield leaf
