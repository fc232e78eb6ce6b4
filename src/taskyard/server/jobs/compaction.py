"""Joining small chunks of telemetry into packed ones, away from the commits that made them."""

from __future__ import annotations

import contextlib
from functools import partial

from sqlalchemy import delete

from taskyard.server.core import Server
from taskyard.server.store.database.engine import Tx, now
from taskyard.server.store.events import logs, scalars
from taskyard.server.store.telemetry_tables import Moved, freeze, scrolls

INTERVAL = 5.0
"""Seconds between two rounds."""

AT_ONCE = 500
"""Series and consoles looked after in one round."""


async def run(server: Server) -> None:
    """One round. Safe beside writers, and beside the same job of another server."""
    store = server.telemetry
    for task, series in await store.read(partial(scalars.crowded, limit=AT_ONCE)):
        points = await store.read(partial(_plan_scalars, task=task, series=series))
        if points is not None:
            with contextlib.suppress(Moved):
                await store.write(partial(scalars.pack, packing=points))
    for task in await store.read(partial(logs.crowded, limit=AT_ONCE)):
        lines = await store.read(partial(_plan_logs, task=task))
        if lines is not None:
            with contextlib.suppress(Moved):
                await store.write(partial(logs.pack, packing=lines))
    await store.write(_drop_expired)


def _plan_scalars(tx: Tx, task: str, series: int) -> scalars.Packing | None:
    freeze(tx)
    return scalars.plan_packing(tx, task, series)


def _plan_logs(tx: Tx, task: str) -> logs.Packing | None:
    freeze(tx)
    return logs.plan_packing(tx, task)


def _drop_expired(tx: Tx) -> None:
    tx.execute(delete(scrolls).where(scrolls.c.expires < now()))
