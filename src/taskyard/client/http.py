"""One kept-alive HTTP/1.1 connection, on a plain socket: it starts fast, and a call costs little.

Import cost matters here: every command of the command line pays it.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from taskyard.api.errors import TaskyardError

LONGEST_LINE = 65536
"""Bytes of a line of an answer's head."""

MOST_HEADERS = 200

JOINED = 65536
"""Bytes of a body that is sent in one piece with its head."""


class ServerUnreachable(TaskyardError):
    """No answer came: refused, timed out, or cut. The request may or may not have been done."""


class Headers(dict[str, str]):
    """An answer's headers by name in lower case; those that are not there are empty."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class _Wire:
    """An open connection."""

    socket: socket.socket
    reader: BinaryIO


class _Broken(OSError):
    """What came is no answer, or the end of it is missing."""


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
        self._host_header = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._open: _Wire | None = None
        self.was_cut = False
        """Whether :meth:`cut` was called: every request is refused since."""

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
        head = self._head(method, self._prefix + path, len(body), headers or {})
        for fresh in (self._open is None, True):
            try:
                wire = self._connected()
                if self.was_cut:
                    raise ConnectionAbortedError("this connection was ended on purpose")
                wire.socket.settimeout(timeout or self._timeout)
                return self._exchange(wire, method, head, body)
            except (ConnectionResetError, BrokenPipeError) as error:
                self.close()
                if fresh or self.was_cut:
                    raise self._unreachable(error) from error
            except (OSError, ValueError) as error:
                self.close()
                raise self._unreachable(error) from error
        raise AssertionError("unreachable")

    def _head(self, method: str, target: str, length: int, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host_header}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if "Accept-Encoding" not in headers:
            lines.append("Accept-Encoding: identity")
        if length or method not in {"GET", "HEAD", "OPTIONS", "DELETE"}:
            lines.append(f"Content-Length: {length}")
        if not target.isprintable() or " " in target or any("\n" in s or "\r" in s for s in lines):
            raise self._unreachable(ValueError("a control character or a blank in the request"))
        try:
            return "\r\n".join([*lines, "", ""]).encode("latin-1")
        except UnicodeEncodeError as error:
            raise self._unreachable(error) from error

    def _exchange(self, wire: _Wire, method: str, head: bytes, body: bytes) -> Answer:
        whole = True
        try:
            if len(body) <= JOINED:
                wire.socket.sendall(head + body)
            else:
                wire.socket.sendall(head)
                wire.socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            if not body:
                raise
            # A server may refuse before it has all of a large body: its answer says why.
            whole = False
        answer, stays = _read(wire.reader, method)
        if not (whole and stays):
            self.close()
        return answer

    def _connected(self) -> _Wire:
        if self._open is None:
            made = socket.create_connection((self._host, self._port), self._connect_timeout)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                made = _encrypted(made, self._host)
            self._open = _Wire(made, made.makefile("rb"))
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
        self.was_cut = True
        wire = self._open
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        wire, self._open = self._open, None
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.reader.close()
            wire.socket.close()


def _encrypted(plain: socket.socket, host: str) -> socket.socket:
    # Most servers are spoken to without: they need not wait for this import.
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _read(reader: BinaryIO, method: str) -> tuple[Answer, bool]:
    """An answer, and whether the connection stays open after it.

    Raises ConnectionResetError when nothing comes at all, _Broken when it is not what it should be.
    """
    status, version = 100, b""
    headers = Headers()
    while status < 200:
        line = reader.readline(LONGEST_LINE)
        if not line:
            raise ConnectionResetError("the server closed the connection")
        version, _, rest = line.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise _Broken("what came is not HTTP")
        status = int(rest[:3])
        headers = _headers(reader)
    stays = version == b"HTTP/1.1" and "close" not in headers["connection"].lower()
    if method == "HEAD" or status in {204, 304}:
        return Answer(status, headers, b""), stays
    if "chunked" in headers["transfer-encoding"].lower():
        return Answer(status, headers, _chunks(reader)), stays
    if length := headers["content-length"]:
        return Answer(status, headers, _exactly(reader, int(length))), stays
    return Answer(status, headers, reader.read()), False


def _headers(reader: BinaryIO) -> Headers:
    found = Headers()
    for _ in range(MOST_HEADERS):
        line = reader.readline(LONGEST_LINE)
        if line in {b"\r\n", b"\n"}:
            return found
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n"):
            raise _Broken("the head of the answer is broken")
        name, value = name.lower(), value.strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    raise _Broken("the answer has too many headers")


def _chunks(reader: BinaryIO) -> bytes:
    found = []
    while size := int(reader.readline(LONGEST_LINE).partition(b";")[0] or b"x", 16):
        found.append(_exactly(reader, size))
        reader.readline(LONGEST_LINE)
    _headers(reader)
    return b"".join(found)


def _exactly(reader: BinaryIO, size: int) -> bytes:
    found = reader.read(size)
    if len(found) < size:
        raise _Broken("the answer was cut off")
    return found
