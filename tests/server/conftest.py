"""A server on each database; one for all the tests of a module, so names must be their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beds import postgres
from tests.beds.server import Api, Running, running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    url = ""
    if request.param == "postgresql":
        url = postgres.fresh_database(request.getfixturevalue("postgres_cluster"))
    with running(tmp_path_factory.mktemp("data"), url) as found:
        yield found


@pytest.fixture
def api(server: Running) -> Api:
    """``api("queues.create", name="x")`` gives the answer's data or raises ApiError."""
    return Api(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "postgresql":
        return postgres.fresh_database(request.getfixturevalue("postgres_cluster"))
    return f"sqlite:///{tmp_path}/some.db"
