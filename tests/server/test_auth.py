"""Logging in, tokens, key pairs and acting for others, over real HTTP."""

from __future__ import annotations

import base64
import time
import uuid

import jwt
import pytest

from taskyard.api.errors import ApiError
from taskyard.server.guard import FAILURES_FROM_ONE_PLACE
from tests.beds.server import Api, Running
from tests.server.strangers import Stranger, basic, bearer


@pytest.fixture
def caller(server: Running) -> Stranger:
    return Stranger(server)


@pytest.fixture
def admin(server: Running) -> dict[str, str]:
    return basic(server.access_key, server.secret_key)


def new_user(api: Api, role: str = "user") -> str:
    return str(api("auth.create_user", name=f"user {uuid.uuid4().hex[:8]}", role=role)["id"])


def keys_of(caller: Stranger, admin: dict[str, str], user: str) -> tuple[str, str]:
    acting = {**admin, "X-ClearML-Impersonate-As": user}
    made = caller.data("auth.create_credentials", acting)["credentials"]
    return made["access_key"], made["secret_key"]


def test_a_key_pair_gets_a_token(caller: Stranger, admin: dict[str, str]) -> None:
    token = caller.data("auth.login", admin)["token"]
    assert caller.data("users.get_current_user", bearer(token))["user"]["role"] == "admin"


