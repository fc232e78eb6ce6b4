"""What is written to a connection in two steps is sent in one."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from taskyard.server.http import JOINED, Joining

LARGE = bytes(JOINED + 1)


class Sent:
    """A transport that remembers what it was told."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True


async def sent(*written: bytes, close: bool = False, turns: int = 0) -> list[bytes]:
    """What is sent when this is written, and then so many turns of the event loop pass."""
    transport = Sent()
    joining = Joining(cast(asyncio.Transport, transport), asyncio.get_running_loop())
    for data in written:
        joining.write(data)
    if close:
        joining.close()
    for _ in range(turns):
        await asyncio.sleep(0)
    assert transport.closed == close
    return transport.writes


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([b"head", b"body"], [b"headbody"]),
        ([b"head", b""], [b"head"]),
        ([b"head", b"one", b"two", b"three"], [b"headone", b"twothree"]),
        ([b"head", LARGE], [b"head", LARGE]),
    ],
)
def test_two_writes_go_together_at_once(written: list[bytes], expected: list[bytes]) -> None:
    assert asyncio.run(sent(*written)) == expected


def test_what_nothing_follows_is_sent_at_the_end_of_the_turn() -> None:
    assert asyncio.run(sent(b"head", turns=1)) == [b"head"]


def test_what_is_held_is_sent_before_the_end() -> None:
    assert asyncio.run(sent(b"head", close=True)) == [b"head"]
