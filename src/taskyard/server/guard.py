"""What a server process knows about its callers: tokens, proofs, and who guesses.

Proving is dear (a signature, a hash, a query) and callers come back thousands of times, so what
was proven is remembered. What is remembered is forgotten when a session, a key pair or a user
changes (a signal reaches every server on the database), and proven anew every half minute in
any case.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

from taskyard.api.errors import INVALID_TOKEN, TOO_MANY_REQUESTS, ApiError
from taskyard.api.wire import API_VERSION, SERVER_VERSION, format_version
from taskyard.server.domain.company import COMPANY_NAME
from taskyard.server.signals import EVERYTHING

LONGEST = 365 * 24 * 3600
"""No token lives longer: seconds."""

TRUST = 30.0
"""For how many seconds a proof is taken without looking again."""

REMEMBERED = 20_000
"""How many tokens, and how many key pairs, are remembered: bounds the memory."""

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
                "company_name": COMPANY_NAME,
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
