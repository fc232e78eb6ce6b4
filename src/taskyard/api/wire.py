"""How an action is declared, and what travels on the wire.

An action of the API is a pair of structs: what is asked and what is answered. Declaring the
request with :func:`action` is all there is to do: the server finds its route, the client its
call, and the reference page its text from the registry made here.

    @action("queues.create", answers=CreateResponse, since="2.4")
    class Create(Request):
        \"\"\"Make a queue.\"\"\"
        name: str
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

API_VERSION = (2, 34)
"""The newest version of the protocol that is answered; clients switch features on by it."""

FIRST_VERSION = (2, 1)
"""The version that actions are from unless they say another."""

SERVER_VERSION = "2.3.0"
"""What the protocol calls the server's version: dotted integers, which clients parse."""

Document = dict[str, Any]
"""A JSON object whose shape the caller chose by projection."""

Version = tuple[int, int]
Access = Literal["open", "user", "admin"]


class Request(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of what is asked. Unknown fields are ignored, as clients of all ages send some."""


class Response(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of what is answered. A field with a default is left out while it holds the default."""


class Empty(Response):
    """An answer that says nothing but *done*."""


@dataclass(frozen=True, slots=True)
class Action:
    """One line of the API."""

    name: str
    since: Version
    request: type[Request]
    response: type[Any]
    access: Access
    batch: bool
    """The body may be JSON lines; they arrive in the request's field ``lines``."""
    any_text: bool = False
    """Text may hold NUL characters, as what programs print does; elsewhere it is refused."""
    own_lines: bool = False
    """JSON lines are not decoded: who answers does so, and knows best how."""

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]

    @property
    def summary(self) -> str:
        return (self.request.__doc__ or "").strip()


ACTIONS: dict[str, list[Action]] = {}
"""Every action by name; for each name the newest version first."""

_by_request: dict[type[Request], Action] = {}

R = TypeVar("R", bound=type[Request])


def action(
    name: str,
    *,
    answers: type[Any] = Empty,
    since: str = "1.0",
    access: Access = "user",
    batch: bool = False,
    any_text: bool = False,
    own_lines: bool = False,
) -> Callable[[R], R]:
    """Declare the decorated request as the action ``name``, answered since that version."""

    def declare(request: R) -> R:
        version = parse_version(since)
        found = Action(name, version, request, answers, access, batch, any_text, own_lines)
        known = ACTIONS.setdefault(name, [])
        if any(a.since == found.since for a in known):
            raise ValueError(f"{name} is declared twice for version {since}")
        known.append(found)
        known.sort(key=lambda a: a.since, reverse=True)
        _by_request[request] = found
        return request

    return declare


def action_of(request: Request | type[Request]) -> Action:
    """The action a request belongs to. Raises KeyError for a struct that is none."""
    return _by_request[request if isinstance(request, type) else type(request)]


def parse_version(text: str) -> Version:
    """``2.13`` as comparable numbers. Raises ValueError for anything else."""
    major, dot, minor = text.partition(".")
    if not dot:
        raise ValueError(f"not a version: {text!r}")
    return int(major), int(minor)


def format_version(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


class EndpointMeta(msgspec.Struct, kw_only=True):
    name: str
    requested_version: str | float
    actual_version: str | float | None


class Meta(msgspec.Struct, kw_only=True):
    """The head of every answer. Clients parse it strictly: every field is always there."""

    id: str
    trx: str
    endpoint: EndpointMeta
    result_code: int = 200
    result_subcode: int = 0
    result_msg: str = "OK"
    error_stack: str | None = None
    error_data: Document = {}


class Envelope(msgspec.Struct, kw_only=True):
    meta: Meta
    data: Any = {}
