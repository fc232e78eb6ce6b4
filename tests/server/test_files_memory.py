"""Large files pass through the server without filling its memory."""

from __future__ import annotations

import hashlib
import http.client
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskyard.client.session import Session
from tests.beds import s3
from tests.beds.postgres import free_port

MIB = 1 << 20
SIZE = int(os.environ.get("TASKYARD_TEST_LARGE_MIB", "384")) * MIB
"""Several times what the server may grow by. The variable makes it several GB, by hand."""

MAY_GROW = 160 * MIB


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        self.port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if "TASKYARD" not in name},
            **{f"TASKYARD_SERVER_{name.upper()}": value for name, value in options.items()},
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "home/.config"),
        }
        command = [sys.executable, "-m", "taskyard", "up", "--no-agent", f"--port={self.port}"]
        self._process = subprocess.Popen(
            [*command, f"--data={folder / 'data'}"],
            env=environment,
            stdout=subprocess.PIPE,
        )
        try:
            assert self._process.stdout is not None
            assert b"is up" in self._process.stdout.readline()
            keys = tomllib.loads((folder / "data/client.toml").read_text())["client"]
            session = Session(
                f"http://127.0.0.1:{self.port}", keys["access_key"], keys["secret_key"]
            )
            self._token: str = session.raw("auth.login")["token"]
        except BaseException:
            self.stop()
            raise

    def peak(self) -> int:
        """The most memory it ever had: bytes."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        (found,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(found) * 1024

    def ask(self, method: str, path: str, body: Iterator[bytes] | None = None) -> Iterator[bytes]:
        """The answer's content piece by piece."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Length": str(SIZE)}
        if body is None:
            del headers["Content-Length"]
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        assert answer.status == 200
        while piece := answer.read(MIB):
            yield piece
        connection.close()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(params=["folder", "s3"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    options = {}
    if request.param == "s3":
        store: s3.Store = request.getfixturevalue("s3_store")
        options = store.settings("large")
    process = Process(tmp_path, options)
    try:
        yield process
    finally:
        process.stop()


def noise(digest: hashlib._Hash) -> Iterator[bytes]:
    for number in range(SIZE // MIB):
        piece = number.to_bytes(8, "big") * (MIB // 8)
        digest.update(piece)
        yield piece


def test_a_large_file_passes_in_constant_memory(
    server: Process, record_property: Callable[[str, object], None]
) -> None:
    sent, got = hashlib.sha1(), hashlib.sha1()
    before = server.peak()
    begun = time.monotonic()
    list(server.ask("PUT", "/files/large.bin", noise(sent)))
    record_property("seconds in", round(time.monotonic() - begun, 1))
    begun = time.monotonic()
    for piece in server.ask("GET", "/files/large.bin"):
        got.update(piece)
    record_property("seconds out", round(time.monotonic() - begun, 1))
    grown = server.peak() - before
    record_property("MiB grown", grown // MIB)
    assert got.digest() == sent.digest()
    assert grown < MAY_GROW
