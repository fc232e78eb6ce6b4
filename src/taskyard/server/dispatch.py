"""From an HTTP request to a handler and back: routing, decoding, the envelope, the errors."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, MutableMapping
from functools import lru_cache
from random import getrandbits
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from taskyard.api import wire
from taskyard.api.errors import (
    BAD_VERSION,
    FORBIDDEN,
    MISSING_FIELDS,
    NO_SUCH_ENDPOINT,
    SERVER_FAULT,
    STOPPING,
    TOO_LARGE,
    UNSUPPORTED_ENCODING,
    VALIDATION,
    ApiError,
)
from taskyard.server import lenient
from taskyard.server.auth import authenticate, without_borrowed_cookie
from taskyard.server.call import HANDLERS, Call, Handler, Raw
from taskyard.server.core import Server
from taskyard.server.counters import UNKNOWN
from taskyard.server.domain.roles import ADMIN_ROLES

log = logging.getLogger("taskyard.server")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ROUTE = re.compile(r"/(?!openapi\.json)(?:v(\d[^/]*)/)?([a-z_]+\.[a-z_0-9]+)/?")
STRAY = re.compile(r"()/*(.*)", re.DOTALL)
OLDEST_SERVED = (1, 0)
"""Versions from this one on that are older than the first are answered like the first."""

NEWEST = max(wire.API_VERSION, (999, 0))
"""What a path without a version asks for."""

COMPRESS_FROM = 4096
"""Answers of at least this many bytes are compressed for clients that take it."""

_encoder = msgspec.json.Encoder()


def routed(path: str) -> re.Match[str] | None:
    """The version and action a path names, or None when it is not the API's."""
    return ROUTE.fullmatch(path)


def astray(method: str, path: str) -> re.Match[str] | None:
    """A match for a request that means the API and misses it, like ``/api/v2/tasks.get_all``.

    Clients understand the API's own *no such endpoint* best; nobody but they send anything else
    than GET, or have an action's name at the end of a path.
    """
    means_api = method not in {"GET", "HEAD"} or path.rpartition("/")[2] in wire.ACTIONS
    return STRAY.fullmatch(path) if means_api else None


