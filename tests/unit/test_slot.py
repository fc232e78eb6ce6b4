"""Which of this machine's agents an agent is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskyard.agent import slot
from taskyard.agent.run import folder as folders
from taskyard.agent.run.spec import RunSpec, Secrets
from taskyard.api.errors import TaskyardError


def test_agents_of_one_host_count_up(tmp_path: Path) -> None:
    taken = [slot.claim(tmp_path, name="host") for _ in range(3)]
    assert [s.worker for s in taken] == ["host:0", "host:1", "host:2"]


def test_a_number_is_free_again_after_its_agent(tmp_path: Path) -> None:
    first = slot.claim(tmp_path, name="host")
    second = slot.claim(tmp_path, name="host")
    first.release()
    again = slot.claim(tmp_path, name="host")
    assert (again.worker, second.worker) == ("host:0", "host:1")


def test_a_number_with_runs_left_in_it_is_taken_first(tmp_path: Path) -> None:
    first, second = (slot.claim(tmp_path, name="host") for _ in range(2))
    folders.create(second.runs, RunSpec(task="task", attempt=1, cache="/cache"), Secrets())
    first.release()
    second.release()
    assert slot.claim(tmp_path, name="host").worker == "host:1"


def test_an_id_of_its_own_is_refused_to_a_second_agent(tmp_path: Path) -> None:
    held = slot.claim(tmp_path, worker="mine")
    with pytest.raises(TaskyardError, match="the worker id mine runs here already"):
        slot.claim(tmp_path, worker="mine")
    held.release()


def test_a_suffix_goes_with_the_hosts_name(tmp_path: Path) -> None:
    assert slot.claim(tmp_path, name="host", suffix="gpu0,1").worker == "host:gpu0,1"


def test_running_agents_are_listed_with_their_process(tmp_path: Path) -> None:
    held = slot.claim(tmp_path, worker="mine")
    slot.claim(tmp_path, worker="gone").release()
    assert slot.running(tmp_path) == [("mine", os.getpid())]
    held.release()


def test_a_killed_agents_id_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from taskyard.agent import slot;"
        "held = slot.claim(Path(sys.argv[1]), worker='mine'); print('held', flush=True);"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert slot.running(tmp_path) == [("mine", other.pid)]
        other.kill()
    assert slot.claim(tmp_path, worker="mine").worker == "mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TaskyardError, match="file/agents/mine") as caught:
        slot.claim(tmp_path / "file", worker="mine")
    assert "TASKYARD_AGENT_DATA" in caught.value.hint


def test_an_id_is_given_once_for_a_server_whatever_the_folder(tmp_path: Path) -> None:
    server = f"http://{tmp_path.name}"
    held = slot.claim(tmp_path / "mine", server=server, worker="box")
    with pytest.raises(TaskyardError, match="box runs here already"):
        slot.claim(tmp_path / "theirs", server=server, worker="box")
    assert slot.claim(tmp_path / "theirs", server="http://another", worker="box").worker == "box"
    held.release()
    assert slot.claim(tmp_path / "theirs", server=server, worker="box").worker == "box"
