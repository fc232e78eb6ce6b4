"""A stream of what changes, for the page and for programs that follow along.

``GET /events/stream?topics=tasks,queues,workers,task:<id>,log:<id>`` answers with server-sent
events. They say *what* changed, not how it is now: who follows along asks the API for that, with
the rights it has there.

- ``ready``: the stream stands; its ``rev`` is the state that lists read from now on are not
  older than.
- ``change``: ``{"rev": ..., "changed": ["task:<id>", "queue:<id>", "queues", ...]}``.
- ``reset``: some changes are forgotten; read everything again.

A ``rev`` that is sent back, as ``since`` or as ``Last-Event-ID``, resumes the stream after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from taskyard.api.errors import ApiError
from taskyard.server.auth import authenticate, without_borrowed_cookie
from taskyard.server.changes import Interest, interest
from taskyard.server.core import Server

GATHER = 0.1
"""Seconds between two events of one stream: a burst of changes arrives as one."""

KEEP_ALIVE = 15.0
"""Seconds until a word that says nothing, against proxies that end silent connections."""

AGAIN = 2000
"""Milliseconds after which a browser connects again."""


async def stream(server: Server, request: Request) -> Response:
    """Answer ``GET /events/stream``."""
    try:
        await _admit(server, request)
        wanted = interest(request.query_params.get("topics", ""))
    except ApiError as error:
        body = msgspec.json.encode({"message": error.what, "hint": error.hint})
        return Response(body, error.code, media_type="application/json")
    since = request.headers.get("last-event-id") or request.query_params.get("since", "")
    return StreamingResponse(
        _events(server, request, wanted, since),
        media_type="text/event-stream",
        # A proxy that gathers answers would hold back what is to be seen at once.
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _admit(server: Server, request: Request) -> None:
    headers = without_borrowed_cookie(request.headers)
    await authenticate(server, headers, request.client.host if request.client else "")


async def _events(
    server: Server, request: Request, wanted: Interest, since: str
) -> AsyncIterator[bytes]:
    changes, loop = server.changes, asyncio.get_running_loop()
    yield f"retry: {AGAIN}\n\n".encode()
    revision = since or changes.revision
    if changes.since(revision) is not None:
        yield _event("ready", revision)
    word_due = loop.time() + KEEP_ALIVE
    while not changes.closed:
        changed = changes.since(revision)
        if revision != changes.revision:
            revision = changes.revision
            if changed is None:
                yield _event("reset", revision)
            elif asked := wanted.of(changed):
                yield _event("change", revision, changed=asked)
                word_due = loop.time() + KEEP_ALIVE
            await asyncio.sleep(GATHER)
        await changes.wait_beyond(revision, max(0.0, word_due - loop.time()))
        if loop.time() >= word_due:
            try:
                await _admit(server, request)
            except ApiError:
                return
            yield b": still here\n\n"
            word_due = loop.time() + KEEP_ALIVE


def _event(kind: str, revision: str, **data: Any) -> bytes:
    body = msgspec.json.encode({"rev": revision, **data}).decode()
    return f"id: {revision}\nevent: {kind}\ndata: {body}\n\n".encode()
