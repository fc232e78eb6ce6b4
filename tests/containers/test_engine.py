"""An engine of its own that is stopped, killed and started again while tasks run in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds import docker
from tests.beds.waiting import until
from tests.containers.conftest import HOST, Yard

LONG = "import time\nprint('up', flush=True)\ntime.sleep(600)\n"


class Engine:
    """A Docker engine in a folder, beside the machine's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = f"unix://{root}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # With a network of its own: it would take the machine's bridge away from its engine.
        command = ["unshare", "--net", "dockerd", "--host", self.host]
        command += ["--pidfile", str(self.root / "pid")]
        for name in ("data-root", "exec-root"):
            command += [f"--{name}", str(self.root / name)]
        command += ["--bridge=none", "--iptables=false"]
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        until(lambda: docker.answers("--host", self.host), "the engine")

    def docker(self, *words: str) -> str:
        return docker.docker("--host", self.host, *words)

    def terminate(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)
        # It takes what has these numbers for alive, be it a zombie that nobody collects here.
        for left in ("pid", "exec-root/containerd/containerd.pid"):
            (self.root / left).unlink(missing_ok=True)

    def close(self) -> None:
        names = self.docker("ps", "--all", "--quiet").split()
        if names:
            self.docker("rm", "--force", *names)
        self.terminate()
        places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed(places):
            if place.startswith(str(self.root)):
                subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture(scope="module")
def own_engine(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = Engine(tmp_path_factory.mktemp("engine"))
    found.start()
    found.docker("import", str(docker.archive()), docker.IMAGE)
    yield found
    found.close()


@pytest.fixture
def queue(yard: Yard, own_engine: Engine) -> str:
    """The queue of an agent that uses that engine."""
    name = yard.site.new_queue()
    flags = ("--queue", name, "--docker", docker.IMAGE, HOST)
    yard.site.agent(*flags, environment={"DOCKER_HOST": own_engine.host})
    return name


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_a_task_whose_engine_is_restarted_is_given_up_as_lost(
    yard: Yard, queue: str, own_engine: Engine, how: str
) -> None:
    task = yard.submit(LONG, queue)
    yard.site.printed_by(task, "up")
    getattr(own_engine, how)()
    own_engine.start()
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "worker lost")
    assert "engine" in message
    assert "up" in yard.lines(task)
    until(lambda: not own_engine.docker("ps", "--all", "--quiet"), "the container's removal")


def test_an_engine_that_is_away_when_a_task_starts_is_named_in_its_own_words(
    yard: Yard, queue: str, own_engine: Engine
) -> None:
    own_engine.terminate()
    task = yard.submit("print('never')", queue)
    status, cause, message = yard.outcome(task)
    own_engine.start()
    assert (status, cause) == ("failed", "agent")
    assert "Cannot connect to the Docker daemon" in message
