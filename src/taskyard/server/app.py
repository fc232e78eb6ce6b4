"""The server put together: stores, actions, jobs, files and page behind one ASGI application."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
import uuid
from typing import Any

import taskyard.server.services as services
from taskyard.api.errors import TaskyardError
from taskyard.server import dispatch
from taskyard.server.changes import Changes
from taskyard.server.core import Server
from taskyard.server.guard import Guard
from taskyard.server.pages import pages
from taskyard.server.services.files import files_app
from taskyard.server.settings import Settings
from taskyard.server.signals import Signals
from taskyard.server.store.blobs import Blobs
from taskyard.server.store.blobs.local import LocalBlobs
from taskyard.server.store.database import databases, schema
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.postgres import PostgresDatabase
from taskyard.server.store.documents import texts, value_orders
from taskyard.server.store.queues.queues import ensure_defaults
from taskyard.server.store.tasks.attempts import extend_all
from taskyard.server.store.users import FirstKeys, ensure_first, signing_key

log = logging.getLogger("taskyard.server")

for _module in pkgutil.iter_modules(services.__path__):
    importlib.import_module(f"{services.__name__}.{_module.name}")

JOBS = ("reaper", "watchdog", "statistics", "compaction", "indexing")
"""Modules of ``server.jobs``: each has INTERVAL (seconds) and ``async def run(server)``."""


async def start(settings: Settings) -> Server:
    """Open the stores, bring their schema up to date and start the jobs.

    Raises TaskyardError when the data folder or the database cannot be had.
    """
    _make_folder(settings)
    blobs, signals, changes = _blobs(settings), Signals(), Changes()
    tell, sender = signals.announce, uuid.uuid4().hex
    control = databases.connect(settings.control_url, tell, sender=sender)
    telemetry = databases.connect(settings.telemetry_url, tell, schema="telemetry", sender=sender)
    await asyncio.to_thread(schema.upgrade, control.engine, "control")
    await asyncio.to_thread(schema.upgrade, telemetry.engine, "telemetry")
    await _check_files(blobs)
    key, first_keys = await control.write(lambda tx: _prepare(tx, settings))
    guard = Guard(key)
    signals.follow(guard.told)
    signals.follow(changes.told)
    closing = asyncio.get_running_loop().create_future()
    server = Server(
        settings, control, telemetry, blobs, guard, signals, changes, closing, first_keys
    )
    if isinstance(control, PostgresDatabase):
        server.running.append(asyncio.create_task(control.listen()))
    for name in JOBS:
        job = importlib.import_module(f"taskyard.server.jobs.{name}")
        server.running.append(asyncio.create_task(_repeat(server, job)))
    return server


def _prepare(tx: Tx, settings: Settings) -> tuple[bytes, FirstKeys | None]:
    """What every start does to the database; gives the signing key, and the first keys."""
    schema.alone(tx)
    texts.prepare(tx)
    value_orders.prepare(tx)
    key, keys = signing_key(tx), ensure_first(tx, settings)
    ensure_defaults(tx)
    # While this server was away nobody could renew: that is no agent's fault.
    extend_all(tx)
    return key, keys


async def _check_files(blobs: Blobs) -> None:
    """Say early that files cannot be kept; tasks are served all the same."""
    try:
        await blobs.check()
    except TaskyardError as error:
        log.warning("%s. %s", error.what, error.hint)


async def _repeat(server: Server, job: Any) -> None:
    while True:
        await asyncio.sleep(job.INTERVAL)
        try:
            await job.run(server)
        except Exception:
            log.exception("the job %s failed; it is tried again", job.__name__)


async def stop(server: Server) -> None:
    """End long polls and jobs, finish what was promised, and close the stores."""
    server.close()
    await server.events_forgotten()
    for task in server.running:
        task.cancel()
    await asyncio.gather(*server.running, return_exceptions=True)
    server.control.close()
    server.telemetry.close()


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
                await stop(self.server)
                await send({"type": "lifespan.shutdown.complete"})
                return
