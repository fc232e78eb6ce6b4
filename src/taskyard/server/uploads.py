"""Uploads on their way in: a body piece by piece, and multipart forms within one."""

from __future__ import annotations

import re

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from taskyard.api.errors import BAD_VALUE, TOO_LARGE, VALIDATION, ApiError
from taskyard.server.dispatch import Receive
from taskyard.server.store.blobs import Blobs, Upload

MOST_PARTS = 1000
"""Files in one upload."""


class ClientGone(Exception):
    """The client went away in the middle of its request."""


class Body:
    """A request's body piece by piece, up to a limit in bytes (0: none)."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit, self._size = receive, limit, 0
        self._over = False

    async def next(self) -> bytes | None:
        """The next piece, None at the end. Raises ClientGone, or ApiError(TOO_LARGE)."""
        if self._over:
            return None
        message = await self._receive()
        while not message.get("body") and message.get("more_body"):
            message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        self._size += len(piece)
        if self._limit and self._size > self._limit:
            raise too_large(self._limit)
        self._over = not message.get("more_body")
        return piece


def too_large(limit: int) -> ApiError:
    return ApiError(
        TOO_LARGE,
        f"the server takes files up to {limit} bytes",
        hint="An administrator can raise the server's setting max_upload.",
    )


def as_text(path: bytes) -> str:
    try:
        return path.decode()
    except UnicodeDecodeError:
        raise ApiError(BAD_VALUE, "a path must be UTF-8", path=repr(path)) from None


class Form:
    """Parts of a multipart form, streamed to the store as they come in.

    The parser tells what it finds by plain calls, which cannot wait: they are written down and
    acted on after each piece of the body.
    """

    def __init__(self, blobs: Blobs, boundary: bytes, limit: int) -> None:
        self._blobs, self._limit = blobs, limit
        self._found: list[tuple[str, bytes]] = []
        self._name, self._value = b"", b""
        self._disposition = b""
        self._upload: Upload | None = None
        self._size = 0
        self._done: list[tuple[str, Upload]] = []
        self._whole = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": lambda: self._note("begin", self._disposition),
                "on_part_data": lambda data, a, b: self._note("data", data[a:b]),
                "on_part_end": lambda: self._note("end"),
                "on_end": lambda: self._note("all"),
            },
        )

    def _note(self, what: str, data: bytes = b"") -> None:
        self._found.append((what, data))

    def _part_begins(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    async def take(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise ApiError(VALIDATION, f"the form is malformed: {error}") from error
        found, self._found = self._found, []
        for what, data in found:
            if what == "begin":
                await self._begin(data)
            elif what == "data" and self._upload is not None:
                await self._write(self._upload, data)
            elif what == "end" and self._upload is not None:
                await self._upload.end()
                self._upload = None
            elif what == "all":
                self._whole = True

    async def _begin(self, disposition: bytes) -> None:
        path = part_name(disposition)
        if len(self._done) >= MOST_PARTS:
            raise ApiError(VALIDATION, f"more than {MOST_PARTS} files in one upload")
        self._upload = await self._blobs.begin(path)
        self._size = 0
        self._done.append((path, self._upload))

    async def _write(self, upload: Upload, data: bytes) -> None:
        self._size += len(data)
        if self._limit and self._size > self._limit:
            raise too_large(self._limit)
        await upload.write(data)

    async def finish(self) -> list[str]:
        """Put all files in their places. Raises ApiError for a form that was cut off."""
        if not self._whole:
            raise ApiError(VALIDATION, "the form ends before its last boundary")
        for _, upload in self._done:
            await upload.finish()
        return [path for path, _ in self._done]

    async def discard(self) -> None:
        for _, upload in self._done:
            await upload.discard()


_PART_NAME = re.compile(rb';\s*name="((?:[^"\\]|\\.)*)"|;\s*name=([^\s;"]+)', re.IGNORECASE)


def part_name(disposition: bytes) -> str:
    """A part's name, verbatim but for the escapes of the form itself. Raises ApiError."""
    found = _PART_NAME.search(disposition)
    if not found:
        raise ApiError(VALIDATION, "a part of the form has no name")
    raw = found[1] if found[1] is not None else found[2]
    # Inside quotes only the quote and the backslash itself are escaped.
    return as_text(re.sub(rb'\\(["\\])', rb"\1", raw))
