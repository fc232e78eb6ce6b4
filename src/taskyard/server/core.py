"""What every part of a server process can reach: its databases, files, signals and counters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from taskyard.server.changes import Changes
from taskyard.server.counters import Counters
from taskyard.server.guard import Guard
from taskyard.server.settings import Settings
from taskyard.server.signals import Signals
from taskyard.server.store import telemetry_tables
from taskyard.server.store.blobs import Blobs
from taskyard.server.store.database.engine import Database
from taskyard.server.store.users import FirstKeys


@dataclass(eq=False)
class Server:
    """Everything a handler may need; made once a process, by ``app.start``."""

    settings: Settings
    control: Database
    telemetry: Database
    blobs: Blobs
    guard: Guard
    signals: Signals
    changes: Changes
    closing: asyncio.Future[None]
    """Done when the server is about to stop: long polls then end at once."""
    first_keys: FirstKeys | None
    """The key pair made at the very first start, to be shown once."""
    counters: Counters = field(default_factory=Counters)
    running: list[asyncio.Task[Any]] = field(default_factory=list)
    """Jobs and whatever else goes on until the server stops."""
    _forgetting: set[asyncio.Task[int]] = field(default_factory=set)

    def close(self) -> None:
        """Have every long poll answer now, with *come again*."""
        self.changes.close()
        if not self.closing.done():
            self.closing.set_result(None)

    def forget_events(self, tasks: Iterable[str]) -> None:
        """Delete what these tasks reported: soon, and apart from the caller's transaction."""
        ids = list(tasks)
        forgetting = asyncio.create_task(
            self.telemetry.write(lambda tx: telemetry_tables.forget(tx, ids))
        )
        self._forgetting.add(forgetting)
        forgetting.add_done_callback(self._forgetting.discard)

    async def events_forgotten(self) -> None:
        """Wait until what :meth:`forget_events` was asked for is done: before new events come."""
        if self._forgetting:
            await asyncio.wait(set(self._forgetting))
