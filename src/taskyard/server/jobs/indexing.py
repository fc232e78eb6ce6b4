"""Bringing the index of tasks' texts up to date, away from the commits that changed them."""

from __future__ import annotations

from taskyard.server.core import Server
from taskyard.server.store import texts

INTERVAL = 2.0
"""Seconds. What is not in the index yet is found all the same, a little more slowly."""

AT_ONCE = 100
"""Changes in one transaction: others wait for no more than that."""


async def run(server: Server) -> None:
    """Index what has changed."""
    while await server.control.read(texts.outdated):
        if not await server.control.write(lambda tx: texts.index_some(tx, AT_ONCE)):
            return
