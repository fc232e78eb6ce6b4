"""What tasks report in the tests, and how it is read page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.beds.server import Api
from tests.server.asking import Document

START = 1_700_000_000_000
"""When the first of them was reported, in milliseconds."""


def scalar(task: str, iteration: int, value: Any = 0.5, **more: Any) -> Document:
    event = {"type": "training_stats_scalar", "task": task, "metric": "loss", "variant": "train"}
    return {**event, "iter": iteration, "value": value, "timestamp": START + iteration, **more}


def scrolled(api: Api, action: str, **body: Any) -> Iterator[Document]:
    """Page after page until one is empty."""
    scroll_id = None
    while True:
        page = api(action, scroll_id=scroll_id, **body)
        scroll_id = page["scroll_id"]
        if not page["returned"]:
            return
        yield page
