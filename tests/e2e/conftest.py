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
