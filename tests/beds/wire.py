"""A network between an agent and its server that can fail in one direction only."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Wire:
    """Passes bytes on between a port of its own and ``target``, a port of loopback.

    What is lost is lost without a word, as where packets are dropped on the way: connections are
    made and stay open, and whoever waits for an answer waits.
    """

    def __init__(self, target: int) -> None:
        self.loses_answers = False
        self.loses_requests = False
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """Lose nothing any more. Connections that missed something are reset."""
        self.loses_answers = self.loses_requests = False
        self._end_all()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end_all()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # the server is away
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for from_, to, answers in ((near, far, False), (far, near, True)):
                threading.Thread(
                    target=self._pass_on, args=(from_, to, answers), daemon=True
                ).start()

    def _pass_on(self, from_: socket.socket, to: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := from_.recv(1 << 16):
                if not (self.loses_answers if answers else self.loses_requests):
                    to.sendall(data)
        self._end({from_, to})

    def _end_all(self) -> None:
        with self._lock:
            ended = set(self._open)
        self._end(ended)

    def _end(self, sockets: set[socket.socket]) -> None:
        with self._lock:
            mine = sockets & self._open
            self._open -= mine
        for one in mine:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
            one.close()


@contextlib.contextmanager
def wire(target: int) -> Iterator[Wire]:
    """A wire to a port, for the length of the block."""
    found = Wire(target)
    try:
        yield found
    finally:
        found.close()
