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
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.auth import without_borrowed_cookie
from taskyard.server.signals import EVERYTHING

if TYPE_CHECKING:
    from taskyard.server.app import Server

KEPT = 20_000
"""Changes remembered for those who resume: minutes of a busy server, about 3 MB."""

GATHER = 0.1
"""Seconds between two events of one stream: a burst of changes arrives as one."""

KEEP_ALIVE = 15.0
"""Seconds until a word that says nothing, against proxies that end silent connections."""

AGAIN = 2000
"""Milliseconds after which a browser connects again."""

MOST_TOPICS = 1000

_GROUPS = {"tasks": "task", "queues": "queue", "workers": "worker"}
_NAMES = {
    "task": "task",
    "queue": "queue",
    "entries": "queue",
    "worker": "worker",
    "seen": "worker",
    "log": "log",
}
"""The signals that are shown, and as what. Those of sessions, keys and users are not."""


class Changes:
    """The latest changes in their order, numbered from the start of this process.

    Lives on the event loop, like the signals it follows.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._last: deque[str] = deque(maxlen=kept)
        self._waiting: set[asyncio.Future[None]] = set()
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        self._epoch, self._number = secrets.token_hex(4), 0
        self._last.clear()

    @property
    def revision(self) -> str:
        return f"{self._epoch}-{self._number}"

    def told(self, topic: str) -> None:
        """Remember what a signal says: follow the server's signals with it."""
        if topic == EVERYTHING:
            self._begin()
        elif (shown := _shown(topic)) is not None:
            self._last.append(shown)
            self._number += 1
        else:
            return
        self._wake()

    def close(self) -> None:
        """Have every stream end."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def since(self, revision: str) -> list[str] | None:
        """What changed after ``revision``, each once; None when that is not known any more."""
        epoch, _, word = revision.rpartition("-")
        if epoch != self._epoch or not word.isdecimal():
            return None
        count = self._number - int(word)
        if not 0 <= count <= len(self._last):
            return None
        newest = (self._last[i] for i in range(len(self._last) - count, len(self._last)))
        return list(dict.fromkeys(newest))

    async def wait_beyond(self, revision: str, timeout: float) -> None:
        """Wait until there is something newer than ``revision``, at most ``timeout`` seconds."""
        if revision != self.revision or self.closed:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait({future}, timeout=timeout)
        finally:
            self._waiting.discard(future)
            future.cancel()

    @property
    def followers(self) -> int:
        """How many wait for news at this moment."""
        return len(self._waiting)


def _shown(topic: str) -> str | None:
    if topic in _GROUPS:
        return topic
    kind, _, id = topic.partition(":")
    return f"{_NAMES[kind]}:{id}" if id and kind in _NAMES else None


@dataclass(frozen=True, slots=True)
class Interest:
    """What a stream is about: whole groups, and single things."""

    groups: frozenset[str]
    single: frozenset[str]

    def of(self, changed: Iterable[str]) -> list[str]:
        """Those of the changes that are asked for."""
        return [one for one in changed if one in self.single or _group(one) in self.groups]


def _group(change: str) -> str:
    kind, colon, _ = change.partition(":")
    return kind if colon else _GROUPS[change]


def interest(words: str) -> Interest:
    """Read ``topics``; nothing means all groups. Raises ApiError(VALIDATION)."""
    topics = [word for word in words.split(",") if word] or list(_GROUPS)
    if len(topics) > MOST_TOPICS:
        raise ApiError(VALIDATION, f"more than {MOST_TOPICS} topics in one stream")
    for topic in topics:
        if topic not in _GROUPS and _shown(topic) != topic:
            raise ApiError(
                VALIDATION,
                f"there is no topic {topic[:80]!r}",
                hint="Topics are tasks, queues, workers, and task:, queue:, worker: or log: "
                "with an id.",
            )
    groups = frozenset(_GROUPS[topic] for topic in topics if topic in _GROUPS)
    return Interest(groups, frozenset(topics))


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
    await server.authenticate(headers, request.client.host if request.client else "")


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
