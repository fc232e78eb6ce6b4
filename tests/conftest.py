"""Beds that more than one folder of tests stands on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.beds import postgres


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """The maintenance URL of a PostgreSQL server that runs for the session."""
    with postgres.cluster() as url:
        yield url
