"""Is anybody there? Small calls for health checks and for trying out a client."""

from __future__ import annotations

from taskyard.api import debug as api
from taskyard.api.wire import Document
from taskyard.server.call import Call, serves

FRIENDLY = "The yard is open."


@serves(api.Ping)
async def ping(call: Call, request: api.Ping) -> api.PingResponse:
    return api.PingResponse(msg=FRIENDLY)


@serves(api.PingAuth)
async def ping_auth(call: Call, request: api.PingAuth) -> api.PingResponse:
    return api.PingResponse(msg=FRIENDLY)


@serves(api.Echo)
async def echo(call: Call, request: api.Echo) -> Document:
    return call.body
