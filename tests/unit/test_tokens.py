"""Tokens, secrets and the slowing of those who guess."""

from __future__ import annotations

import time

import jwt
import pytest

from taskyard.api.errors import INVALID_TOKEN, TOO_MANY_REQUESTS, ApiError
from taskyard.server import guard as guards
from taskyard.server.domain import credentials
from taskyard.server.guard import Failures, Guard, Identity, Tokens

KEY = b"k" * 32
ADA = Identity("u1", "Ada", "c1", "user")


def claims(token: str) -> dict[str, object]:
    """What a client reads: it does not know the key."""
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_token_says_who_its_bearer_is() -> None:
    tokens = Tokens(KEY)
    found = tokens.verify(tokens.issue(ADA, expires_in=60))
    assert (found.user, found.user_name, found.company, found.role) == ("u1", "Ada", "c1", "user")


def test_the_claims_are_those_that_clients_read() -> None:
    found = claims(Tokens(KEY).issue(ADA, expires_in=60))
    assert set(found) == {
        "exp",
        "iat",
        "session_id",
        "auth_type",
        "env",
        "entities",
        "identity",
        "api_version",
        "server_version",
        "server_build",
        "feature_set",
    }
    assert found["feature_set"] == "basic"
    assert set(found["identity"]) == {"user", "company", "role", "user_name", "company_name"}  # type: ignore[call-overload]


@pytest.mark.parametrize("claim", ["api_version", "server_version"])
def test_versions_are_dotted_integers(claim: str) -> None:
    found = claims(Tokens(KEY).issue(ADA, expires_in=60))
    assert tuple(map(int, str(found[claim]).split("."))) > (2, 0)


def test_every_login_is_a_session_of_its_own() -> None:
    tokens = Tokens(KEY)
    first, second = (claims(tokens.issue(ADA, expires_in=60)) for _ in range(2))
    assert first["session_id"] != second["session_id"]


def test_a_renewed_token_stays_in_its_session() -> None:
    token = Tokens(KEY).issue(ADA, expires_in=60, session="s")
    assert claims(token)["session_id"] == "s"


def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(ApiError) as caught:
        tokens.verify(token)
    assert caught.value.kind == INVALID_TOKEN[:2]


def test_an_expired_token_is_refused() -> None:
    tokens = Tokens(KEY)
    refused(tokens, tokens.issue(ADA, expires_in=-1))


def test_a_token_that_was_good_is_refused_once_it_expires() -> None:
    tokens = Tokens(KEY)
    token = tokens.issue(ADA, expires_in=1)
    tokens.verify(token)
    deadline = time.monotonic() + 10

    def verify_for_long() -> None:
        while time.monotonic() < deadline:
            tokens.verify(token)

    with pytest.raises(ApiError):
        verify_for_long()


def test_a_token_signed_with_another_key_is_refused() -> None:
    refused(Tokens(KEY), Tokens(b"x" * 32).issue(ADA, expires_in=60))


def test_an_unsigned_token_is_refused() -> None:
    body = claims(Tokens(KEY).issue(ADA, expires_in=60))
    refused(Tokens(KEY), jwt.encode(body, None, algorithm="none"))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "\udcff", "ä.ö.ü", "{}"])
def test_garbage_is_refused(text: str) -> None:
    refused(Tokens(KEY), text)


def test_a_signed_token_without_an_identity_is_refused() -> None:
    body = {"exp": int(time.time()) + 60, "session_id": "s"}
    refused(Tokens(KEY), jwt.encode(body, KEY, algorithm="HS256"))


def test_the_guard_forgets_a_session_that_ended() -> None:
    guard = Guard(KEY)
    guard.keep_session("token", Identity("u1", "Ada", "c1", "user", session="s"))
    guard.told("session:s")
    assert guard.session("token") is None


def test_the_guard_keeps_other_sessions() -> None:
    guard = Guard(KEY)
    guard.keep_session("token", Identity("u1", "Ada", "c1", "user", session="s"))
    guard.told("session:other")
    assert guard.session("token") is not None


def test_the_guard_forgets_a_key_pair_that_was_revoked() -> None:
    guard = Guard(KEY)
    guard.keep_basic("header", ADA, "AK")
    guard.told("key:AK")
    assert guard.basic("header") is None


def test_the_guard_forgets_a_user_who_changed() -> None:
    guard = Guard(KEY)
    guard.keep_basic("header", ADA, "AK")
    guard.keep_session("token", ADA)
    guard.told("user:u1")
    assert (guard.basic("header"), guard.session("token")) == (None, None)


def test_memory_for_callers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "REMEMBERED", 50)
    guard = Guard(KEY)
    for number in range(500):
        guard.keep_session(f"token {number}", ADA)
    assert len(guard._sessions) <= 50


def fail(failures: Failures, times: int, ip: str = "10.0.0.1", name: str = "AK") -> None:
    for _ in range(times):
        failures.add(ip, name)


def test_many_wrong_secrets_from_one_place_have_to_wait() -> None:
    failures = Failures()
    fail(failures, guards.FAILURES_FROM_ONE_PLACE)
    with pytest.raises(ApiError) as caught:
        failures.check("10.0.0.1", "AK")
    assert caught.value.kind == TOO_MANY_REQUESTS[:2]


def test_a_few_wrong_secrets_do_not_wait() -> None:
    failures = Failures()
    fail(failures, guards.FAILURES_FROM_ONE_PLACE - 1)
    failures.check("10.0.0.1", "AK")


def test_one_guesser_does_not_slow_another_key_pair() -> None:
    failures = Failures()
    fail(failures, guards.FAILURES_FROM_ONE_PLACE)
    failures.check("10.0.0.1", "OTHER")


def test_a_guesser_who_changes_places_has_to_wait_too() -> None:
    failures = Failures()
    for number in range(guards.FAILURES_FOR_ONE_NAME):
        failures.add(f"10.0.1.{number}", "AK")
    with pytest.raises(ApiError):
        failures.check("10.0.2.1", "AK")


def test_the_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = Failures()
    fail(failures, guards.FAILURES_FROM_ONE_PLACE)
    later = time.monotonic() + guards.FAILURE_WINDOW + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    failures.check("10.0.0.1", "AK")


def test_a_secret_is_recognised_by_its_hash() -> None:
    keys = credentials.make_keys()
    assert credentials.secret_matches(keys.secret, credentials.hash_secret(keys.secret))


def test_another_secret_is_not() -> None:
    kept = credentials.hash_secret(credentials.make_keys().secret)
    assert not credentials.secret_matches(credentials.make_keys().secret, kept)


def test_equal_secrets_are_kept_differently() -> None:
    assert credentials.hash_secret("s") != credentials.hash_secret("s")


def test_a_key_pair_does_not_show_its_secret_when_printed() -> None:
    keys = credentials.make_keys()
    assert keys.secret not in repr(keys)


def test_a_password_is_recognised_by_its_hash() -> None:
    kept = credentials.hash_password("correct horse")
    assert credentials.password_matches("correct horse", kept)
    assert not credentials.password_matches("wrong horse", kept)