def test_a_token_lives_for_thirty_days_unless_asked(
    caller: Stranger, admin: dict[str, str]
) -> None:
    token = caller.data("auth.login", admin)["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600


@pytest.mark.parametrize(("asked", "given"), [(3600, 3600), (10**9, 365 * 24 * 3600)])
def test_a_token_lives_as_long_as_asked_up_to_a_year(
    caller: Stranger, admin: dict[str, str], asked: int, given: int
) -> None:
    token = caller.data("auth.login", admin, expiration_sec=asked)["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == given


def test_the_lifetime_may_come_in_the_query_string(caller: Stranger, admin: dict[str, str]) -> None:
    token = caller.data("auth.login?expiration_sec=600", admin)["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 600


def test_key_pairs_are_taken_by_every_action(caller: Stranger, admin: dict[str, str]) -> None:
    assert caller.code("users.get_current_user", admin) == (200, 0)


def test_a_token_renews_itself_within_its_session(caller: Stranger, admin: dict[str, str]) -> None:
    first = caller.data("auth.login", admin)["token"]
    second = caller.data("auth.login", bearer(first))["token"]
    sessions = {
        jwt.decode(t, options={"verify_signature": False})["session_id"] for t in (first, second)
    }
    assert len(sessions) == 1


def test_the_cookie_of_a_login_lets_a_browser_in(caller: Stranger, admin: dict[str, str]) -> None:
    cookie = caller.send("auth.login", admin).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert caller.code("users.get_current_user", {"Cookie": cookie.split(";")[0]}) == (200, 0)


@pytest.mark.parametrize(
    ("site", "code"),
    [
        ("same-origin", (200, 0)),
        ("none", (200, 0)),
        ("same-site", (401, 20)),
        ("cross-site", (401, 20)),
    ],
)
def test_a_cookie_counts_only_for_the_servers_own_pages(
    caller: Stranger, admin: dict[str, str], site: str, code: tuple[int, int]
) -> None:
    token = caller.data("auth.login", admin)["token"]
    headers = {"Cookie": f"clearml_token_basic={token}", "Sec-Fetch-Site": site}
    assert caller.code("users.get_current_user", headers) == code


def test_a_header_wins_over_a_cookie(caller: Stranger, admin: dict[str, str]) -> None:
    token = caller.data("auth.login", admin)["token"]
    headers = {"Cookie": f"clearml_token_basic={token}", **bearer("broken")}
    assert caller.code("users.get_current_user", headers) == (401, 30)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, (401, 20)),
        ({"Authorization": "Basic !!!"}, (401, 21)),
        ({"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}, (401, 21)),
        ({"Authorization": "Basic " + base64.b64encode(b"a\0b:c").decode()}, (401, 21)),
        ({"Authorization": "Basic"}, (401, 21)),
        ({"Authorization": "Digest x"}, (401, 21)),
        ({"Authorization": "Bearer x.y.z"}, (401, 30)),
        ({"Authorization": "Bearer "}, (401, 30)),
        ({"Cookie": "clearml_token_basic=x"}, (401, 30)),
    ],
)
def test_who_does_not_say_who_they_are_is_refused(
    caller: Stranger, headers: dict[str, str], code: tuple[int, int]
) -> None:
    assert caller.code("users.get_current_user", headers) == code


def test_an_unknown_key_is_refused(caller: Stranger) -> None:
    assert caller.code("auth.login", basic(uuid.uuid4().hex, "secret")) == (401, 22)


def test_a_wrong_secret_is_refused(caller: Stranger, server: Running) -> None:
    assert caller.code("auth.login", basic(server.access_key, "wrong")) == (401, 22)


def test_an_error_never_repeats_the_secret(caller: Stranger, server: Running) -> None:
    secret = uuid.uuid4().hex
    assert secret.encode() not in caller.send("auth.login", basic(server.access_key, secret)).body


def test_guessing_is_slowed_down(caller: Stranger) -> None:
    name = uuid.uuid4().hex
    for number in range(FAILURES_FROM_ONE_PLACE):
        caller.code("auth.login", basic(name, f"guess {number}"))
    assert caller.code("auth.login", basic(name, "guess")) == (429, 0)


def test_a_right_secret_is_taken_while_others_guess(
    caller: Stranger, api: Api, admin: dict[str, str]
) -> None:
    access, secret = keys_of(caller, admin, new_user(api))
    for number in range(FAILURES_FROM_ONE_PLACE + 1):
        caller.code("auth.login", basic(access, f"guess {number}"))
    assert caller.code("auth.login", basic(access, secret)) == (200, 0)


def test_logging_out_ends_every_token_of_the_session(
    caller: Stranger, admin: dict[str, str]
) -> None:
    first = caller.data("auth.login", admin)["token"]
    second = caller.data("auth.login", bearer(first))["token"]
    caller.data("auth.logout", bearer(second))
    codes = {caller.code("users.get_current_user", bearer(t)) for t in (first, second)}
    assert codes == {(401, 30)}


def test_logging_out_leaves_other_sessions(caller: Stranger, admin: dict[str, str]) -> None:
    mine, other = (caller.data("auth.login", admin)["token"] for _ in range(2))
    caller.data("auth.logout", bearer(mine))
    assert caller.code("users.get_current_user", bearer(other)) == (200, 0)


def test_logging_out_clears_the_cookie(caller: Stranger, admin: dict[str, str]) -> None:
    token = caller.data("auth.login", admin)["token"]
    answer = caller.send("auth.logout", bearer(token))
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_new_key_pair_works(caller: Stranger, api: Api) -> None:
    made = api("auth.create_credentials", label="laptop")["credentials"]
    assert made["label"] == "laptop"
    assert caller.code("auth.login", basic(made["access_key"], made["secret_key"])) == (200, 0)


def test_listed_key_pairs_have_no_secret(api: Api) -> None:
    made = api("auth.create_credentials", label="one")["credentials"]
    found = api("auth.get_credentials")["credentials"]
    mine = next(c for c in found if c["access_key"] == made["access_key"])
    assert mine == {
        "access_key": made["access_key"],
        "label": "one",
        "last_used": None,
        "last_used_from": None,
    }


def test_the_last_use_of_a_key_pair_is_noted(caller: Stranger, api: Api) -> None:
    made = api("auth.create_credentials")["credentials"]
    headers = {**basic(made["access_key"], made["secret_key"]), "X-ClearML-Worker": "box-1"}
    caller.data("auth.login", headers)
    found = api("auth.get_credentials")["credentials"]
    mine = next(c for c in found if c["access_key"] == made["access_key"])
    assert mine["last_used_from"] == "box-1"
    assert mine["last_used"].endswith("+00:00")


def test_a_key_pair_can_be_labelled(api: Api) -> None:
    access = api("auth.create_credentials")["credentials"]["access_key"]
    assert api("auth.edit_credentials", access_key=access, label="ci") == {"updated": 1}
    labels = {c["access_key"]: c["label"] for c in api("auth.get_credentials")["credentials"]}
    assert labels[access] == "ci"


def test_labelling_an_unknown_key_pair_changes_nothing(api: Api) -> None:
    assert api("auth.edit_credentials", access_key="none", label="x") == {"updated": 0}


def test_a_revoked_key_pair_is_refused_at_once(caller: Stranger, api: Api) -> None:
    made = api("auth.create_credentials")["credentials"]
    headers = basic(made["access_key"], made["secret_key"])
    caller.data("auth.login", headers)
    assert api("auth.revoke_credentials", access_key=made["access_key"]) == {"revoked": 1}
    assert caller.code("auth.login", headers) == (401, 22)


def test_nobody_revokes_the_keys_of_others(
    caller: Stranger, api: Api, server: Running, admin: dict[str, str]
) -> None:
    keys = keys_of(caller, admin, new_user(api))
    answer = caller.data("auth.revoke_credentials", basic(*keys), access_key=server.access_key)
    assert answer == {"revoked": 0}


def test_an_administrator_acts_for_another_user(
    caller: Stranger, api: Api, admin: dict[str, str]
) -> None:
    user = new_user(api)
    found = caller.data("users.get_current_user", {**admin, "X-ClearML-Impersonate-As": user})
    assert (found["user"]["id"], found["user"]["role"]) == (user, "user")


@pytest.mark.parametrize("header", ["X-ClearML-Act-As", "X-Trains-Act-As"])
def test_the_other_header_does_so_too(
    caller: Stranger, api: Api, admin: dict[str, str], header: str
) -> None:
    user = new_user(api)
    assert caller.data("users.get_current_user", {**admin, header: user})["user"]["id"] == user


def test_both_headers_at_once_are_refused(
    caller: Stranger, api: Api, admin: dict[str, str]
) -> None:
    user = new_user(api)
    headers = {**admin, "X-ClearML-Act-As": user, "X-ClearML-Impersonate-As": user}
    assert caller.code("users.get_current_user", headers) == (400, 5)


def test_nobody_else_may_act_for_others(caller: Stranger, api: Api, admin: dict[str, str]) -> None:
    keys = keys_of(caller, admin, new_user(api))
    headers = {**basic(*keys), "X-ClearML-Impersonate-As": new_user(api)}
    assert caller.code("users.get_current_user", headers) == (400, 6)


def test_nobody_acts_for_a_user_who_is_not_there(caller: Stranger, admin: dict[str, str]) -> None:
    headers = {**admin, "X-ClearML-Impersonate-As": uuid.uuid4().hex}
    assert caller.code("users.get_current_user", headers) == (400, 6)


def test_a_role_counts_as_soon_as_it_changes(
    caller: Stranger, api: Api, admin: dict[str, str]
) -> None:
    user = new_user(api)
    token = caller.data("auth.login", basic(*keys_of(caller, admin, user)))["token"]
    assert caller.code("server.config", bearer(token)) == (403, 20)
    assert api("auth.edit_user", user=user, role="admin") == {
        "updated": 1,
        "fields": {"role": "admin"},
    }
    assert caller.code("server.config", bearer(token)) == (200, 0)


def test_a_deleted_user_is_out_at_once(caller: Stranger, api: Api, admin: dict[str, str]) -> None:
    user = new_user(api)
    headers = basic(*keys_of(caller, admin, user))
    token = caller.data("auth.login", headers)["token"]
    assert api("auth.delete_user", user=user) == {"deleted": 1}
    codes = (caller.code("auth.login", headers), caller.code("auth.login", bearer(token)))
    assert codes == ((401, 22), (401, 30))


def test_a_user_logs_in_with_name_and_password(caller: Stranger, api: Api) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}"
    user = api("auth.create_user", name="Ada", username=name, password="correct horse")["id"]
    token = caller.data("auth.login", basic(name, "correct horse"))["token"]
    assert caller.data("users.get_current_user", bearer(token))["user"]["id"] == user


def test_a_wrong_password_is_refused(caller: Stranger, api: Api) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}"
    api("auth.create_user", name="Ada", username=name, password="correct horse")
    assert caller.code("auth.login", basic(name, "wrong horse")) == (401, 22)


