"""Where an entry stands in its queue.

Entries go by falling priority, then by rising position. Moving one gives it a priority and a
position between its new neighbours, so that nobody else's row has to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rank(NamedTuple):
    """What an entry is sorted by: ``priority`` first (higher sooner), then ``position``."""

    priority: int
    position: float


def target_index(current: int, step: int, length: int) -> int:
    """The index after ``step`` places (negative: towards the front), kept within the queue."""
    return max(0, min(length - 1, current + step))


def between(own: Rank, before: Rank | None, after: Rank | None) -> Rank | None:
    """The rank that puts an entry after ``before`` and ahead of ``after``.

    The entry's own priority is kept when it fits, else it gets the nearest one that does. None
    when the two neighbours are too close for a number between them: renumber, then ask again.
    """
    priority = own.priority
    if before is not None:
        priority = min(priority, before.priority)
    if after is not None:
        priority = max(priority, after.priority)
    low = before.position if before is not None and before.priority == priority else None
    high = after.position if after is not None and after.priority == priority else None
    if low is not None and high is not None:
        middle = low + (high - low) / 2
        return Rank(priority, middle) if low < middle < high else None
    if low is not None:
        return Rank(priority, low + 1)
    if high is not None:
        return Rank(priority, high - 1)
    return Rank(priority, own.position)


def renumbered(ranks: Sequence[Rank]) -> list[Rank]:
    """The same entries, in the same order, with whole positions one apart."""
    return [Rank(rank.priority, float(index)) for index, rank in enumerate(ranks)]


def rotated(queues: Sequence[str], last: str | None) -> list[str]:
    """The queues in the order of a fair round: the one after ``last`` first."""
    if last not in queues:
        return list(queues)
    start = queues.index(last) + 1
    return [*queues[start:], *queues[:start]]
