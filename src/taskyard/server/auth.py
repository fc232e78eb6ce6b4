"""Who is asking: tokens, key pairs, passwords, and acting for somebody else.

Proving is dear (a signature, a hash, a query) and callers come back thousands of times, so what
was proven is remembered. What is remembered is forgotten when a session, a key pair or a user
changes (a signal reaches every server on the database), and proven anew every half minute in
any case.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jwt

from taskyard.api.errors import (
    BAD_CREDENTIALS,
    BAD_IMPERSONATION_HEADERS,
    IMPERSONATION_FAILED,
    INVALID_CREDENTIALS,
    INVALID_TOKEN,
    NO_CREDENTIALS,
    TOO_MANY_REQUESTS,
    ApiError,
)
from taskyard.api.wire import API_VERSION, SERVER_VERSION, format_version
from taskyard.server.call import ADMIN_ROLES
from taskyard.server.domain.credentials import password_matches, secret_matches
from taskyard.server.domain.roles import outranks
from taskyard.server.signals import EVERYTHING
from taskyard.server.store import users
from taskyard.server.store.engine import Tx

if TYPE_CHECKING:
    from taskyard.server.app import Server

COOKIE = "clearml_token_basic"
LONGEST = 365 * 24 * 3600
"""No token lives longer: seconds."""

TRUST = 30.0
"""For how many seconds a proof is taken without looking again."""

REMEMBERED = 20_000
"""How many tokens, and how many key pairs, are remembered: bounds the memory."""

TOUCH_EVERY = 60_000_000
"""A key pair's last use is written down this often: microseconds."""

FAILURE_WINDOW = 60.0
FAILURES_FROM_ONE_PLACE = 20
FAILURES_FOR_ONE_NAME = 200
"""Wrong secrets a minute before the answer is *wait*; the address may be forged, the name not."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller who has proven who they are. ``expires`` is in seconds since the epoch."""

    user: str
    user_name: str
    company: str
    role: str
    session: str = ""
    expires: float = 0.0


class Tokens:
    """Makes tokens and recognises its own."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[str, Identity] = {}

    def issue(self, identity: Identity, *, expires_in: int, session: str | None = None) -> str:
        """A token for ``expires_in`` seconds, of a new session unless one is named."""
        now = int(time.time())
        claims = {
            "exp": now + expires_in,
            "iat": now,
            "session_id": session or secrets.token_hex(16),
            "auth_type": "Bearer",
            "env": "",
            "entities": {},
            "identity": {
                "user": identity.user,
                "company": identity.company,
                "role": identity.role,
                "user_name": identity.user_name,
                "company_name": users.COMPANY_NAME,
            },
            "api_version": format_version(API_VERSION),
            "server_version": SERVER_VERSION,
            "server_build": "",
            "feature_set": "basic",
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def verify(self, token: str) -> Identity:
        """Who the token speaks for. Raises ApiError(INVALID_TOKEN): forged, broken or expired."""
        known = self._known.get(token)
        if known is not None:
            if known.expires > time.time():
                return known
            del self._known[token]
        identity = self._decode(token)
        _remember(self._known, token, identity)
        return identity

    def _decode(self, token: str) -> Identity:
        options: Any = {"require": ["exp", "session_id", "identity"]}
        try:
            claims = jwt.decode(token, self._secret, algorithms=["HS256"], options=options)
            identity = claims["identity"]
            return Identity(
                user=identity["user"],
                user_name=identity["user_name"],
                company=identity["company"],
                role=identity["role"],
                session=claims["session_id"],
                expires=float(claims["exp"]),
            )
        except jwt.ExpiredSignatureError as error:
            raise ApiError(INVALID_TOKEN, "the token has expired", hint="Log in again.") from error
        except (jwt.InvalidTokenError, KeyError, TypeError, UnicodeError) as error:
            raise ApiError(INVALID_TOKEN, hint="Log in again.") from error


@dataclass(slots=True)
class _Proof:
    """An identity that was looked up in the database, until when it is taken as it is."""

    identity: Identity
    until: float
    key: str = ""


class Failures:
    """Counts wrong secrets, so that guessing is slow. Callers who are right never meet it."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def add(self, ip: str, name: str) -> None:
        now = time.monotonic()
        for key in ((ip, name), ("", name)):
            since, count = self._counts.pop(key, (now, 0))
            fresh = now - since < FAILURE_WINDOW
            _remember(self._counts, key, (since, count + 1) if fresh else (now, 1))

    def check(self, ip: str, name: str) -> None:
        """Raise ApiError(TOO_MANY_REQUESTS) when ``name`` was tried too often."""
        now = time.monotonic()
        for key, limit in (
            ((ip, name), FAILURES_FROM_ONE_PLACE),
            (("", name), FAILURES_FOR_ONE_NAME),
        ):
            since, count = self._counts.get(key, (now, 0))
            if count >= limit and now - since < FAILURE_WINDOW:
                wait = int(FAILURE_WINDOW - (now - since)) + 1
                raise ApiError(
                    TOO_MANY_REQUESTS,
                    "too many wrong credentials",
                    hint=f"Check them, and wait {wait} seconds.",
                )


class Guard:
    """What one server process knows about its callers."""

    def __init__(self, signing_key: bytes) -> None:
        self.tokens = Tokens(signing_key)
        self.failures = Failures()
        self._salt = secrets.token_bytes(32)
        self._sessions: dict[str, _Proof] = {}
        self._basics: dict[bytes, _Proof] = {}

    def told(self, topic: str) -> None:
        """Forget what an announced change makes doubtful: follow the server's signals with it."""
        kind, _, id = topic.partition(":")
        if topic == EVERYTHING:
            self._sessions, self._basics = {}, {}
        elif kind == "session":
            self._sessions = {k: p for k, p in self._sessions.items() if p.identity.session != id}
        elif kind == "key":
            self._basics = {k: p for k, p in self._basics.items() if p.key != id}
        elif kind == "user":
            self._sessions = {k: p for k, p in self._sessions.items() if p.identity.user != id}
            self._basics = {k: p for k, p in self._basics.items() if p.identity.user != id}

    def session(self, token: str) -> Identity | None:
        return _fresh(self._sessions.get(token))

    def keep_session(self, token: str, identity: Identity) -> None:
        _remember(self._sessions, token, _Proof(identity, time.monotonic() + TRUST))

    def basic(self, header: str) -> Identity | None:
        return _fresh(self._basics.get(self._digest(header)))

    def keep_basic(self, header: str, identity: Identity, key: str) -> None:
        proof = _Proof(identity, time.monotonic() + TRUST, key)
        _remember(self._basics, self._digest(header), proof)

    def _digest(self, header: str) -> bytes:
        # Secrets are not kept in memory longer than the request that brought them.
        return hashlib.blake2b(header.encode("utf-8", "replace"), key=self._salt).digest()


def _fresh(proof: _Proof | None) -> Identity | None:
    if proof is None or proof.until < time.monotonic():
        return None
    return proof.identity


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= REMEMBERED:
        for old in list(known)[: REMEMBERED // 10]:
            del known[old]
    known[key] = value


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