def test_one_username_belongs_to_one_user(api: Api) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}"
    api("auth.create_user", name="Ada", username=name)
    with pytest.raises(ApiError) as caught:
        api("auth.create_user", name="Other", username=name)
    assert caught.value.kind == (400, 302)


@pytest.mark.parametrize("name", ["auth.create_user", "auth.edit_user", "auth.delete_user"])
def test_accounts_are_for_administrators(
    caller: Stranger, api: Api, admin: dict[str, str], name: str
) -> None:
    keys = keys_of(caller, admin, new_user(api))
    assert caller.code(name, basic(*keys), name="x", user="x") == (403, 20)


def test_the_last_administrator_stays(api: Api) -> None:
    me = api("users.get_current_user")["user"]["id"]
    others = [u["id"] for u in api("users.get_all", role=["admin"])["users"] if u["id"] != me]
    for other in others:
        api("auth.delete_user", user=other)
    with pytest.raises(ApiError) as caught:
        api("auth.delete_user", user=me)
    assert caught.value.kind == (400, 300)


def test_an_administrator_gets_a_token_for_a_user(caller: Stranger, api: Api) -> None:
    user = new_user(api)
    token = api("auth.get_token_for_user", user=user, expiration_sec=60)["token"]
    assert caller.data("users.get_current_user", bearer(token))["user"]["id"] == user


