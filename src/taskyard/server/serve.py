"""Running the server: one process, one port, one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import Callable

import uvicorn
import uvloop

from taskyard.api.errors import TaskyardError
from taskyard.server.app import App, start, stop
from taskyard.server.core import Server
from taskyard.server.http import Protocol
from taskyard.server.settings import Settings


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises TaskyardError that says who to ask when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only of a socket that is known to be TCP does asyncio turn Nagle's algorithm off, which
    # else holds every second answer back for 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise TaskyardError(
                f"port {port} on {host} is in use",
                hint=f"Choose another with --port, or see who has it: ss -ltnp 'sport = :{port}'",
            ) from error
        raise TaskyardError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="Choose another with --host and --port.",
        ) from error
    return sock


def serve(settings: Settings, ready: Callable[[Server], None], leaving: Callable[[], None]) -> None:
    """Serve until a signal ends it.

    ``ready`` is called once the first request can come; ``leaving``, on a thread, when a signal
    came: the server answers until it returns.

    Raises TaskyardError when the port, the data folder or the database cannot be had.
    """
    sock = listen(settings.host, settings.port)
    settings.port = sock.getsockname()[1]
    try:
        uvloop.run(_serve(settings, sock, ready, leaving))
    finally:
        sock.close()


async def _serve(
    settings: Settings,
    sock: socket.socket,
    ready: Callable[[Server], None],
    leaving: Callable[[], None],
) -> None:
    server = await start(settings)
    config = uvicorn.Config(
        App(server),
        http=Protocol,
        access_log=False,
        server_header=False,
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=1 << 20,
    )
    web = uvicorn.Server(config)
    _stop_on_signal(web, server, leaving)
    # What start-up made lives as long as the process: the collector need not look at it again.
    gc.freeze()
    gc.enable()
    ready(server)
    try:
        await web.serve(sockets=[sock])
    finally:
        await stop(server)


def _stop_on_signal(web: uvicorn.Server, server: Server, leaving: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    async def leave() -> None:
        await asyncio.to_thread(leaving)
        server.close()
        web.should_exit = True

    def told() -> None:
        # The second signal is from somebody who does not want to wait.
        if stopping:
            web.should_exit = web.force_exit = True
        else:
            stopping.append(asyncio.create_task(leave()))

    # uvicorn would install handlers of its own, and raise the signal again at the end.
    web.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
