"""A server, and machines on which the unmodified clearml-agent runs against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds.server import Running, running
from tests.e2e.agent_compat.machine import Machine


@pytest.fixture(scope="session")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all tests, so queues must be their own."""
    with running(tmp_path_factory.mktemp("yard")) as found:
        yield found


@pytest.fixture
def machine(yard: Running, tmp_path: Path) -> Iterator[Machine]:
    found = Machine(yard, tmp_path)
    try:
        yield found
    finally:
        found.end()


@pytest.fixture
def queue(machine: Machine, request: pytest.FixtureRequest) -> str:
    """The name of an empty queue that nobody else uses."""
    name = request.node.name.removeprefix("test_")
    machine.api("queues.create", name=name)
    return str(name)
