"""Which GPUs the runs of an agent get as it goes along, and when an agent takes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskyard.agent import fitness
from taskyard.agent.capacity import WHOLE, Need
from taskyard.agent.machine import gpus
from taskyard.agent.machine.gpus import Gpu
from taskyard.agent.run.spec import Place
from taskyard.agent.schedule import schedule
from taskyard.agent.sharing import Shares

CARDS = [Gpu(index=n, uuid=f"GPU-{n}", name="H", memory=1.0) for n in range(4)]


def shares(**needs: Need) -> Shares:
    found = Shares(CARDS)
    found.needs = needs
    return found


def place(found: Shares, queue: str, *runs: Place, waiting: tuple[str, ...] = ()) -> Place | None:
    return found.give("host", "0123456789", queue, runs, waiting)


def test_without_gpus_of_its_own_an_agent_leaves_a_task_all() -> None:
    assert place(Shares(None), "queue") == Place(gpus=None)


def test_one_task_at_a_time_gets_all_gpus_of_the_agent() -> None:
    assert place(Shares(CARDS[:2]), "queue") == Place(gpus=("GPU-0", "GPU-1"))


def test_a_run_is_a_worker_named_after_its_gpus() -> None:
    found = place(shares(dual=Need(2, 2)), "dual", Place(gpus=("GPU-0",)))
    assert found == Place(worker="host:gpu1,2", gpus=("GPU-1", "GPU-2"))


def test_runs_that_share_a_card_are_workers_of_different_names() -> None:
    found = place(shares(half=Need(parts=WHOLE // 2)), "half")
    assert found == Place(worker="host:gpu0:01234567", gpus=("GPU-0",), share=WHOLE // 2)


def test_what_does_not_fit_any_more_gets_no_place() -> None:
    assert place(shares(quad=Need(4, 4)), "quad", Place(gpus=("GPU-0",))) is None


def test_queues_without_room_are_closed() -> None:
    offer = shares(quad=Need(4, 4), one=Need()).offer(["quad", "one"], [Place(gpus=("GPU-0",))])
    assert (offer.closed, offer.queues) == (["quad"], ["quad", "one"])


def test_all_is_kept_for_the_one_that_was_passed_often_and_it_is_first() -> None:
    found = shares(one=Need(), quad=Need(4, 4))
    busy = Place(gpus=("GPU-3",))
    for _ in range(4):
        place(found, "one", busy, waiting=("quad",))
    assert found.offer(["one", "quad"], [busy]).closed == ["one", "quad"]
    offer = found.offer(["one", "quad"], [])
    assert (offer.queues, offer.closed, offer.strict) == (["quad", "one"], [], True)


def test_nothing_is_kept_when_nobody_waits_any_more() -> None:
    found = shares(one=Need(), quad=Need(4, 4))
    for _ in range(4):
        place(found, "one", Place(gpus=("GPU-3",)), waiting=("quad",))
    found.learn([])
    assert found.offer(["one", "quad"], [Place(gpus=("GPU-3",))]).closed == ["quad"]


class TestLostGpu:
    @pytest.fixture(autouse=True)
    def lose_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gpus, "list_gpus", lambda: CARDS[1:])

    def test_no_task_gets_it_and_the_others_are_shared_out(self) -> None:
        found = shares(one=Need())
        found.check()
        given = place(found, "one")
        assert given is not None
        assert given.gpus == ("GPU-1",)
        assert found.trouble == ""

    def test_an_agent_that_gives_all_its_gpus_to_each_task_takes_none(self) -> None:
        found = Shares(CARDS[:2])
        found.check()
        assert found.trouble == "GPU 0 (GPU-0) does not answer any more"

    def test_it_is_given_again_when_it_is_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = Shares(CARDS[:2])
        found.check()
        monkeypatch.setattr(gpus, "list_gpus", lambda: CARDS)
        found.check()
        assert found.trouble == ""


def test_outside_its_hours_an_agent_says_when_it_goes_on() -> None:
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    words = fitness.closed(schedule(["8-20 MON-FRI"]), sunday)
    assert words.startswith("outside its hours (up 8-20 MON-FRI); it goes on Monday at ")


@pytest.mark.parametrize(("free", "fit"), [(1 << 30, True), (10**9, False)])
def test_an_agent_takes_nothing_when_a_gigabyte_is_free(free: int, fit: bool) -> None:
    assert (fitness.full(Path("/data"), free, fitness.LEAST_FREE) == "") == fit
