"""The page below a path, behind a proxy that takes the path off."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.beds.postgres import free_port
from tests.beds.server import Api, running
from tests.web.conftest import live, watched

PREFIX = b"/lab/yard"


@contextlib.contextmanager
def proxy(port: int, target: int) -> Iterator[None]:
    """Passes requests below PREFIX on to another port of this machine, without the prefix."""

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := self.request.recv(65536)):
                    return
                head += piece
            first, rest = head.split(b"\r\n", 1)
            if b" " + PREFIX not in first:
                self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return
            first = first.replace(b" " + PREFIX, b" ", 1)
            with socket.create_connection(("127.0.0.1", target)) as server:
                server.sendall(first + b"\r\nConnection: close\r\n" + without_connection(rest))
                back = threading.Thread(target=pump, args=(server, self.request), daemon=True)
                back.start()
                pump(self.request, server)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", port), Passing) as listening:
        listening.daemon_threads = True
        listening.block_on_close = False
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            listening.shutdown()


def without_connection(rest: bytes) -> bytes:
    head, end, body = rest.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(lines) + end + body


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_the_page_works_below_a_path(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}{PREFIX.decode()}"
    with running(tmp_path / "data", public_url=url) as server:
        target = server.server.settings.port
        server.url = f"http://127.0.0.1:{target}"
        api = Api(server)
        with proxy(port, target), watched(browser, url, silent=False) as context:
            page = context.new_page()
            page.goto(f"{url}/queues")
            page.get_by_label("Access key or name").fill(server.access_key)
            page.get_by_label("Secret key or password").fill(server.secret_key)
            page.keyboard.press("Enter")
            live(page)
            api("queues.create", name="behind a proxy")
            expect(page.get_by_role("link", name="behind a proxy")).to_be_visible()
            page.get_by_role("link", name="behind a proxy").click()
            expect(page).to_have_url(f"{url}/queues/behind%20a%20proxy")
            page.reload()
            expect(
                page.get_by_label("Pages").get_by_role("link", name="Workers")
            ).to_have_attribute("href", f"{PREFIX.decode()}/workers")
