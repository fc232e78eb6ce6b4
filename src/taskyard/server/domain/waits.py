"""How long tasks waited before they were handed out, counted by length. No I/O.

Lengths fall into buckets, each a fifth wider than the one before it: a percentile drawn from them
is off by less than a tenth, and any number of counts add up to another one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

FIRST = 0.1
"""Seconds: shorter waits are all in bucket 0."""

A_DOUBLING = 4
"""Buckets until lengths have doubled."""


def bucket(seconds: float) -> int:
    """The bucket of a wait."""
    if seconds < FIRST:
        return 0
    return 1 + math.floor(A_DOUBLING * math.log2(seconds / FIRST))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Seconds that this share (0 to 1) of the waits were no longer than; None without any.

    ``counts``: how many waits each bucket has.
    """
    rank = share * sum(counts.values())
    passed = 0
    for number in sorted(counts):
        passed += counts[number]
        if passed >= rank and counts[number]:
            inside = 1 - (passed - rank) / counts[number]
            return _within(number, inside)
    return None


def _within(number: int, share: float) -> float:
    """The length at a share of the way through a bucket."""
    if number == 0:
        return float(FIRST * share)
    return float(FIRST * 2 ** ((number - 1 + share) / A_DOUBLING))