async def serve(
    server: Server, match: re.Match[str], scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer one call of the API."""
    begun = time.perf_counter()
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    if scope["method"] == "OPTIONS":
        await _send(send, 200, b"", [])
        return
    call = Call(
        server,
        id=f"{getrandbits(128):032x}",
        headers=headers,
        worker=headers.get("x-clearml-worker") or headers.get("x-trains-worker", ""),
        ip=_ip(scope, headers),
    )
    meta = wire.Meta(
        id=call.id,
        trx=headers.get("x-clearml-trx") or headers.get("x-trains-trx") or call.id,
        endpoint=wire.EndpointMeta(
            name=match[2], requested_version=match[1] or "", actual_version=None
        ),
    )
    data: Any = {}
    try:
        handler = _resolve(call, meta, match)
        body = await read_body(receive, server.settings.max_request)
        await _identify(call, handler)
        request = _decode(call, handler.action, headers, scope["query_string"], body)
        if handler.mode == "serve":
            data = await _serve(server, receive, handler.run(call, request), request)
        else:
            data = await _transact(call, handler, request)
    except ClientGone:
        return
    except ApiError as error:
        _describe(meta, error)
    except Exception:
        log.exception("%s failed", match[2])
        _describe(
            meta,
            ApiError(SERVER_FAULT, "see the server's log", call=call.id),
        )
    if isinstance(data, Raw):
        await _send_raw(send, call, data)
    else:
        await _answer(send, call, meta, {} if data is None else data)
    action = match[2] if match[2] in wire.ACTIONS else UNKNOWN
    server.counters.answered(action, meta.result_code, time.perf_counter() - begun)


def _resolve(call: Call, meta: wire.Meta, match: re.Match[str]) -> Handler:
    asked = _version(match[1]) if match[1] else NEWEST
    call.version = asked
    meta.endpoint.requested_version = _version_in_meta(
        asked if match[1] else wire.API_VERSION, asked
    )
    handler = _handler(match[2], asked)
    if handler is None:
        raise ApiError(NO_SUCH_ENDPOINT, endpoint=match[2], requested_version=match[1] or "newest")
    meta.endpoint.actual_version = _version_in_meta(handler.action.since, asked)
    return handler


@lru_cache(maxsize=4096)
def _handler(name: str, asked: wire.Version) -> Handler | None:
    """Who answers an action in the version asked for."""
    served = max(asked, wire.FIRST_VERSION) if asked >= OLDEST_SERVED else asked
    for action in wire.ACTIONS.get(name, []):
        if action.since <= served and (handler := HANDLERS.get(action)):
            return handler
    return None


@lru_cache(maxsize=256)
def _version(text: str) -> wire.Version:
    try:
        return wire.parse_version(text)
    except ValueError as error:
        raise ApiError(
            BAD_VERSION, version=text[:100], hint="A path begins like /v2.13/, or with no version."
        ) from error


@lru_cache(maxsize=256)
def _version_in_meta(version: wire.Version, asked: wire.Version) -> str | float:
    text = wire.format_version(version)
    return float(text) if asked < (2, 1) else text


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises ApiError(TOO_LARGE) once it has more than ``limit`` bytes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(VALIDATION, "the client went away in the middle of its request")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise ApiError(TOO_LARGE, f"more than {limit} bytes", hint="Send smaller batches.")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _identify(call: Call, handler: Handler) -> None:
    access = handler.action.access
    try:
        headers = without_borrowed_cookie(call.headers)
        identity = await authenticate(call.server, headers, call.ip)
    except ApiError:
        if access == "open":
            return
        raise
    call.user, call.user_name = identity.user, identity.user_name
    call.company, call.role, call.session = identity.company, identity.role, identity.session
    if access == "admin" and identity.role not in ADMIN_ROLES:
        raise ApiError(FORBIDDEN, role=identity.role, hint="Ask an administrator of the server.")


def _decode(
    call: Call, action: wire.Action, headers: Mapping[str, str], query: bytes, body: bytes
) -> wire.Request:
    if headers.get("content-encoding", "identity") not in {"", "identity"}:
        raise ApiError(UNSUPPORTED_ENCODING, headers["content-encoding"])
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if action.batch and kind == "application/json-lines":
        if action.own_lines:
            call.lines = body
        else:
            call.body = {"lines": lenient.decode_lines(body)}
    elif kind == "application/x-www-form-urlencoded" and body[:1] != b"{":
        call.body = _flat(body)
    else:
        call.body = _object(body)
    if query:
        call.body.update(_flat(query))
    if not action.any_text:
        _refuse_nul(call.body, body, query)
    values = {k: v for k, v in call.body.items() if v is not None}
    try:
        return msgspec.convert(values, action.request, strict=False)
    except msgspec.ValidationError as error:
        words = str(error)
        missing = re.search(r"missing required field `([^`]+)`", words)
        if missing:
            raise ApiError(MISSING_FIELDS, words, field=missing[1]) from error
        raise ApiError(VALIDATION, words) from error


def _refuse_nul(values: dict[str, Any], body: bytes, query: bytes) -> None:
    """Raise ApiError(VALIDATION) for a NUL character: not every database can store one."""
    # Nearly always, looking at the bytes is enough to know that there is none.
    if b"\\u0000" not in body and not any(b"%00" in raw or b"\0" in raw for raw in (body, query)):
        return
    places: list[tuple[str, Any]] = [("", values)]
    while places:
        path, value = places.pop()
        if isinstance(value, dict):
            places += [(f"{path}.{key}".lstrip("."), inner) for key, inner in value.items()]
            value = "".join(value)
        elif isinstance(value, list):
            places += [(path, inner) for inner in value]
        if isinstance(value, str) and "\0" in value:
            field = path.replace("\0", "\\0")[:200]
            raise ApiError(VALIDATION, "text must not hold a NUL character", field=field)


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = lenient.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(VALIDATION, f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise ApiError(VALIDATION, "the body is nested too deeply") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiError(VALIDATION, "the body must be a JSON object")
    return value


def _flat(encoded: bytes) -> dict[str, Any]:
    """Form or query values as an object: ``a.b=1`` nests, ``k[]`` or repetition makes a list."""
    found: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for key, text in parse_qsl(encoded.decode("utf-8", "replace"), keep_blank_values=True):
        *path, last = key.removesuffix("[]").split(".")
        place = found
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ApiError(VALIDATION, f"{key} is given both as a value and as a group")
            place = inner
        value = _plain(text)
        counts[key] = counts.get(key, 0) + 1
        if key.endswith("[]") or counts[key] > 1:
            known = place.get(last, [])
            place[last] = [*(known if isinstance(known, list) else [known]), value]
        else:
            place[last] = value
    return found


def _plain(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return text


class ClientGone(Exception):
    """Nobody is there any more to take the answer."""


async def _serve(
    server: Server, receive: Receive, work: Coroutine[Any, Any, Any], request: wire.Request
) -> Any:
    """Do the work; where it may wait for something, look whether there is still somebody."""
    if getattr(request, "wait", 0):
        return await _unless_gone(server, receive, work)
    return await work


async def _unless_gone(server: Server, receive: Receive, work: Coroutine[Any, Any, Any]) -> Any:
    """Do the work, but drop it when the client leaves: a long poll must not take for nobody.

    Raises ApiError(STOPPING) when the server stops first.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(receive())
    ends: set[asyncio.Future[Any]] = {doing, leaving}
    if server.closing is not None:
        ends.add(server.closing)
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        if leaving.done():
            raise ClientGone
        raise ApiError(STOPPING, hint="Try again in a moment.")
    finally:
        leaving.cancel()
        doing.cancel()


async def _transact(call: Call, handler: Handler, request: wire.Request) -> Any:
    control = call.server.control
    if handler.mode == "read":
        return await control.read(lambda tx: handler.run(tx, call, request))
    return await control.write(lambda tx: handler.run(tx, call, request))


def _describe(meta: wire.Meta, error: ApiError) -> None:
    meta.result_code, meta.result_subcode = error.code, error.subcode
    meta.result_msg = error.what
    meta.error_data = dict(error.data)
    if error.hint:
        meta.error_data["hint"] = error.hint


async def _answer(send: Send, call: Call, meta: wire.Meta, data: Any) -> None:
    body = _encoder.encode(wire.Envelope(meta=meta, data=data))
    headers = [(b"content-type", b"application/json")]
    if len(body) >= COMPRESS_FROM and "gzip" in call.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 1)
        headers.append((b"content-encoding", b"gzip"))
    await _send(send, meta.result_code, body, headers + _cookies(call))


def _cookies(call: Call) -> list[tuple[bytes, bytes]]:
    found = []
    for name, value in call.cookies.items():
        text = f"{name}={value or ''}; Path=/; HttpOnly; SameSite=Lax"
        if value is None:
            text += "; Max-Age=0"
        found.append((b"set-cookie", text.encode("latin-1")))
    return found


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_raw(send: Send, call: Call, raw: Raw) -> None:
    headers = [(b"content-type", raw.content_type.encode("latin-1"))]
    if raw.filename:
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", raw.filename)
        headers.append((b"content-disposition", f'attachment; filename="{safe}"'.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers + _cookies(call)})
    chunks: AsyncIterator[bytes] = raw.chunks
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _ip(scope: Scope, headers: Mapping[str, str]) -> str:
    for name in ("x-forwarded-for", "x-real-ip"):
        if value := headers.get(name, "").partition(",")[0].strip():
            return value
    client = scope.get("client")
    return str(client[0]) if client else ""
