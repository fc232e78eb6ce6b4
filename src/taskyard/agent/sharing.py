"""Which of its GPUs an agent gives to which run, as it goes along."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from taskyard.agent import capacity
from taskyard.agent.capacity import Grant, Line, Need
from taskyard.agent.machine import gpus
from taskyard.agent.machine.gpus import Gpu
from taskyard.agent.run.spec import Place

log = logging.getLogger("taskyard.agent")


class Offer(NamedTuple):
    """What to ask the server for."""

    queues: list[str]
    """Ids, in the order in which to ask."""
    closed: list[str] | None
    """Those without room; None where room does not depend on the queue."""
    waiting: list[str]
    """Those in which something has waited for room, and did so when last seen."""
    strict: bool
    """Something is kept for the first of them: no turns."""


class Shares:
    """The agent's GPUs. Not for use by several threads at once, but for :attr:`trouble`."""

    def __init__(self, cards: Sequence[Gpu] | None) -> None:
        """``cards``: the agent's own GPUs; None where it does not care for them."""
        self.cards = cards
        self.needs: Mapping[str, Need] = {}
        """What tasks get, by id of their queue; empty where each task gets all cards."""
        self._line: Line = ()
        self._lost: frozenset[str] = frozenset()

    @property
    def trouble(self) -> str:
        """Why no task can get its GPUs now; empty when some can."""
        gone = [gpu for gpu in self.cards or () if gpu.uuid in self._lost]
        if not gone or (self.needs and len(gone) < len(self.cards or ())):
            return ""
        return f"GPU {gone[0].index} ({gone[0].uuid}) does not answer any more"

    def check(self) -> None:
        """Leave out the GPUs that do not answer, until they do."""
        if not self.cards:
            return
        present = {gpu.uuid for gpu in gpus.list_gpus()}
        lost = frozenset(gpu.uuid for gpu in self.cards if gpu.uuid not in present)
        for uuid in lost - self._lost:
            log.error("GPU %s does not answer any more: no task gets it", uuid)
        for uuid in self._lost - lost:
            log.warning("GPU %s answers again", uuid)
        self._lost = lost

    def offer(self, queues: Sequence[str], runs: Sequence[Place]) -> Offer:
        """What tasks of these queues (ids, by priority) there is room for, beside those runs."""
        if not self.needs:
            return Offer(list(queues), None, [], strict=False)
        needs = {queue: self.needs[queue] for queue in queues if queue in self.needs}
        self._line = tuple(passed for passed in self._line if passed.queue in needs)
        left = self._left(runs)
        ready = capacity.openings(needs, left, self._line)
        closed = [queue for queue in queues if queue not in ready]
        kept_for = capacity.reserved(needs, left, self._line)
        first = [kept_for] if kept_for in ready and kept_for else []
        return Offer(
            [*first, *(queue for queue in queues if queue not in first)],
            closed,
            [passed.queue for passed in self._line],
            strict=bool(first),
        )

    def learn(self, waiting: Sequence[str]) -> None:
        """Note in which queues something waits for room."""
        self._line = capacity.moved_on(self._line, waiting)

    def give(
        self, base: str, task: str, queue: str, runs: Sequence[Place], waiting: Sequence[str]
    ) -> Place | None:
        """The place of a task of ``queue``; None when there is no room for it.

        ``waiting``: the queues that it has gone past.
        """
        if not self.needs:
            return Place(gpus=None if self.cards is None else tuple(g.uuid for g in self.cards))
        grant = capacity.place(self.needs.get(queue, Need()), self._left(runs))
        if grant is None:
            return None
        self._line = capacity.moved_on(self._line, waiting, queue, grant.weight)
        return Place(worker=self._name(base, task, grant), gpus=grant.cards, share=grant.parts)

    def _left(self, runs: Sequence[Place]) -> dict[str, int]:
        cards = [gpu.uuid for gpu in self.cards or () if gpu.uuid not in self._lost]
        return capacity.room(cards, [Grant(run.gpus or (), run.share) for run in runs])

    def _name(self, base: str, task: str, grant: Grant) -> str:
        index = {gpu.uuid: str(gpu.index) for gpu in self.cards or ()}
        name = f"{base}:gpu{','.join(index[card] for card in grant.cards)}"
        # Several tasks share a card: each is a worker of its own.
        return name if grant.parts == capacity.WHOLE else f"{name}:{task[:8]}"
