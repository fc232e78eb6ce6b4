"""What the suites of the protocol share."""

from __future__ import annotations

import pytest

from tests.beds.server import Api
from tests.server.making import new_project


@pytest.fixture
def home(api: Api) -> str:
    """A project of the test's own."""
    return new_project(api)
