"""Where an entry stands in its queue.

Entries go by falling priority, then by rising position. Moving one gives it a priority and a
position between its new neighbours, so that nobody else's row has to change.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple


class Rank(NamedTuple):
    """What an entry is sorted by: ``priority`` first (higher sooner), then ``position``."""

    priority: int
    position: float


class Stand(NamedTuple):
    """Where neighbours in a queue stand."""

    tasks: list[str]
    before: list[str]
    """Some of the others that come right behind them; empty at the end."""
    ahead: int | None
    """How many of the others are ahead of them; None at the end."""


BEHIND = 50
"""So many of those behind are told: some of them may leave the queue meanwhile."""


def stands(order: Sequence[str], asked: Collection[str]) -> list[Stand]:
    """Where the ``asked`` ones stand: each run of neighbours among them, from the front on."""
    wanted = set(asked)
    others = [name for name in order if name not in wanted]
    found: list[Stand] = []
    passed = 0
    for is_asked, group in groupby(order, key=wanted.__contains__):
        names = list(group)
        if not is_asked:
            passed += len(names)
        elif passed < len(others):
            found.append(Stand(names, others[passed : passed + BEHIND], passed))
        else:
            found.append(Stand(names, [], None))
    return found


def target_index(current: int, step: int, length: int) -> int:
    """The index after ``step`` places (negative: towards the front), kept within the queue."""
    return max(0, min(length - 1, current + step))


def between(own: Sequence[Rank], before: Rank | None, after: Rank | None) -> list[Rank] | None:
    """The ranks that put entries, in this order, after ``before`` and ahead of ``after``.

    An entry's own priority is kept where it fits, else it gets the nearest one that does. None
    when the two neighbours are too close for numbers between them: renumber, then ask again.
    """
    priorities = []
    most = None if before is None else before.priority
    for rank in own:
        most = rank.priority if most is None else min(rank.priority, most)
        if after is not None:
            most = max(most, after.priority)
        priorities.append(most)
    ranks: list[Rank] = []
    for priority in dict.fromkeys(priorities):
        count = priorities.count(priority)
        low = before.position if before is not None and before.priority == priority else None
        high = after.position if after is not None and after.priority == priority else None
        positions = _spread(count, low, high, own[len(ranks)].position)
        if positions is None:
            return None
        ranks += [Rank(priority, position) for position in positions]
    return ranks


def _spread(count: int, low: float | None, high: float | None, free: float) -> list[float] | None:
    """Rising positions between two, or from ``free`` on where neither is given."""
    if low is not None and high is not None:
        step = (high - low) / (count + 1)
        found = [low + step * number for number in range(1, count + 1)]
        rising = all(a < b for a, b in pairwise([low, *found, high]))
        return found if rising else None
    if low is not None:
        return [low + number for number in range(1, count + 1)]
    first = free if high is None else high - count
    return [first + number for number in range(count)]


def renumbered(ranks: Sequence[Rank]) -> list[Rank]:
    """The same entries, in the same order, with whole positions one apart."""
    return [Rank(rank.priority, float(index)) for index, rank in enumerate(ranks)]


def rotated(queues: Sequence[str], last: str | None) -> list[str]:
    """The queues in the order of a fair round: the one after ``last`` first."""
    if last not in queues:
        return list(queues)
    start = queues.index(last) + 1
    return [*queues[start:], *queues[:start]]
