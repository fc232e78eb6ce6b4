"""The server itself: its version, its settings and what it can do."""

from __future__ import annotations

from taskyard.api.wire import Document, Request, Response, action


class InfoResponse(Response):
    version: str
    """The version of the protocol's server that this one answers like."""
    build: str
    commit: str
    api_version: str
    uid: str
    """Names this installation; it stays when the server moves."""
    product: str
    product_version: str


@action("server.info", answers=InfoResponse)
class Info(Request):
    """Say which server this is, in which version."""


@action("server.config", answers=Document, access="admin")
class Config(Request):
    """Show the settings, or the one at a path. Secrets are left out."""

    path: str | None = None


class EndpointsResponse(Response):
    endpoints: list[Document]


@action("server.endpoints", answers=EndpointsResponse, access="admin")
class Endpoints(Request):
    """List every action of the API with the version it appeared in."""


@action("server.get_stats", answers=Document, access="admin")
class GetStats(Request):
    """Count what the server keeps, and those who worked with it lately."""

    interval: int = 24 * 3600
    """How far back *lately* goes, in seconds."""


class ReportStatsOptionResponse(Response):
    supported: bool
    enabled: bool
    enabled_time: str | None
    enabled_version: str | None
    enabled_user: str | None
    current_version: str


@action("server.report_stats_option", answers=ReportStatsOptionResponse)
class ReportStatsOption(Request):
    """Say whether usage is reported to anybody. This server never does."""

    enabled: bool | None = None
