"""The console of a task as data: events, the bytes they are packed into, and what is in a line.

An event holds whole lines of text, unless it is ``partial``: then the next event goes on within
the line that it ends with. Lines of text are counted from 0, in the order in which they came.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec

PIECE = 64 << 10
"""Characters of one event made of a run's output."""

PARTIAL = {"partial": True}
"""What is kept of an event whose last line is not over."""


class Line(msgspec.Struct, array_like=True, gc=False):
    """One event of the console. ``time`` is in milliseconds."""

    time: int
    worker: str
    msg: str
    rest: dict[str, Any] | None = None
    """Other fields of the event, such as its level."""

    @property
    def partial(self) -> bool:
        return bool(self.rest and self.rest.get("partial"))


def breaks(lines: Sequence[Line]) -> int:
    """How many lines of text end within these events."""
    whole = [line for line in lines if not (line.rest and line.partial)]
    return len(whole) + "".join([line.msg for line in lines]).count("\n")


class _Columns(msgspec.Struct, array_like=True):
    """Events but for their text. Where all have the same, it is kept once."""

    times: list[int]
    """The first, then differences from one to the next."""
    workers: list[str]
    rests: list[dict[str, Any] | None]
    folds: list[int]
    """Line feeds inside each event; empty when there are none."""


_HEAD = struct.Struct("<BI")
_COMPRESSED, _PARTIAL = 1, 2
_COMPRESS_FROM = 256
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Columns)


def pack(lines: Sequence[Line], *, level: int = 1) -> bytes:
    """Events as bytes. Text and the rest are compressed apart, as a search wants only one.

    At level 0 nothing is compressed.
    """
    texts = [line.msg for line in lines]
    text = "\n".join(texts)
    folded = text.count("\n") >= len(lines)
    times = [line.time for line in lines]
    columns = _Columns(
        times=[times[0], *map(int.__sub__, times[1:], times)],
        workers=_once([line.worker for line in lines]),
        rests=_once([line.rest for line in lines]),
        folds=[said.count("\n") for said in texts] if folded else [],
    )
    head, body = _encoder.encode(columns), text.encode("utf-8", "surrogatepass")
    flags = _PARTIAL if any(rest and rest.get("partial") for rest in columns.rests) else 0
    if level and len(body) >= _COMPRESS_FROM:
        flags |= _COMPRESSED
        head, body = zlib.compress(head, 1), zlib.compress(body, level)
    return _HEAD.pack(flags, len(head)) + head + body


def _once(values: list[Any]) -> list[Any]:
    return values[:1] if values.count(values[0]) == len(values) else values


def unpack(data: bytes) -> list[Line]:
    """The events that :func:`pack` was given."""
    columns = _columns(data)
    parts = packed_text(data).decode("utf-8", "surrogatepass").split("\n")
    count = len(columns.times)
    if columns.folds:
        ends = list(accumulate((fold + 1 for fold in columns.folds), initial=0))
        parts = ["\n".join(parts[a:b]) for a, b in pairwise(ends)]
    workers = columns.workers * count if len(columns.workers) < count else columns.workers
    rests = columns.rests * count if len(columns.rests) < count else columns.rests
    fields = zip(accumulate(columns.times), workers, parts, rests, strict=True)
    # Each has a rest of its own: whoever reads it may change it.
    return [Line(time, worker, msg, rest and {**rest}) for time, worker, msg, rest in fields]


def _columns(data: bytes) -> _Columns:
    flags, length = _HEAD.unpack_from(data)
    head = memoryview(data)[_HEAD.size : _HEAD.size + length]
    return _decoder.decode(zlib.decompress(head) if flags & _COMPRESSED else head)


def packed_text(data: bytes) -> bytes:
    """The text of packed events in UTF-8, with a line feed between two."""
    flags, length = _HEAD.unpack_from(data)
    text = memoryview(data)[_HEAD.size + length :]
    return zlib.decompress(text) if flags & _COMPRESSED else bytes(text)


def packed_lines(data: bytes) -> bytes:
    """As :func:`packed_text`, but as printed: with a line feed where a line is over."""
    if not data[0] & _PARTIAL:
        return packed_text(data) + b"\n"
    lines = unpack(data)
    text = "".join([line.msg if line.partial else line.msg + "\n" for line in lines])
    return text.encode("utf-8", "surrogatepass")


# What a run prints


def _settled(line: str) -> str:
    """What a terminal would show of a line: what follows the last return that overwrites."""
    body = line.rstrip("\r")
    return body[body.rfind("\r") + 1 :] + line[len(body) :]


def pieces(text: str) -> Iterator[str]:
    """A run's output as texts of at most PIECE characters, cut between lines where possible.

    Of a line that was overwritten with carriage returns the last state is kept. At the very start
    one return stays: it may overwrite what the output before has begun.
    """
    if "\r" in text:
        first, *others = text.replace("\r\n", "\n").split("\n")
        overwrites = "\r" if "\r" in first.rstrip("\r") else ""
        text = "\n".join([overwrites + _settled(first), *map(_settled, others)])
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            border = text.rfind("\n", start, end)
            end = border + 1 if border >= 0 else end
        yield text[start:end]
        start = end


def output(text: str, worker: str, time: int) -> list[Line]:
    """Output of a run as events.

    An event is one piece without its last line feed. A piece that ends within a line has
    ``partial: true``: the next one continues it.
    """
    return [
        Line(time, worker, piece.removesuffix("\n"), None if piece.endswith("\n") else PARTIAL)
        for piece in pieces(text)
    ]
