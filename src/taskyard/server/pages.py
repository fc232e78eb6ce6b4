"""What the server serves beside API and files: health, the API's description and the web page."""

from __future__ import annotations

from functools import cache, partial
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from taskyard import __version__
from taskyard.api import reference
from taskyard.api.errors import ApiError
from taskyard.server import live, metrics
from taskyard.server.assets import Asset, assets
from taskyard.server.auth import COOKIE
from taskyard.server.core import Server
from taskyard.server.guard import Identity
from taskyard.server.local import from_own_user
from taskyard.server.store import users

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}

BASE = b'<base href="/"'
"""In index.html: where the page lies, for what it loads and links to."""

SESSION = b"<html data-session"
"""What the page begins with for a browser that has a session: it need not ask first."""

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Taskyard</title>
<h1>The page is not built</h1>
<p>This server runs from a checkout without it; the API and the command line work all the same.</p>
<pre>scripts/setup        builds it; then start the server again
taskyard ps          shows tasks here and now</pre>
<p><a href="reference">API reference</a></p></html>"""


def pages(server: Server) -> Starlette:
    """The application for every path that is neither the API's nor a file's."""

    async def health(_request: Request) -> Response:
        body, code = {"status": "ok", "version": __version__}, 200
        try:
            await server.control.read(lambda tx: tx.connection.exec_driver_sql("SELECT 1").scalar())
        except ApiError as error:
            body["status"], code = error.what, error.code
        return Response(msgspec.json.encode(body), code, media_type="application/json")

    async def openapi(_request: Request) -> Response:
        return Response(_openapi(), media_type="application/json")

    async def reference_page(_request: Request) -> Response:
        return HTMLResponse(_reference(), headers=HEADERS)

    async def shell(request: Request) -> Response:
        name = request.path_params["rest"]
        if found := assets().get(name):
            return _answer(request, found)
        if name.startswith(("assets/", "ui/")):
            return Response("not found", 404)
        token = None
        signed_in = _is_signed_in(server, request.cookies.get(COOKIE))
        if not signed_in and (token := await _welcome(server, request)):
            signed_in = True
        content = _shell(base_path(server, request), signed_in)
        response = HTMLResponse(content, headers=HEADERS)
        if token:
            response.set_cookie(COOKIE, token, httponly=True, samesite="lax")
        return response

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/metrics", partial(metrics.answer, server, metrics.Standing())),
            Route("/events/stream", partial(live.stream, server)),
            Route("/openapi.json", openapi),
            Route("/reference", reference_page),
            Route("/{rest:path}", shell),
        ]
    )


def base_path(server: Server, request: Request) -> str:
    """Where the page lies for browsers: ``/``, or below what a reverse proxy puts before it."""
    prefix = request.scope.get("root_path") or urlsplit(server.settings.public_url).path
    return f"/{prefix.strip('/')}/" if prefix.strip("/") else "/"


def _answer(request: Request, asset: Asset) -> Response:
    if asset.zipped is None or "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, headers=asset.headers)
    headers = {**asset.headers, "content-encoding": "gzip"}
    return Response(asset.zipped, headers=headers)


@cache
def _shell(base: str, signed_in: bool) -> bytes:
    """The one HTML page there is."""
    index = assets().get("index.html")
    if index is None:
        return NOT_BUILT.encode()
    content = index.content.replace(BASE, b'<base href="' + base.encode() + b'"')
    return content.replace(b"<html", SESSION, 1) if signed_in else content


def _is_signed_in(server: Server, token: str | None) -> bool:
    try:
        return bool(token and server.guard.tokens.verify(token))
    except ApiError:
        return False


async def _welcome(server: Server, request: Request) -> str | None:
    """A session for the person who runs this server, as long as nobody else has a password."""
    # Behind a proxy all connections are the proxy's, whoever asks it.
    forwarded = {"forwarded", "x-forwarded-for", "via"} & set(request.headers)
    if forwarded or server.settings.public_url:
        return None
    host = request.headers.get("host", "")
    if not from_own_user(request.scope.get("client"), request.scope.get("server"), host):
        return None
    admin = await server.control.read(users.only_admin)
    if admin is None:
        return None
    identity = Identity(admin.id, admin.name, admin.company, admin.role)
    return server.guard.tokens.issue(identity, expires_in=server.settings.token_lifetime)


@cache
def _openapi() -> bytes:
    return msgspec.json.encode(reference.openapi())


@cache
def _reference() -> str:
    return reference.page()
