"""One kept-alive HTTP connection, by the standard library alone: it starts fast.

Import cost matters here: every command of the command line pays it.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from taskyard.api.errors import TaskyardError


class ServerUnreachable(TaskyardError):
    """No answer came: refused, timed out, or cut. The request may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Connection:
    """A connection to one origin, made when first used and again after it was cut."""

    def __init__(self, url: str, *, timeout: float = 30.0, connect_timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise TaskyardError(
                f"{url!r} is not the address of a server",
                hint="An address looks like http://127.0.0.1:8008",
            )
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._open: http.client.HTTPConnection | None = None
        self._was_cut = False

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Answer:
        """Send and read the whole answer. Raises ServerUnreachable when none comes.

        A kept connection that the server closed in the meantime is opened again once.
        """
        for fresh in (self._open is None, True):
            try:
                connection = self._connected()
                if self._was_cut:
                    raise ConnectionAbortedError("this connection was ended on purpose")
                if connection.sock is not None:
                    connection.sock.settimeout(timeout or self._timeout)
                return self._exchange(connection, method, self._prefix + path, body, headers or {})
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                self.close()
                if fresh or self._was_cut:
                    raise self._unreachable(error) from error
            except (OSError, http.client.HTTPException) as error:
                self.close()
                raise self._unreachable(error) from error
        raise AssertionError("unreachable")

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> Answer:
        whole = True
        try:
            connection.request(method, path, body or None, headers)
        except (BrokenPipeError, ConnectionResetError):
            if not body:
                raise
            # A server may refuse before it has all of a large body: its answer says why.
            whole = False
        answer = connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read())
        if not whole:
            self.close()
        return found

    def _connected(self) -> http.client.HTTPConnection:
        if self._open is None:
            if self._secure:
                self._open = http.client.HTTPSConnection(
                    self._host,
                    self._port,
                    timeout=self._connect_timeout,
                    context=ssl.create_default_context(),
                )
            else:
                self._open = http.client.HTTPConnection(
                    self._host, self._port, timeout=self._connect_timeout
                )
            self._open.connect()
            self._open.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._open

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerUnreachable(
            f"cannot reach the server at {self.url}: {words}",
            hint="Is it running (taskyard up), and is the address right?",
        )

    def cut(self) -> None:
        """End the request that another thread waits in, and refuse all later ones.

        The waiting thread gets ServerUnreachable.
        """
        self._was_cut = True
        connection = self._open
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
