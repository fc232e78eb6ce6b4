"""What a handler is, and what it is told about its caller.

A handler is a plain function over a transaction: ``def create(tx, call, request) -> answer``.
``@reads`` and ``@writes`` say which kind of transaction; the few that wait or touch other
stores are coroutines marked ``@serves`` and are given the server itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from taskyard.api.wire import API_VERSION, Action, Request, Version, action_of
from taskyard.server.core import Server
from taskyard.server.domain.company import COMPANY
from taskyard.server.domain.roles import ADMIN_ROLES
from taskyard.server.store.database.engine import Tx


@dataclass(slots=True)
class Call:
    """One request: who asks, with which version, from where."""

    server: Server
    user: str = ""
    user_name: str = ""
    company: str = COMPANY
    role: str = ""
    session: str = ""
    version: Version = API_VERSION
    """The version the caller asked for."""
    worker: str = ""
    """The caller's X-ClearML-Worker header."""
    ip: str = ""
    id: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    """The request as it came, for the open keys of the query language."""
    lines: bytes = b""
    """A batch as it came: lines of JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str | None] = field(default_factory=dict)
    """Cookies to set with the answer; None clears one."""

    @property
    def is_admin(self) -> bool:
        return self.role in ADMIN_ROLES


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is a download and not an envelope."""

    chunks: AsyncIterator[bytes]
    content_type: str = "application/octet-stream"
    filename: str = ""


Mode = Literal["read", "write", "serve"]


@dataclass(frozen=True, slots=True)
class Handler:
    action: Action
    mode: Mode
    run: Callable[..., Any]


HANDLERS: dict[Action, Handler] = {}

A = TypeVar("A", bound=Request)
TxHandler = Callable[[Tx, Call, A], Any]
ServeHandler = Callable[[Call, A], Awaitable[Any]]


def _register(request: type[Request], mode: Mode, run: Callable[..., Any]) -> None:
    action = action_of(request)
    if action in HANDLERS:
        raise ValueError(f"{action.name} has two handlers")
    HANDLERS[action] = Handler(action, mode, run)


def reads(request: type[A]) -> Callable[[TxHandler[A]], TxHandler[A]]:
    """Answer ``request`` from a transaction that only reads."""

    def mark(run: TxHandler[A]) -> TxHandler[A]:
        _register(request, "read", run)
        return run

    return mark


def writes(request: type[A]) -> Callable[[TxHandler[A]], TxHandler[A]]:
    """Answer ``request`` from a transaction that is durable before the answer leaves."""

    def mark(run: TxHandler[A]) -> TxHandler[A]:
        _register(request, "write", run)
        return run

    return mark


def serves(request: type[A]) -> Callable[[ServeHandler[A]], ServeHandler[A]]:
    """Answer ``request`` with a coroutine that does its own reading, writing and waiting."""

    def mark(run: ServeHandler[A]) -> ServeHandler[A]:
        _register(request, "serve", run)
        return run

    return mark
