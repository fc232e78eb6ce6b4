"""A real git server on loopback: git's own HTTP backend, with a password when asked for.

It also hands out the large files of Git LFS.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.beds.serving import serving


@contextlib.contextmanager
def serve(
    root: Path,
    user: str | None = None,
    password: str | None = None,
    *,
    stalls_after: int = 0,
    old: bool = False,
) -> Iterator[str]:
    """Serve the repositories in the folder ``root``; yields ``http://127.0.0.1:<port>``.

    With ``user`` and ``password``, requests without them are answered with 401. The first answer of
    more than ``stalls_after`` bytes comes to a stop there. One that is ``old`` speaks the first
    protocol only, in which a hash that is on no branch is refused.
    """
    wanted = ""
    if user is not None:
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(_Handler):
        pass

    Handler.root, Handler.authorization = root, wanted
    Handler.stalls_after, Handler.old = stalls_after, old
    with serving(Handler) as address:
        yield address


class _Handler(BaseHTTPRequestHandler):
    root: Path
    authorization: str
    stalls_after: int
    old: bool

    def do_GET(self) -> None:
        if self.authorization and self.headers["Authorization"] != self.authorization:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        if "/info/lfs/" in self.path:
            self._large_files()
            return
        backend = subprocess.run(
            ["git", "http-backend"],
            env=self._cgi(),
            input=self._body(),
            capture_output=True,
            check=False,
        )
        head, _, body = backend.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(": ") for line in head.decode().split("\r\n")]
        status = next((value for name, _, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, _, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the reader may have had enough
            if 0 < self.stalls_after < len(body):
                stalls_at, type(self).stalls_after = self.stalls_after, 0
                self.wfile.write(body[:stalls_at])
                self.connection.recv(1)
            else:
                self.wfile.write(body)

    do_POST = do_GET

    def _large_files(self) -> None:
        """As much of a Git LFS server as downloads need: objects lie in ``lfs/objects``."""
        repository, _, what = self.path.lstrip("/").partition("/info/lfs/")
        objects = self.root / repository / "lfs" / "objects"
        if what != "objects/batch":
            self._answer((objects / Path(what).name).read_bytes(), "application/octet-stream")
            return
        answers = []
        for wanted in json.loads(self._body())["objects"]:
            address = f"http://{self.headers['Host']}/{repository}/info/lfs/{wanted['oid']}"
            there = (objects / wanted["oid"]).exists()
            found = {"actions": {"download": {"href": address}}}
            lost = {"error": {"code": 404, "message": "the object is lost"}}
            answers.append({**wanted, **(found if there else lost)})
        body = {"transfer": "basic", "objects": answers}
        self._answer(json.dumps(body).encode(), "application/vnd.git-lfs+json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _cgi(self) -> dict[str, str]:
        url = urlsplit(self.path)
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROTOCOL": "" if self.old else self.headers.get("Git-Protocol", ""),
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "tester",
        }

    def log_message(self, *_: object) -> None:
        """Quiet: a failing test's output is about the test."""
