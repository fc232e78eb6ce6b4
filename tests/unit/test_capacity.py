"""Sharing out GPUs: nobody gets what another has, and big work starts in the end."""

from __future__ import annotations

import heapq
import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.agent.capacity import (
    WHOLE,
    Grant,
    Line,
    Need,
    Passed,
    moved_on,
    openings,
    parse,
    place,
    reserved,
    room,
)
from taskyard.api.errors import TaskyardError

CARDS = tuple(f"card{number}" for number in range(8))


@pytest.mark.parametrize(
    ("word", "queue", "need"),
    [
        ("quad=4", "quad", Need(4, 4)),
        ("any=1-4", "any", Need(1, 4)),
        ("half=0.5", "half", Need(parts=WHOLE // 2)),
        ("plain", "plain", Need()),
        ("a=b=2", "a=b", Need(2, 2)),
    ],
)
def test_a_queue_says_what_its_tasks_need(word: str, queue: str, need: Need) -> None:
    assert parse(word) == (queue, need)


@pytest.mark.parametrize("word", ["q=", "q=0", "q=x", "q=4-1", "q=1.5", "q=0.0", "=2", "q=-1"])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(TaskyardError, match="how many GPUs"):
        parse(word)


def test_a_range_takes_as_many_as_are_free() -> None:
    left = room(CARDS, [Grant(CARDS[:5])])
    assert place(Need(1, 4), left) == Grant(CARDS[5:])


def test_shares_are_taken_of_the_fullest_card() -> None:
    left = room(CARDS, [Grant((CARDS[3],), WHOLE // 4)])
    assert place(Need(parts=WHOLE // 2), left) == Grant((CARDS[3],), WHOLE // 2)


@pytest.mark.parametrize(("share", "count"), [(0.5, 2), (0.25, 4), (0.1, 10), (0.3, 3), (0.2, 5)])
def test_as_many_shares_fit_on_a_card_as_it_has(share: float, count: int) -> None:
    _, need = parse(f"q={share}")
    held: list[Grant] = []
    while grant := place(need, room(CARDS[:1], held)):
        held.append(grant)
    assert len(held) == count


def test_a_card_with_a_share_on_it_is_not_whole() -> None:
    assert place(Need(), room(CARDS[:1], [Grant((CARDS[0],), 1)])) is None


def test_what_does_not_fit_is_passed() -> None:
    needs = {"big": Need(8, 8), "small": Need()}
    left = room(CARDS, [Grant(CARDS[:1])])
    assert openings(needs, left, (Passed("big"),)) == ["small"]


def test_after_a_machine_full_all_is_kept_for_the_one_that_waits() -> None:
    needs = {"small": Need(), "big": Need(8, 8)}
    line = (Passed("big", 8 * WHOLE),)
    assert openings(needs, room(CARDS, [Grant(CARDS[:1])]), line) == []
    assert openings(needs, room(CARDS, []), line) == ["big", "small"]


def test_nothing_is_kept_for_work_that_the_cards_left_cannot_hold() -> None:
    assert reserved({"big": Need(8, 8)}, CARDS[:7], (Passed("big", 80 * WHOLE),)) is None


def test_the_line_begins_anew_for_the_next_task_of_a_queue() -> None:
    line = (Passed("big", 5), Passed("other", 6))
    assert moved_on(line, ["big", "other"], "big", 4) == (Passed("other", 10),)


def test_a_queue_in_the_line_is_not_forgotten_because_it_fits_for_a_moment() -> None:
    machine = Machine({"small": Need(), "big": Need(4, 4)}, 0, tasks=0)
    machine.waiting["small"].extend([0.0] * 1000)
    machine.waiting["big"].append(0.0)
    while machine.waiting["big"]:
        machine.hand_out()
        machine.running.clear()  # all end at once, and four are free for the next small ones
    # Five that fill it, eight that go past the big one, and four beside it.
    assert machine.started <= 5 + 8 + 1 + 4


def test_one_that_waits_no_more_leaves_the_line() -> None:
    assert moved_on((Passed("big", 5), Passed("other", 6)), ["other"]) == (Passed("other", 6),)


class Machine:
    """Eight cards and queues with random arrivals, as agent and server go about them."""

    def __init__(self, needs: dict[str, Need], seed: int, tasks: int) -> None:
        self.needs, self.random = needs, random.Random(seed)
        self.now = 0.0
        self.arrivals = [
            (self.random.random() * tasks / 4, self.random.choice(list(needs)))
            for _ in range(tasks)
        ]
        heapq.heapify(self.arrivals)
        self.waiting: dict[str, deque[float]] = {queue: deque() for queue in needs}
        self.running: list[tuple[float, Grant]] = []
        self.line: Line = ()
        self.started = 0

    def run(self) -> None:
        while self.arrivals or self.running or any(self.waiting.values()):
            self.hand_out()
            soon = [entry[0][0] for entry in (self.arrivals, self.running) if entry]
            if not soon:
                break
            self.now = min(soon)
            while self.arrivals and self.arrivals[0][0] <= self.now:
                at, queue = heapq.heappop(self.arrivals)
                self.waiting[queue].append(at)
            while self.running and self.running[0][0] <= self.now:
                heapq.heappop(self.running)

    def hand_out(self) -> None:
        while True:
            left = room(CARDS, [grant for _, grant in self.running])
            asked = openings(self.needs, left, self.line)
            closed = [queue for queue in self.needs if queue not in asked]
            seen = [*closed, *(passed.queue for passed in self.line)]
            wanting = [queue for queue in self.needs if queue in seen and self.waiting[queue]]
            queue = next((name for name in asked if self.waiting[name]), "")
            if not queue:
                self.line = moved_on(self.line, wanting)
                return
            self.start(queue, left)
            got = self.running_last.weight
            self.line = moved_on(self.line, wanting, queue, got)
            self.check()

    def start(self, queue: str, left: dict[str, int]) -> None:
        grant = place(self.needs[queue], left)
        assert grant is not None
        self.waiting[queue].popleft()
        self.started += 1
        self.running_last = grant
        heapq.heappush(self.running, (self.now + self.random.expovariate(0.5), grant))

    def check(self) -> None:
        left = room(CARDS, [grant for _, grant in self.running])
        assert min(left.values()) >= 0, "more was given away than there is"
        # A machine full goes past it; what was begun then, and those before it in the line.
        most = (1 + len(self.needs)) * len(CARDS) * WHOLE
        assert all(passed.parts <= most for passed in self.line), self.line


NEEDS = st.one_of(
    st.integers(1, 8).map(lambda n: Need(n, n)),
    st.integers(1, 8).map(lambda n: Need(1, n)),
    st.sampled_from([0.5, 0.25, 0.3]).map(lambda share: Need(parts=round(share * WHOLE))),
)


@given(needs=st.lists(NEEDS, min_size=1, max_size=5), seed=st.integers(0, 10_000))
def test_everything_starts_and_nothing_is_given_twice(needs: list[Need], seed: int) -> None:
    machine = Machine({f"queue{n}": need for n, need in enumerate(needs)}, seed, tasks=60)
    machine.run()
    assert machine.started == 60


@given(seed=st.integers(0, 10_000))
def test_endless_small_work_of_higher_priority_does_not_starve_the_big_one(seed: int) -> None:
    machine = Machine({"small": Need(), "big": Need(4, 4)}, seed, tasks=0)
    machine.waiting["small"].extend([0.0] * 100)
    machine.waiting["big"].append(0.0)
    machine.run()
    assert machine.started == 101
    order = Machine({"small": Need(), "big": Need(4, 4)}, seed, tasks=0)
    order.waiting["small"].extend([0.0] * 100)
    order.waiting["big"].append(0.0)
    while order.waiting["big"]:
        order.hand_out()
        order.now = order.running[0][0]
        heapq.heappop(order.running)
    # Five fill the machine so far that the big one does not fit, eight more may go past it.
    assert order.started <= 5 + 8 + 1
