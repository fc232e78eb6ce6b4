"""A real server on loopback, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from taskyard.api.errors import ApiError
from taskyard.client.http import Answer, Connection
from taskyard.client.session import Session
from taskyard.server import app
from taskyard.server.core import Server
from taskyard.server.serve import listen
from taskyard.server.settings import Settings


@dataclass
class Running:
    """A server under test, and how to reach it."""

    server: Server
    url: str
    access_key: str
    secret_key: str
    loop: asyncio.AbstractEventLoop

    def session(self, **options: Any) -> Session:
        return Session(self.url, self.access_key, self.secret_key, **options)

    def await_(self, work: Any) -> Any:
        """Run a coroutine on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


class Api:
    """Calls by name, as a stranger's client would make them."""

    def __init__(self, running: Running, *, version: str = "", keys: tuple[str, str] | None = None):
        access, secret = keys or (running.access_key, running.secret_key)
        self.running = running
        self.keys = (access, secret)
        self.version = version
        self._session = Session(running.url, access, secret)
        self.http = Connection(running.url)

    def __call__(self, name: str, /, **body: Any) -> Any:
        path = f"v{self.version}/{name}" if self.version else name
        return self._session.raw(path, body)

    def batch(self, name: str, lines: list[Any]) -> Any:
        """Send JSON lines."""
        body = b"\n".join(msgspec.json.encode(line) for line in lines)
        answer = self.send("POST", f"/{name}", body, {"Content-Type": "application/json-lines"})
        decoded = msgspec.json.decode(answer.body)
        if decoded["meta"]["result_code"] != 200:
            meta = decoded["meta"]
            raise ApiError((meta["result_code"], meta["result_subcode"], meta["result_msg"]))
        return decoded["data"]

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """A bare HTTP request with this caller's keys."""
        merged = {"Authorization": self._session._headers["Authorization"], **(headers or {})}
        return self.http.request(method, path, body, merged)

    def as_version(self, version: str) -> Api:
        return Api(self.running, version=version, keys=self.keys)

    def as_user(self, access_key: str, secret_key: str) -> Api:
        return Api(self.running, version=self.version, keys=(access_key, secret_key))


@contextlib.contextmanager
def running(
    folder: Path, database_url: str = "", *, like: Running | None = None, **options: Any
) -> Iterator[Running]:
    """A fresh server with its data in ``folder``, for the length of the block.

    With ``like``, it finds the data of that server, and has its keys.
    """
    settings = Settings(data=folder, database_url=database_url, port=0, **options)
    sock = listen("127.0.0.1", 0)
    settings.port = sock.getsockname()[1]
    started: list[Running] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    stop = threading.Event()

    async def main() -> None:
        server = await app.start(settings)
        keys = like or server.first_keys
        assert keys is not None, "the data folder is not fresh"
        config = uvicorn.Config(
            app.App(server), http="httptools", access_log=False, log_level="warning", lifespan="off"
        )
        web = uvicorn.Server(config)
        web.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        started.append(
            Running(
                server,
                settings.url,
                keys.access_key,
                keys.secret_key,
                asyncio.get_running_loop(),
            )
        )
        ready.set()
        serving = asyncio.create_task(web.serve(sockets=[sock]))
        await asyncio.to_thread(stop.wait)
        web.should_exit = web.force_exit = True
        await serving
        await app.stop(server)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="server under test", daemon=True)
    thread.start()
    ready.wait(30)
    if failed:
        raise failed[0]
    try:
        yield started[0]
    finally:
        stop.set()
        thread.join(30)
        sock.close()
    if failed:
        raise failed[0]
