"""The files server: uploads and downloads by path.

An ASGI application of its own, so that it can be mounted below ``/files/`` of the one port and
serve a second port alone. ``POST /`` takes multipart forms whose part names are the paths,
verbatim; a path in a URL is decoded once. ``GET``, ``HEAD``, ``PUT`` and ``DELETE`` work on one
file, ``POST /delete_many`` on many.
"""

from __future__ import annotations

import contextlib
import logging
import mimetypes
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, quote, unquote, unquote_to_bytes

import msgspec
from python_multipart.multipart import parse_options_header

from taskyard.api.errors import SERVER_FAULT, VALIDATION, ApiError
from taskyard.server.auth import authenticate, without_borrowed_cookie
from taskyard.server.core import Server
from taskyard.server.dispatch import Receive, Scope, Send
from taskyard.server.store.blobs import NotFound
from taskyard.server.uploads import Body, ClientGone, Form, as_text, too_large

log = logging.getLogger("taskyard.files")

App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_LIST = 4 << 20
"""Bytes of one list of files to delete."""

# What a browser would run or render with the rights of the page it came from.
_ACTIVE = frozenset({"text/html", "application/xhtml+xml", "text/xml", "application/xml"})


@dataclass(slots=True)
class Answer:
    """A whole answer. A download is streamed instead."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def files_app(server: Server) -> App:
    """The ASGI application that serves ``server.blobs``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await _answer(server, scope, receive, send)
        except ClientGone:
            return
        except ApiError as error:
            answer = _refusal(error)
        except NotFound as error:
            answer = _json(404, {"message": error.what})
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            answer = _refusal(ApiError(SERVER_FAULT, "see the server's log"))
        if answer is not None:
            await _send(send, answer, with_body=scope["method"] != "HEAD")

    return app


def _json(status: int, value: Any) -> Answer:
    return Answer(status, msgspec.json.encode(value))


def _refusal(error: ApiError) -> Answer:
    answer = _json(error.code, {"message": error.what, "hint": error.hint})
    # What follows of a refused upload is not read: the connection cannot be used again.
    answer.headers.append((b"connection", b"close"))
    return answer


async def _send(send: Send, answer: Answer, *, with_body: bool) -> None:
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def _answer(server: Server, scope: Scope, receive: Receive, send: Send) -> Answer | None:
    method, path = scope["method"], _path(scope)
    if method == "OPTIONS":
        return Answer(200)
    if method in {"GET", "HEAD"} and path == "/":
        return Answer(200, b"OK", "text/plain; charset=utf-8")
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    client = scope.get("client")
    ip = client[0] if client else ""
    await authenticate(server, without_borrowed_cookie(headers), ip)
    if method in {"GET", "HEAD"}:
        await _download(server, path, scope, headers, send)
        return None
    if method == "POST" and path.rstrip("/") == "/delete_many":
        return await _delete_many(server, receive)
    if method == "POST":
        return await _upload_form(server, headers, receive)
    if method == "PUT":
        return await _upload_body(server, path, headers, receive)
    if method == "DELETE":
        if await server.blobs.delete(path):
            return _json(200, [path])
        raise NotFound(f"no such file: {path}")
    return Answer(405, headers=[(b"allow", b"GET, HEAD, POST, PUT, DELETE, OPTIONS")])


def _path(scope: Scope) -> str:
    """The path below the mount, percent-decoded once."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    text = raw.partition(b"?")[0].decode("latin-1")
    return as_text(unquote_to_bytes(text)).removeprefix(scope.get("root_path", "")) or "/"


# Uploading


def _check_announced(headers: dict[str, str], limit: int) -> None:
    length = headers.get("content-length", "")
    if limit and length.isdigit() and int(length) > limit:
        raise too_large(limit)


async def _upload_body(
    server: Server, path: str, headers: dict[str, str], receive: Receive
) -> Answer:
    """Keep a body as it is under the path of the URL."""
    limit = server.settings.max_upload
    _check_announced(headers, limit)
    upload = await server.blobs.begin(path)
    try:
        body = Body(receive, limit)
        while (piece := await body.next()) is not None:
            await upload.write(piece)
        await upload.finish()
    finally:
        await upload.discard()
    return _json(200, [path])


async def _upload_form(server: Server, headers: dict[str, str], receive: Receive) -> Answer:
    """Keep every part of a form under the part's name."""
    kind, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ApiError(
            VALIDATION, "an upload is a multipart form", hint="Or PUT the bytes to their path."
        )
    # The form around the files is small; what counts exactly is each file, in Form.
    limit = server.settings.max_upload
    form = Form(server.blobs, boundary, limit)
    try:
        body = Body(receive, 0)
        while (piece := await body.next()) is not None:
            await form.take(piece)
        paths = await form.finish()
    finally:
        await form.discard()
    return _json(200, paths)


