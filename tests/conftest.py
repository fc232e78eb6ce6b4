"""Beds that more than one folder of tests stands on."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.beds import postgres, s3

# A shell that starts the tests in the background has them, and all they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """The maintenance URL of a PostgreSQL server that runs for the session."""
    with postgres.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def s3_store() -> Iterator[s3.Store]:
    """A store that speaks S3, with an empty bucket, for the session."""
    with s3.store() as found:
        yield found
