"""Requests and answers as the API's own structs."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from taskyard.api.errors import as_error
from taskyard.api.wire import Request, action_of

T = TypeVar("T")


class _Head(msgspec.Struct):
    result_code: int


class _Answer(msgspec.Struct):
    meta: msgspec.Raw
    data: msgspec.Raw = msgspec.Raw(b"{}")


_answers = msgspec.json.Decoder(_Answer)
_heads = msgspec.json.Decoder(_Head)


def encode(request: Request) -> tuple[str, bytes]:
    """The action's name and the body of the call."""
    return action_of(request).name, msgspec.json.encode(request)


def decode(body: bytes, answer: type[T]) -> T:
    """What the server said. Raises ApiError for a refusal, ValueError for what is no answer."""
    given = _answers.decode(body)
    if _heads.decode(given.meta).result_code != 200:
        meta: dict[str, Any] = msgspec.json.decode(given.meta)
        raise as_error(meta)
    return msgspec.json.decode(given.data, type=answer)
