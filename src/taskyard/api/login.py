"""What a page needs before anybody has logged in."""

from __future__ import annotations

from taskyard.api.wire import Document, Request, Response, action


class Guest(Response):
    enabled: bool


class Basic(Response):
    enabled: bool
    guest: Guest


class ServerErrors(Response):
    missed_es_upgrade: bool
    es_connection_error: bool


class SupportedModesResponse(Response):
    authenticated: bool
    """Whether this very request came with a session that is good."""
    basic: Basic
    sso: Document
    sso_providers: list[Document]
    server_errors: ServerErrors


@action("login.supported_modes", answers=SupportedModesResponse, access="open")
class SupportedModes(Request):
    """Say how people can log in, and whether the caller already has."""

    state: str | None = None
    callback_url_prefix: str | None = None


@action("login.logout", access="open")
class Logout(Request):
    """End the browser's session, if it has one, and clear its cookie."""
