"""The unmodified SDK in its own environment, a server for it, and one agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds.server import Api, Running, running
from tests.e2e.sdk.client import Sdk
from tests.e2e.sdk.yard import agent


@pytest.fixture(scope="session")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all scripts, so projects must be their own."""
    with running(tmp_path_factory.mktemp("yard")) as found:
        yield found


@pytest.fixture
def api(yard: Running) -> Api:
    """What lies on the server, asked without the SDK."""
    return Api(yard)


@pytest.fixture
def sdk(yard: Running, tmp_path: Path) -> Sdk:
    """Runs scripts with the SDK; what it caches and remembers lasts for one test."""
    return Sdk(yard, tmp_path)


@pytest.fixture(scope="session")
def working_agent(yard: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An agent of ours that takes many tasks at once from the queues default and services."""
    with agent(yard, tmp_path_factory.mktemp("agent")) as log:
        yield log