# Downloading


async def _download(
    server: Server, path: str, scope: Scope, headers: dict[str, str], send: Send
) -> None:
    found = await server.blobs.stat(path)
    name = path.rsplit("/", 1)[-1]
    tag = f'"{found.size:x}-{int(found.modified * 1e6):x}"'
    answer = [
        (b"accept-ranges", b"bytes"),
        (b"last-modified", formatdate(found.modified, usegmt=True).encode()),
        (b"etag", tag.encode()),
        (b"x-content-type-options", b"nosniff"),
        *_kind(name, attachment="download" in _query(scope)),
    ]
    if headers.get("if-none-match") == tag:
        await send({"type": "http.response.start", "status": 304, "headers": answer})
        await send({"type": "http.response.body", "body": b""})
        return
    asked = headers.get("range") if headers.get("if-range", tag) == tag else None
    part = wanted_range(asked, found.size)
    status, start, length = 200, 0, found.size
    if part is not None:
        status = 206
        start, length = part
        shown = f"bytes {start}-{start + length - 1}/{found.size}"
        if not length:
            status, shown = 416, f"bytes */{found.size}"
        answer.append((b"content-range", shown.encode()))
    answer.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": answer})
    if scope["method"] == "GET" and length:
        pieces = server.blobs.read(path, start, length)
        async with contextlib.aclosing(pieces):  # type: ignore[type-var]
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _kind(name: str, *, attachment: bool) -> list[tuple[bytes, bytes]]:
    guessed, encoding = mimetypes.guess_type(name)
    kind = guessed if guessed and not encoding else "application/octet-stream"
    headers = [(b"content-type", kind.encode("latin-1"))]
    if kind in _ACTIVE or kind == "image/svg+xml":
        # An uploaded page may show itself, but not act as the person who looks at it.
        headers.append((b"content-security-policy", b"sandbox allow-scripts"))
    if attachment:
        plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
        exact = quote(name, safe="")
        shown = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"
        headers.append((b"content-disposition", shown.encode("latin-1")))
    return headers


def wanted_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length of the one range asked for.

    None means the whole file: nothing, several ranges or nonsense was asked. A length of zero
    means that the range lies outside the file.
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", (header or "").replace(" ", ""))
    if not found or found[0] == "bytes=-":
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        return size - length, length
    start = int(found[1])
    end = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < start:
        return None
    return start, max(0, end - start + 1)


# Deleting


async def _delete_many(server: Server, receive: Receive) -> Answer:
    """Delete what a list names, in the form URLs have them; folders with all in them."""
    data = b""
    body = Body(receive, LONGEST_LIST)
    while (piece := await body.next()) is not None:
        data += piece
    try:
        wanted = msgspec.json.decode(data, type=dict[str, Any]).get("files")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(VALIDATION, f"the body is not a JSON object: {error}") from error
    if not isinstance(wanted, list) or not all(isinstance(path, str) for path in wanted):
        raise ApiError(VALIDATION, "files must be a list of paths")
    deleted: dict[str, str] = {}
    errors: dict[str, list[str]] = {}
    for path in wanted:
        if await server.blobs.delete(unquote(path)):
            deleted[path] = unquote(path)
        else:
            errors.setdefault("Not found", []).append(path)
    return _json(200, {"deleted": deleted, "errors": errors})
