"""Leafing through the iterations in which a task has reported samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec


class Window(msgspec.Struct):
    """The iterations a client was shown last; none of both at the start."""

    first: int | None = None
    last: int | None = None


def leaf(
    iterations: Iterable[int], window: Window, count: int, *, earlier: bool
) -> tuple[list[int], Window]:
    """The next iterations, the newest first, and the window over them.

    At the start these are the latest. With nothing left in the direction there are none, and it
    starts over.
    """
    known = sorted(set(iterations))
    if window.first is None or window.last is None:
        chosen = known[-count:]
    elif earlier:
        chosen = [i for i in known if i < window.first][-count:]
    else:
        chosen = [i for i in known if i > window.last][:count]
    if not chosen:
        return [], Window()
    return chosen[::-1], Window(chosen[0], chosen[-1])


class Placed(Protocol):
    @property
    def iter(self) -> int: ...


S = TypeVar("S", bound=Placed)


def at_iteration(samples: Iterable[S], iteration: int | None) -> list[S]:
    """The samples of the latest iteration not after ``iteration`` (None: the latest of all)."""
    eligible = [s for s in samples if iteration is None or s.iter <= iteration]
    if not eligible:
        return []
    newest = max(s.iter for s in eligible)
    return [s for s in eligible if s.iter == newest]


Spot = tuple[int, tuple[str, ...]]
"""Where a sample stands: its iteration, and its names within it."""


def step(
    spots: Iterable[Spot], current: Spot, *, earlier: bool, next_iteration: bool
) -> Spot | None:
    """The spot before or after ``current``; None at the end.

    Spots are ordered by iteration, then by name. With ``next_iteration`` it is the same names in
    the nearest other iteration or, where they lack there, the nearest spot of that iteration.
    """
    ordered = sorted(set(spots))
    beyond = [s for s in ordered if (s < current if earlier else s > current)]
    if earlier:
        beyond.reverse()
    if not next_iteration:
        return beyond[0] if beyond else None
    beyond = [s for s in beyond if s[0] != current[0]]
    if not beyond:
        return None
    same = (beyond[0][0], current[1])
    return same if same in beyond else beyond[0]
