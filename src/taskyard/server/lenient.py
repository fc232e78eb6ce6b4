"""Decoding what clients send as JSON, with what Python's own encoder writes beyond JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from taskyard.api.errors import VALIDATION, ApiError

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def decode(text: bytes) -> Any:
    """The value of a JSON text.

    Clients written in Python also send NaN and Infinity, which become null, and halves of
    surrogate pairs (a console may print any bytes), which become question marks: neither is a
    reason to lose what came along with them. Others begin with a byte order mark.

    Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError.
    """
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            return _forgiven(text)
        except (ValueError, OverflowError):
            # The first complaint is the one to show: it is about JSON as it should be.
            pass
        raise


def decode_lines(text: bytes) -> list[Any]:
    """The values of a batch of JSON lines. Raises ApiError(VALIDATION)."""
    return [decode_line(line) for line in text.splitlines() if line.strip()]


def decode_line(text: bytes) -> Any:
    """The value of one line of a batch. Raises ApiError(VALIDATION)."""
    try:
        return decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(VALIDATION, f"a line of the batch is not JSON: {error}") from error


def _forgiven(text: bytes) -> Any:
    whole = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
    return _decode(_encode(json.loads(whole)))
