"""``taskyard up``: the whole of a small installation with one command."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from taskyard.agent import slot
from taskyard.client import config
from tests.beds.agent import TASKYARD, Program, Site
from tests.beds.postgres import free_port
from tests.beds.waiting import until


class Up:
    """A server with its services agent, on a data folder and with a configuration of its own."""

    def __init__(self, site: Site, root: Path) -> None:
        self.site, self.root = site, root
        self.data = root / "data"
        self.port = free_port()
        self.config = {"TASKYARD_CONFIG": str(root / "client.toml")}

    def start(self) -> Program:
        words = [*TASKYARD, "up", "--data", str(self.data), "--port", str(self.port)]
        found = self.site.program(words, **self.config)
        until(lambda: "Ctrl-C stops it." in found.said, f"the server: {found.said}")
        until(self.agent, "the services agent")
        return found

    def agent(self) -> int:
        """The process id of the services agent that is ready; 0 when there is none."""
        log = self.data / "agent" / "agent.log"
        ready = log.exists() and " serves " in log.read_text()
        pids = [pid for _, pid in slot.running(self.data / "agent")]
        return pids[0] if ready and pids else 0

    def taskyard(self, *words: str) -> str:
        done = self.site.taskyard(*words, environment=self.config)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def submit(self) -> str:
        """Submit a task to the queue of services."""
        folder = self.root / "code"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text("print('served')\n")
        return self.taskyard("submit", "--queue", "services", "--folder", str(folder), "main.py")


@pytest.fixture
def up(site: Site, tmp_path: Path) -> Up:
    return Up(site, tmp_path)


def test_its_services_agent_runs_tasks(up: Up) -> None:
    up.start()
    task = up.submit()
    assert up.taskyard("wait", task).endswith("exit code 0")


def test_ctrl_c_ends_it_and_its_agent(up: Up) -> None:
    program = up.start()
    program.process.send_signal(signal.SIGINT)
    assert program.process.wait(60) == 0
    assert not up.agent()


def test_on_another_port_its_agent_and_the_commands_find_it(up: Up) -> None:
    up.start().terminate()
    up.port = free_port()
    up.start()
    assert config.find(environ=up.config).url == f"http://127.0.0.1:{up.port}"
    assert up.taskyard("wait", up.submit()).endswith("exit code 0")


def test_the_agent_of_a_killed_server_is_taken_over(up: Up) -> None:
    program = up.start()
    agent = up.agent()
    program.kill()
    program = up.start()
    assert up.agent() == agent
    assert program.terminate() == 0
    assert not up.agent()
