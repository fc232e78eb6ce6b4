"""One site for all end-to-end tests of a session, and one for each test that breaks its server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds.agent import Site
from tests.beds.agent import site as make_site


@pytest.fixture(scope="session")
def agent_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mirrors, packages and environments that all agents of the session share."""
    return tmp_path_factory.mktemp("agents")


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory, agent_data: Path) -> Iterator[Site]:
    with make_site(tmp_path_factory.mktemp("site"), agent_data) as found:
        yield found


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """For tests that leave the server alone: each takes a queue and an agent of its own."""
    yield shared_site
    shared_site.end_programs()


@pytest.fixture
def own_site(tmp_path: Path, agent_data: Path) -> Iterator[Site]:
    """For tests that kill the server."""
    with make_site(tmp_path / "site", agent_data) as found:
        yield found


@pytest.fixture
def queue(site: Site) -> str:
    """The name of a queue that nobody else uses."""
    return site.new_queue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with scripts, in no repository."""
    (tmp_path / "main.py").write_text("import sys\nprint('args', *sys.argv[1:])\n")
    (tmp_path / "exits.py").write_text("import sys\nprint('bye')\nsys.exit(int(sys.argv[1]))\n")
    (tmp_path / "greet.sh").write_text('echo "shell says $1 $GREETING"\n')
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "module.py").write_text("import sys\nprint('module', *sys.argv[1:])\n")
    return tmp_path


@pytest.fixture(scope="module")
def serving(shared_site: Site) -> Iterator[str]:
    """A queue with an agent that runs many tasks at once."""
    queue = shared_site.new_queue()
    agent = shared_site.agent("--queue", queue, "--services-mode", lasting=True)
    yield queue
    agent.end()


@pytest.fixture
def drafts(shared_site: Site) -> list[str]:
    """Three drafts, the newest last."""
    return [
        str(shared_site.api("tasks.create", name=f"draft {n}", type="training")["id"])
        for n in range(3)
    ]
