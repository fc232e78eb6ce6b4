"""What the SDK notes about its abort callback, and how long the agent waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.server.domain.abort_callback import LONGEST, patience


@pytest.mark.parametrize(
    ("runtime", "seconds"),
    [
        ({}, None),
        ({"_abort_callback_timeout": 30.0, "_abort_poll_freq": 5.0}, 35.0),
        ({"_abort_callback_timeout": "30.0", "_abort_poll_freq": "5"}, 35.0),
        ({"_abort_callback_timeout": 30.0}, 45.0),
        ({"_abort_callback_timeout": 30.0, "_abort_callback_completed": ""}, 45.0),
        ({"_abort_callback_timeout": 30.0, "_abort_callback_completed": 1}, None),
        ({"_abort_callback_timeout": -1.0}, None),
        ({"_abort_callback_timeout": "soon"}, None),
        ({"_abort_callback_timeout": "nan"}, None),
        ({"_abort_callback_timeout": 1e9, "_abort_poll_freq": 15.0}, LONGEST),
    ],
)
def test_an_abort_waits_for_a_callback_that_is_not_through(
    runtime: dict[str, Any], seconds: float | None
) -> None:
    assert patience(runtime) == seconds
