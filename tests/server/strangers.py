"""Callers that the server does not know yet: they send exactly the headers they are given."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from taskyard.client.http import Answer, Connection
from tests.beds.server import Running


def basic(access: str, secret: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{access}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Stranger:
    """Sends exactly the headers it is given."""

    def __init__(self, server: Running) -> None:
        self.http = Connection(server.url)
        self.admin = basic(server.access_key, server.secret_key)

    def send(self, name: str, headers: dict[str, str], /, **body: Any) -> Answer:
        return self.http.request("POST", f"/{name}", msgspec.json.encode(body), headers)

    def data(self, name: str, headers: dict[str, str], /, **body: Any) -> Any:
        answer = msgspec.json.decode(self.send(name, headers, **body).body)
        assert answer["meta"]["result_code"] == 200, answer["meta"]
        return answer["data"]

    def code(self, name: str, headers: dict[str, str], /, **body: Any) -> tuple[int, int]:
        """The error code; (200, 0) when there is none."""
        meta = msgspec.json.decode(self.send(name, headers, **body).body)["meta"]
        return meta["result_code"], meta["result_subcode"]
