"""Bounds of a query, below what makes a database slow or refuse. No I/O."""

from __future__ import annotations

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.domain.terms import AnyOf, Query, leaves

MOST_TERMS = 250
MOST_VALUES = 50_000
MOST_WORDS = 30
MOST_ORDERS = 50
MOST_KEYS = 50


def check(query: Query) -> None:
    """Raise ApiError(VALIDATION) for a query that asks for too much at once."""
    compared = list(leaves(query.condition))
    values = sum(len(leaf.values) for leaf in compared if isinstance(leaf, AnyOf))
    depth = max((len(named.path) for named in (*compared, *query.order)), default=0)
    text = query.text
    words = len((*text.wanted, *text.required, *text.excluded)) if text else 0
    for what, count, most in (
        ("conditions", len(compared), MOST_TERMS),
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
