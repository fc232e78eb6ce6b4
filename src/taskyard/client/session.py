"""Calling the API: with typed structs or plain objects, and patience for a server that is away.

Plain calls need the standard library alone: the command line makes nothing else, and importing
msgspec would double the time it takes to start.
"""

from __future__ import annotations

import base64
import json
import os
import random
import time
from typing import TYPE_CHECKING, Any, TypeVar

from taskyard.api.errors import ApiError, as_error
from taskyard.client.http import Answer, Connection, ServerUnreachable

if TYPE_CHECKING:
    from taskyard.api.wire import Request

T = TypeVar("T")

TRANSIENT = frozenset({502, 503, 504})
"""Answers that mean *later*: the server, or what stands before it, is away."""


class Session:
    """Calls with a key pair. Not for use by several threads at once."""

    def __init__(
        self,
        url: str,
        access_key: str,
        secret_key: str,
        *,
        worker: str = "",
        patience: float = 0.0,
        timeout: float = 30.0,
    ) -> None:
        """``patience``: for how many seconds a call is tried again while the server is away."""
        self.url = url.rstrip("/")
        self.patience = patience
        self._connection = Connection(url, timeout=timeout)
        keys = base64.b64encode(f"{access_key}:{secret_key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {keys}", "Content-Type": "application/json"}
        if worker:
            self._headers["X-ClearML-Worker"] = worker

    def call(self, request: Request, answer: type[T], *, timeout: float | None = None) -> T:
        """Ask, and decode what comes as ``answer``.

        Raises ApiError when the server refuses, ServerUnreachable when there is no answer.
        """
        from taskyard.client import typed

        name, body = typed.encode(request)
        given = self._ask(name, body, timeout)
        try:
            return typed.decode(given.body, answer)
        except ValueError as error:
            raise self._is_no_answer(name, given) from error

    def raw(
        self, name: str, body: dict[str, Any] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Like :meth:`call` for an action named by text, with plain objects on both sides."""
        given = self._ask(name, json.dumps(body or {}).encode(), timeout)
        try:
            answer = json.loads(given.body)
            meta, data = answer["meta"], answer.get("data")
            code = meta["result_code"]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._is_no_answer(name, given) from error
        if code != 200:
            raise as_error(meta)
        return data or {}

    def make_task(self, name: str, body: dict[str, Any]) -> str:
        """Make a task by ``tasks.create`` or ``tasks.clone``; gives its id. Raises as :meth:`raw`.

        Asked once more where no answer comes; the key sees to it that one task is made.
        """
        keyed = {**body, "key": os.urandom(16).hex()}
        try:
            return str(self.raw(name, keyed)["id"])
        except ServerUnreachable:
            return str(self.raw(name, keyed)["id"])

    def _ask(self, name: str, body: bytes, timeout: float | None) -> Answer:
        return self._patiently("POST", f"/{name}", body, self._headers, timeout)

    def _is_no_answer(self, name: str, given: Answer) -> ServerUnreachable:
        return ServerUnreachable(
            f"{self.url} answered {name} with something else than this API (HTTP {given.status})",
            hint="Is this the address of a Taskyard server?",
        )

    def _patiently(
        self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float | None
    ) -> Answer:
        end = time.monotonic() + self.patience
        pause = 0.05
        while True:
            try:
                answer = self._connection.request(method, path, body, headers, timeout=timeout)
                if answer.status not in TRANSIENT or time.monotonic() + pause > end:
                    return answer
            except ServerUnreachable:
                if time.monotonic() + pause > end:
                    raise
            time.sleep(pause * (0.5 + random.random() / 2))
            pause = min(pause * 2, 2.0)

    def put_file(self, path: str, content: bytes, kind: str = "application/octet-stream") -> str:
        """Keep ``content`` on the file server under ``path``; returns its address."""
        headers = {**self._headers, "Content-Type": kind}
        answer = self._patiently("PUT", f"/files/{path}", content, headers, 300)
        if answer.status != 200:
            raise ApiError(
                (answer.status, 0, f"the file server refused {path}"), answer.body.decode()[:200]
            )
        return f"{self.url}/files/{path}"

    def get_file(self, path: str) -> bytes:
        """The content of the file that the file server keeps under ``path``."""
        answer = self._patiently("GET", f"/files/{path}", b"", self._headers, 300)
        if answer.status != 200:
            raise ApiError((answer.status, 0, f"the file server has no {path}"))
        return answer.body

    def cut(self) -> None:
        """End the call that another thread waits in, and all later ones: ServerUnreachable."""
        self._connection.cut()

    @property
    def was_cut(self) -> bool:
        """Whether :meth:`cut` was called."""
        return self._connection.was_cut

    def close(self) -> None:
        self._connection.close()
