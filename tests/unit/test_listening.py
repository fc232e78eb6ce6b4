"""The socket that the server listens on."""

from __future__ import annotations

import asyncio
import socket

from taskyard.server.serve import listen


def test_answers_are_sent_without_waiting_for_more_to_send() -> None:
    async def accepted() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            found.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        sock = listen("127.0.0.1", 0)
        async with await asyncio.start_server(greet, sock=sock):
            _, writer = await asyncio.open_connection(*sock.getsockname())
            writer.close()
            return await asyncio.wait_for(found, 10)

    assert asyncio.run(accepted())
