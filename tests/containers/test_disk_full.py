"""A full disk of the agent's: an install ends and is done anew, a log waits for room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds import wheels
from tests.beds.agent import Agent, fill
from tests.beds.waiting import until
from tests.containers.conftest import Yard

MIB = 1 << 20
LINES = 8000

TALKS = f"""
for number in range({LINES}):
    print("line", number, "x" * 1000, flush=True)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk. The engine has to see it as well as the agent."""
    place = tmp_path_factory.mktemp("data")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(scope="module")
def agent(shared_yard: Yard, served: str, data: Path) -> Iterator[Agent]:
    words = ("--data", str(data), "--min-free-disk", "0")
    found = shared_yard.agent(served, *words, lasting=True)
    assert shared_yard.run("print('up')", served) == ["up"]  # it has all that it needs now
    yield found
    found.end()


@pytest.fixture(scope="module")
def served(shared_yard: Yard) -> str:
    """The agent's queue."""
    return shared_yard.site.new_queue()


def test_an_install_is_given_up_and_done_anew(
    yard: Yard, agent: Agent, served: str, data: Path, tmp_path: Path
) -> None:
    filling = fill(agent, data, leave=16 * MIB)
    wheel = wheels.large(tmp_path, "large", 24 * MIB)
    with wheels.index(tmp_path / "index", wheel) as index:
        package = f"large @ {index}/large/{wheel.name}"
        code = "import large; print('large', large.version)"
        task = yard.site.submit(code, served, flags=("--packages", package))
        status, cause, message = yard.outcome(task)
        assert (status, cause) == ("failed", "disk full"), message
        assert "No space left" in yard.site.console(task)
        filling.unlink()
        again = yard.site.again(task, served)
        assert yard.outcome(again)[0] == "completed", yard.site.console(again)
    assert "large 1.0" in yard.lines(again)


def test_a_log_waits_for_room_and_is_whole_in_the_end(
    yard: Yard, agent: Agent, served: str, data: Path
) -> None:
    filling = fill(agent, data, leave=4 * MIB)
    task = yard.submit(TALKS, served)
    until(lambda: yard.lines(task)[3000:], "lines, until the disk is full")
    assert yard.site.status(task) == "in_progress"
    filling.unlink()
    assert yard.outcome(task)[0] == "completed"
    told = [line.split()[1] for line in yard.lines(task)]
    assert told == [str(number) for number in range(LINES)]
