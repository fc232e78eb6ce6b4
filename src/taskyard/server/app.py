"""The server put together: stores, actions, jobs, files and page behind one ASGI application."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import taskyard.server.services as services
from taskyard.api.errors import TaskyardError
from taskyard.server import dispatch
from taskyard.server.auth import Guard, Identity, authenticate
from taskyard.server.live import Changes
from taskyard.server.metrics import Counters
from taskyard.server.pages import pages
from taskyard.server.services.files import files_app
from taskyard.server.settings import Settings
from taskyard.server.signals import Signals
from taskyard.server.store import engine, schema, telemetry_tables, texts
from taskyard.server.store.attempts import extend_all
from taskyard.server.store.blobs import Blobs
from taskyard.server.store.blobs.local import LocalBlobs
from taskyard.server.store.queues import ensure_defaults
from taskyard.server.store.users import FirstKeys, ensure_first, signing_key

log = logging.getLogger("taskyard.server")

for _module in pkgutil.iter_modules(services.__path__):
    importlib.import_module(f"{services.__name__}.{_module.name}")

JOBS = ("reaper", "watchdog", "statistics", "compaction", "indexing")
"""Modules of ``server.jobs``: each has INTERVAL (seconds) and ``async def run(server)``."""


class Server:
    """Everything a handler may need; made once a process."""

    control: engine.Database
    telemetry: engine.Database
    guard: Guard
    first_keys: FirstKeys | None = None
    """The key pair made at the very first start, to be shown once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.signals = Signals()
        self.changes = Changes()
        self.counters = Counters()
        _make_folder(settings)
        self.blobs = _blobs(settings)
        self.closing: asyncio.Future[None] | None = None
        """Done when the server is about to stop: long polls then end at once."""
        self._running: list[asyncio.Task[None]] = []
        self._forgetting: set[asyncio.Task[int]] = set()

    async def start(self) -> None:
        """Open the stores, bring their schema up to date and start the jobs."""
        self.closing = asyncio.get_running_loop().create_future()
        announce = self.signals.announce
        sender = uuid.uuid4().hex
        self.control = engine.connect(self.settings.control_url, announce, sender=sender)
        self.telemetry = engine.connect(
            self.settings.telemetry_url, announce, schema="telemetry", sender=sender
        )
        await asyncio.to_thread(schema.upgrade, self.control.engine, "control")
        await asyncio.to_thread(schema.upgrade, self.telemetry.engine, "telemetry")
        await self._check_files()
        key, self.first_keys = await self.control.write(self._prepare)
        self.guard = Guard(key)
        self.signals.follow(self.guard.told)
        self.signals.follow(self.changes.told)
        if isinstance(self.control, engine.PostgresDatabase):
            self._spawn(self.control.listen())
        for name in JOBS:
            self._spawn(self._repeat(importlib.import_module(f"taskyard.server.jobs.{name}")))

    def _prepare(self, tx: engine.Tx) -> tuple[bytes, FirstKeys | None]:
        """What every start does to the database; gives the signing key, and the first keys."""
        schema.alone(tx)
        texts.prepare(tx)
        key, keys = signing_key(tx), ensure_first(tx, self.settings)
        ensure_defaults(tx)
        # While this server was away nobody could renew: that is no agent's fault.
        extend_all(tx)
        return key, keys

    async def _check_files(self) -> None:
        """Say early that files cannot be kept; tasks are served all the same."""
        try:
            await self.blobs.check()
        except TaskyardError as error:
            log.warning("%s. %s", error.what, error.hint)

    def close(self) -> None:
        """Have every long poll answer now, with *come again*."""
        self.changes.close()
        if self.closing is not None and not self.closing.done():
            self.closing.set_result(None)

    async def stop(self) -> None:
        self.close()
        await self.events_forgotten()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self.control.close()
        self.telemetry.close()

    def _spawn(self, work: Any) -> None:
        self._running.append(asyncio.create_task(work))

    async def _repeat(self, job: Any) -> None:
        while True:
            await asyncio.sleep(job.INTERVAL)
            try:
                await job.run(self)
            except Exception:
                log.exception("the job %s failed; it is tried again", job.__name__)

    async def authenticate(self, headers: Mapping[str, str], ip: str = "") -> Identity:
        """Who sends these headers. Raises ApiError (401) when they do not say."""
        return await authenticate(self, headers, ip)

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


def _blobs(settings: Settings) -> Blobs:
    if not settings.files.startswith("s3://"):
        return LocalBlobs(settings.files_folder)
    # boto3 is large, and only needed where files are kept so.
    from taskyard.server.store.blobs.s3 import Place, S3Blobs

    return S3Blobs(
        Place.at(
            settings.files,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
        )
    )


def _make_folder(settings: Settings) -> None:
    folder = settings.folder
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise TaskyardError(
            f"cannot write to the data folder {folder}: {error.strerror}",
            hint="Name another with --data, or change who owns it.",
        ) from error


class App:
    """The ASGI application: the API by its path shape, then files, then pages."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._files = files_app(server)
        self._pages = pages(server)

    async def __call__(
        self, scope: dispatch.Scope, receive: dispatch.Receive, send: dispatch.Send
    ) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path = scope["path"]
        if match := dispatch.routed(path):
            await dispatch.serve(self.server, match, scope, receive, send)
        elif path.startswith("/files/") or path == "/files":
            inner = dict(scope)
            inner["root_path"] = scope.get("root_path", "") + "/files"
            await self._files(inner, receive, send)
        elif match := dispatch.astray(scope["method"], path):
            await dispatch.serve(self.server, match, scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _lifespan(self, receive: dispatch.Receive, send: dispatch.Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.server.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