def test_a_token_can_be_checked(caller: Stranger, api: Api, admin: dict[str, str]) -> None:
    token = caller.data("auth.login", admin)["token"]
    assert api("auth.validate_token", token=token)["valid"] is True
    assert api("auth.validate_token", token="x")["valid"] is False


def test_users_are_not_fixed_unless_configured(caller: Stranger) -> None:
    found = caller.data("auth.fixed_users_mode", {})
    assert found == {"enabled": False, "guest": {"enabled": False}}


def test_anybody_may_ask_how_to_log_in(caller: Stranger) -> None:
    found = caller.data("login.supported_modes", {})
    assert found["authenticated"] is False
    assert found["basic"] == {"enabled": True, "guest": {"enabled": False}}


def test_a_logged_in_page_is_told_so(caller: Stranger, admin: dict[str, str]) -> None:
    assert caller.data("login.supported_modes", admin)["authenticated"] is True


def test_login_logout_ends_the_session(caller: Stranger, admin: dict[str, str]) -> None:
    token = caller.data("auth.login", admin)["token"]
    caller.data("login.logout", {"Cookie": f"clearml_token_basic={token}"})
    assert caller.code("users.get_current_user", bearer(token)) == (401, 30)


def test_an_expired_token_is_refused(caller: Stranger, admin: dict[str, str]) -> None:
    token = caller.data("auth.login", admin, expiration_sec=1)["token"]
    deadline = time.monotonic() + 15
    code = (200, 0)
    while code == (200, 0) and time.monotonic() < deadline:
        code = caller.code("users.get_current_user", bearer(token))
    assert code == (401, 30)
