"""Bringing what finds and orders tasks up to date, away from the commits that changed them."""

from __future__ import annotations

from taskyard.server.core import Server
from taskyard.server.store.documents import texts, value_orders

INTERVAL = 2.0
"""Seconds. What is not in the index yet is found all the same, a little more slowly."""

AT_ONCE = 100
"""Changes in one transaction: others wait for no more than that."""


ORDERED_AT_ONCE = 1_000
"""Tasks whose values are put in order in one transaction."""


async def run(server: Server) -> None:
    """Index what has changed, and put values in order."""
    control = server.control
    while await control.read(texts.outdated):
        if not await control.write(lambda tx: texts.index_some(tx, AT_ONCE)):
            break
    while await control.read(value_orders.outdated) is not None:
        if not await control.write(lambda tx: value_orders.order_some(tx, ORDERED_AT_ONCE)):
            break
