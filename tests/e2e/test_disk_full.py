"""A disk that gets full in the middle of something: it is named, and nothing half-made is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.beds import wheels
from tests.beds.agent import Agent, Site, fill, small_disk
from tests.beds.waiting import until

MIB = 1 << 20
LINES = 8000

TALKS = f"""
for number in range({LINES}):
    print("line", number, "x" * 1000, flush=True)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def agent(site: Site, queue: str, data: Path) -> Agent:
    """An agent whose data lie on a small disk, and who has put some of it aside."""
    flags = ("--queue", queue, "--data", str(data), "--min-free-disk", "0")
    found = site.agent(*flags, within=small_disk(data, "96m"))
    reserved = f"/proc/{found.process.pid}/root{data}/agents/{found.worker}/reserved"
    until(Path(reserved).exists, "room put aside")
    return found


@pytest.mark.parametrize("manager", ["uv", "pip"])
def test_an_install_is_given_up_and_done_anew(
    site: Site, agent: Agent, queue: str, data: Path, tmp_path: Path, manager: str
) -> None:
    filling = fill(agent, data, leave=16 * MIB)
    large = wheels.large(tmp_path, "large", 24 * MIB)
    flags = ("--packages", f"large @ {large.as_uri()}", "--package-manager", manager)
    task = site.submit("import large; print('large', large.version)", queue, flags=flags)
    found = site.ended(task)
    assert (found["status"], found["status_reason"]) == ("failed", "disk full")
    assert "environment" in found["status_message"].splitlines()[0]
    assert "No space left" in site.console(task)
    filling.unlink()
    again = site.again(task, queue)
    assert site.ended(again)["status"] == "completed", site.console(again)
    assert "large 1.0\n" in site.console(again)


def test_a_log_has_all_that_could_be_written_and_the_task_ends(
    site: Site, agent: Agent, queue: str, data: Path
) -> None:
    filling = fill(agent, data, leave=4 * MIB)
    task = site.submit(TALKS, queue)
    found = site.ended(task)
    assert (found["status"], found["status_reason"]) == ("failed", "disk full")
    (attempt,) = site.attempts(task)
    assert (attempt["exit_code"], "Free space" in attempt["hint"]) == (1, True)
    told = [line.split()[1] for line in site.console(task).splitlines() if line[:5] == "line "]
    assert told == [str(number) for number in range(len(told))]
    assert 2000 < len(told) < LINES
    filling.unlink()
    later = site.submit("print('there is room again')", queue)
    assert site.ended(later)["status"] == "completed"
