"""What the server serves beside API and files: health, the API's description and the web page."""

from __future__ import annotations

import mimetypes
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from taskyard import __version__
from taskyard.api import reference
from taskyard.api.errors import ApiError
from taskyard.server import live, metrics
from taskyard.server.auth import COOKIE, Identity
from taskyard.server.local import from_own_user
from taskyard.server.store import users

if TYPE_CHECKING:
    from taskyard.server.app import Server

POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self'; frame-ancestors 'self'"


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
        return HTMLResponse(_reference(), headers={"content-security-policy": POLICY})

    async def asset(request: Request) -> Response:
        found = _asset(request.path_params["name"])
        if found is None:
            return Response("not found", 404)
        content, kind = found
        return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

    async def sdk_address(request: Request) -> Response:
        return RedirectResponse(f"/tasks/{request.path_params['task']}")

    async def shell(request: Request) -> Response:
        found = _asset("index.html")
        content = found[0] if found else b"The page is missing from this installation."
        response = HTMLResponse(
            content, headers={"content-security-policy": POLICY, "cache-control": "no-cache"}
        )
        signed_in = _is_signed_in(server, request.cookies.get(COOKIE))
        if not signed_in and (token := await _welcome(server, request)):
            response.set_cookie(COOKIE, token, httponly=True, samesite="lax")
        return response

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/metrics", partial(metrics.answer, server)),
            Route("/events/stream", partial(live.stream, server)),
            Route("/openapi.json", openapi),
            Route("/reference", reference_page),
            Route("/ui/{name:path}", asset),
            Route("/projects/{project}/experiments/{task}", sdk_address),
            Route("/projects/{project}/experiments/{task}/{rest:path}", sdk_address),
            Route("/projects/{project}/tasks/{task}", sdk_address),
            Route("/projects/{project}/tasks/{task}/{rest:path}", sdk_address),
            Route("/{rest:path}", shell),
        ]
    )


def _is_signed_in(server: Server, token: str | None) -> bool:
    try:
        return bool(token and server.guard.tokens.verify(token))
    except ApiError:
        return False


async def _welcome(server: Server, request: Request) -> str | None:
    """A session for the person who runs this server, as long as nobody else has a password."""
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


@cache
def _asset(name: str) -> tuple[bytes, str] | None:
    """A file of the page by its name: only what the package itself holds, never a path."""
    known = {item.name: item for item in files("taskyard.server.ui").iterdir() if item.is_file()}
    item = known.get(name)
    if item is None or name.endswith(".py"):
        return None
    return item.read_bytes(), mimetypes.guess_type(name)[0] or "application/octet-stream"
