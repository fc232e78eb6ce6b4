"""Who is asking: by token, key pair or password, and for whom they act."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import replace

from taskyard.api.errors import (
    BAD_CREDENTIALS,
    BAD_IMPERSONATION_HEADERS,
    IMPERSONATION_FAILED,
    INVALID_CREDENTIALS,
    NO_CREDENTIALS,
    ApiError,
)
from taskyard.server.core import Server
from taskyard.server.domain.credentials import password_matches, secret_matches
from taskyard.server.domain.roles import ADMIN_ROLES, outranks
from taskyard.server.guard import Identity
from taskyard.server.store import users
from taskyard.server.store.database.engine import Tx

COOKIE = "clearml_token_basic"

TOUCH_EVERY = 60_000_000
"""A key pair's last use is written down this often: microseconds."""


async def authenticate(server: Server, headers: Mapping[str, str], ip: str = "") -> Identity:
    """Who sends these headers (names in lower case).

    Raises ApiError: NO_CREDENTIALS, BAD_CREDENTIALS, INVALID_CREDENTIALS, INVALID_TOKEN,
    TOO_MANY_REQUESTS, and the two impersonation errors.
    """
    header = headers.get("authorization", "")
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if not header:
        token = _cookie(headers.get("cookie", ""))
        if not token:
            raise ApiError(NO_CREDENTIALS, hint="Send an access and a secret key, or a token.")
        identity = await _by_token(server, token)
    elif scheme.lower() == "bearer":
        identity = await _by_token(server, value)
    elif scheme.lower() == "basic":
        used_from = headers.get("x-clearml-worker") or headers.get("x-trains-worker") or ip
        identity = await _by_secret(server, value, ip, used_from)
    else:
        raise ApiError(
            BAD_CREDENTIALS, "unknown kind of authorization", hint="Use Basic or Bearer."
        )
    return await _impersonate(server, headers, identity)


def without_borrowed_cookie(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, less the cookie when a page of another origin made the browser send it.

    Every action also answers GET, so a mere link on a foreign page could otherwise act as the
    person who follows it.
    """
    if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return headers
    return {name: value for name, value in headers.items() if name != "cookie"}


def _cookie(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return ""


async def _by_token(server: Server, token: str) -> Identity:
    guard = server.guard
    identity = guard.tokens.verify(token)
    known = guard.session(token)
    if known is not None:
        return known
    current = await server.control.read(lambda tx: _current(tx, identity))
    guard.keep_session(token, current)
    return current


def _current(tx: Tx, identity: Identity) -> Identity:
    """The token's identity as the user stands today."""
    user = users.require_session(tx, identity.user, identity.session)
    return replace(identity, user_name=user.name, role=user.role, company=user.company)


async def _by_secret(server: Server, encoded: str, ip: str, used_from: str) -> Identity:
    guard = server.guard
    known = guard.basic(encoded)
    if known is not None:
        return known
    name, secret = _split_basic(encoded)
    key = await server.control.read(lambda tx: users.find_key(tx, name))
    if key is not None:
        if secret_matches(secret, key.secret_hash):
            await _note_use(server, key, used_from)
            identity = _identity(key.user)
            guard.keep_basic(encoded, identity, key.access)
            return identity
        guard.failures.check(ip, name)
    else:
        # A password can be guessed, a secret cannot: only here the right one has to wait as well.
        guard.failures.check(ip, name)
        identity_or_none = await _by_password(server, name, secret)
        if identity_or_none is not None:
            guard.keep_basic(encoded, identity_or_none, "")
            return identity_or_none
    guard.failures.add(ip, name)
    raise ApiError(
        INVALID_CREDENTIALS, hint="Check the access key and the secret key; they may be revoked."
    )


def _split_basic(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        text = ""
    name, colon, secret = text.partition(":")
    # A NUL cannot be looked up in every database, and is in no name.
    if not colon or not name or "\0" in name:
        raise ApiError(BAD_CREDENTIALS, hint="Send base64 of <access key>:<secret key>.")
    return name, secret


async def _note_use(server: Server, key: users.KnownKey, used_from: str) -> None:
    if key.last_used + TOUCH_EVERY < time.time_ns() // 1000:
        await server.control.write(lambda tx: users.touch_key(tx, key.access, used_from))


async def _by_password(server: Server, name: str, password: str) -> Identity | None:
    user = await server.control.read(lambda tx: users.find_by_name(tx, name))
    if user is None or user.password is None:
        return None
    kept = user.password
    if await asyncio.to_thread(password_matches, password, kept):
        return _identity(user)
    return None


def _identity(user: users.User) -> Identity:
    return Identity(user.id, user.name, user.company, user.role)


async def _impersonate(server: Server, headers: Mapping[str, str], identity: Identity) -> Identity:
    wanted = _either(headers, "impersonate-as")
    acting = _either(headers, "act-as")
    if not wanted and not acting:
        return identity
    if wanted and acting:
        raise ApiError(
            BAD_IMPERSONATION_HEADERS,
            "both Impersonate-As and Act-As are given",
            hint="Send one of the two.",
        )
    if identity.role not in ADMIN_ROLES:
        raise ApiError(
            IMPERSONATION_FAILED,
            "only administrators may act for others",
            role=identity.role,
        )
    id = wanted or acting
    user = await server.control.read(lambda tx: users.find(tx, id))
    if user is None:
        raise ApiError(IMPERSONATION_FAILED, "there is no such user", user=id)
    if outranks(user.role, identity.role):
        raise ApiError(IMPERSONATION_FAILED, "the user's role is above the caller's", user=id)
    return replace(_identity(user), session=identity.session, expires=identity.expires)


def _either(headers: Mapping[str, str], name: str) -> str:
    return headers.get(f"x-clearml-{name}") or headers.get(f"x-trains-{name}") or ""
