"""The server itself: its version, its settings and what it can do."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, func, select

from taskyard import __version__
from taskyard.api import server as api
from taskyard.api.errors import BAD_VALUE, ApiError
from taskyard.api.wire import ACTIONS, API_VERSION, SERVER_VERSION, Document, format_version
from taskyard.server.call import HANDLERS, Call, reads, serves
from taskyard.server.store import tables, users
from taskyard.server.store.database.engine import Tx

SECRET = {"database_url", "users", "s3_access_key", "s3_secret_key"}
"""Settings that hold passwords or keys."""


@reads(api.Info)
def info(tx: Tx, call: Call, request: api.Info) -> api.InfoResponse:
    return api.InfoResponse(
        version=SERVER_VERSION,
        build="",
        commit="",
        api_version=format_version(API_VERSION),
        uid=users.installation_id(tx),
        product="taskyard",
        product_version=__version__,
    )


@serves(api.Config)
async def config(call: Call, request: api.Config) -> Document:
    found: Any = msgspec.to_builtins(call.server.settings, enc_hook=str)
    shown = {k: v for k, v in found.items() if k not in SECRET}
    if not request.path:
        return shown
    place: Any = shown
    for step in request.path.split("."):
        if not isinstance(place, dict) or step not in place:
            raise ApiError(BAD_VALUE, "there is no such setting", path=request.path)
        place = place[step]
    return place if isinstance(place, dict) else {request.path: place}


@serves(api.Endpoints)
async def endpoints(call: Call, request: api.Endpoints) -> api.EndpointsResponse:
    found = [
        {
            "name": action.name,
            "min_version": format_version(action.since),
            "authorize": action.access != "open",
            "description": action.summary,
        }
        for name in sorted(ACTIONS)
        for action in ACTIONS[name]
        if action in HANDLERS
    ]
    return api.EndpointsResponse(endpoints=found)


@reads(api.GetStats)
def get_stats(tx: Tx, call: Call, request: api.GetStats) -> Document:
    since = tx.now - request.interval * 1_000_000
    tasks, workers = tables.tasks, tables.workers
    return {
        "interval": request.interval,
        "users": _count(tx, tables.users),
        "projects": _count(tx, tables.projects),
        "models": _count(tx, tables.models),
        "queues": _count(tx, tables.queues),
        "tasks": _count(tx, tasks),
        "recent_tasks": _count(tx, tasks, tasks.c.last_update >= since),
        "recent_workers": _count(tx, workers, workers.c.last_activity >= since),
    }


def _count(tx: Tx, table: Table, *only: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(*only)
    return int(tx.execute(query).scalar_one())


@serves(api.ReportStatsOption)
async def report_stats_option(
    call: Call, request: api.ReportStatsOption
) -> api.ReportStatsOptionResponse:
    return api.ReportStatsOptionResponse(
        supported=False,
        enabled=False,
        enabled_time=None,
        enabled_version=None,
        enabled_user=None,
        current_version=SERVER_VERSION,
    )
