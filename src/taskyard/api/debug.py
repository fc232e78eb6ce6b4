"""Is anybody there? Small calls for health checks and for trying out a client."""

from __future__ import annotations

from taskyard.api.wire import Document, Request, Response, action


class PingResponse(Response):
    msg: str
    """A friendly word."""


@action("debug.ping", answers=PingResponse, access="open")
class Ping(Request):
    """Say that the server answers. Needs no key pair."""


@action("debug.ping_auth", answers=PingResponse)
class PingAuth(Request):
    """Say that the server answers, and that it knows the caller."""


@action("debug.echo", answers=Document)
class Echo(Request):
    """Give back what was sent."""
