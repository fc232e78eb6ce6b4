"""Sharing out a machine's GPUs among the tasks of several queues. No I/O.

Each queue says what one of its tasks needs: so many whole cards, or a part of one. Work that fits
goes ahead of work that does not (it back-fills), but only so far: once a machine full of GPUs has
gone past a queue whose first task waits for more of them, all that gets free is kept for that one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from taskyard.api.errors import TaskyardError

WHOLE = 10_000
"""The parts that a card has: shares are counted in whole parts, so that they add up exactly."""


class Need(msgspec.Struct, frozen=True):
    """What one task of a queue gets."""

    least: int = 1
    """Cards without which it does not start."""
    most: int = 1
    """Cards it gets when that many are free."""
    parts: int = WHOLE
    """Of each card."""


class Grant(msgspec.Struct, frozen=True):
    """What one task has got."""

    cards: tuple[str, ...]
    """Ids of cards."""
    parts: int = WHOLE
    """Of each."""

    @property
    def weight(self) -> int:
        """Parts in all."""
        return len(self.cards) * self.parts


class Passed(msgspec.Struct, frozen=True):
    """A queue whose first task found too few cards free, and has waited since."""

    queue: str
    parts: int = 0
    """What others got in the meantime."""


Line = tuple[Passed, ...]
"""Those that wait for cards, the longest wait first."""


def parse(word: str) -> tuple[str, Need]:
    """``queue=2``, ``queue=1-4`` or ``queue=0.5`` as the queue and its need; one card if not said.

    Raises TaskyardError when the part after the sign is none of these.
    """
    queue, sign, amount = word.rpartition("=")
    if not sign:
        return word, Need()
    least, dash, most = amount.partition("-")
    try:
        if dash:
            need = Need(int(least), int(most))
        elif "." in amount:
            need = Need(parts=round(float(amount) * WHOLE))
        else:
            need = Need(int(amount), int(amount))
    except ValueError:
        need = Need(0)
    if not (queue and 1 <= need.least <= need.most and 0 < need.parts <= WHOLE):
        raise TaskyardError(
            f"{word!r} does not say how many GPUs the tasks of a queue get",
            hint="Write queue=2 for two, queue=1-4 for as many as are free, "
            "or queue=0.5 for half of one.",
        )
    return queue, need


def room(cards: Iterable[str], grants: Iterable[Grant]) -> dict[str, int]:
    """The parts of each card that nobody has."""
    left = dict.fromkeys(cards, WHOLE)
    for grant in grants:
        for card in grant.cards:
            if card in left:
                left[card] -= grant.parts
    return left


def place(need: Need, left: Mapping[str, int]) -> Grant | None:
    """The cards a task gets of those with room; None when it does not fit.

    Whole cards come in the machine's order. A part is taken of the fullest card that has it, so
    that other cards stay whole.
    """
    if need.parts < WHOLE:
        fitting = [card for card, parts in left.items() if parts >= need.parts]
        return Grant((min(fitting, key=left.__getitem__),), need.parts) if fitting else None
    whole = [card for card, parts in left.items() if parts == WHOLE]
    return Grant(tuple(whole[: need.most])) if len(whole) >= need.least else None


def openings(needs: Mapping[str, Need], left: Mapping[str, int], line: Line) -> list[str]:
    """The queues that may give a task now, in the order in which to ask them.

    ``needs`` are in order of priority. While all is kept for one that waits, nobody may.
    """
    fitting = [queue for queue, need in needs.items() if place(need, left)]
    kept_for = reserved(needs, left, line)
    if kept_for is None:
        return fitting
    if kept_for not in fitting:
        return []
    return [kept_for, *(queue for queue in fitting if queue != kept_for)]


def reserved(needs: Mapping[str, Need], cards: Collection[str], line: Line) -> str | None:
    """The queue whose first task has been passed often enough; not one that can never fit."""
    for passed in line:
        if passed.parts >= len(cards) * WHOLE and needs[passed.queue].least <= len(cards):
            return passed.queue
    return None


def moved_on(line: Line, waiting: Sequence[str], queue: str = "", parts: int = 0) -> Line:
    """The line after a task of ``queue`` got ``parts``, while there was work in ``waiting``: in
    queues of the line, or in such as have no room."""
    before = {passed.queue: passed.parts for passed in line if passed.queue in waiting}
    after = {**before, **{name: before.get(name, 0) for name in waiting}}
    after.pop(queue, None)  # its first task has started: the next one waits from now on
    return tuple(Passed(name, passed + parts) for name, passed in after.items())
