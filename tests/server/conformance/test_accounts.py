"""Who may call and what they are told: pings, logins, key pairs, users, and acting for others."""

from __future__ import annotations

import uuid
from typing import Any

import jwt
import msgspec
import pytest

from taskyard.api.errors import ApiError
from taskyard.client.http import Connection
from tests.beds.server import Api, Running
from tests.server.asking import Document, refused
from tests.server.making import new_project, new_task, unique
from tests.server.strangers import Stranger, basic, bearer

COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"


@pytest.fixture
def stranger(server: Running) -> Stranger:
    return Stranger(server)


def new_user(api: Api, **fields: Any) -> str:
    id: str = api("auth.create_user", **{"name": unique("user"), **fields})["id"]
    return id


def token_of(api: Api, user: str) -> dict[str, str]:
    return bearer(api("auth.get_token_for_user", user=user)["token"])


# --- pings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_anybody_may_ping(server: Running, method: str) -> None:
    answer = Connection(server.url).request(method, "/debug.ping")
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["data"]["msg"]


def test_a_ping_with_authorization_needs_one(stranger: Stranger) -> None:
    assert stranger.code("debug.ping_auth", {}) == (401, 20)
    assert stranger.data("debug.ping_auth", stranger.admin)["msg"]


def test_an_echo_is_what_was_sent(api: Api) -> None:
    assert api("debug.echo", a=1, b={"c": [None]}) == {"a": 1, "b": {"c": [None]}}


# --- logging in ----------------------------------------------------------------------------


def test_the_token_says_what_clients_read_in_it(stranger: Stranger) -> None:
    token = stranger.data("auth.login", stranger.admin)["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["auth_type"] == "Bearer"
    assert claims["identity"]["company"] == COMPANY
    assert set(claims["identity"]) >= {"user", "company", "role", "user_name", "company_name"}
    for name in ("api_version", "server_version"):
        assert all(part.isdigit() for part in claims[name].split("."))
    assert claims["feature_set"] == "basic"
    assert claims["env"] == ""
    assert isinstance(claims["exp"], int)


@pytest.mark.parametrize(
    "action", ["auth.login", "tasks.get_all", "events.add_batch", "auth.logout"]
)
def test_every_action_asks_who_is_there(stranger: Stranger, action: str) -> None:
    assert stranger.code(action, {}) == (401, 20)
    assert stranger.code(action, {"Authorization": "nonsense"}) == (401, 21)
    assert stranger.code(action, basic("nobody", "knows")) == (401, 22)
    assert stranger.code(action, bearer("a.b.c")) == (401, 30)


def test_a_token_of_another_server_is_refused(stranger: Stranger) -> None:
    token = stranger.data("auth.login", stranger.admin)["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(claims, "another secret of at least thirty-two bytes", algorithm="HS256")
    unsigned = jwt.encode(claims, "", algorithm="none")
    assert stranger.code("debug.ping_auth", bearer(forged)) == (401, 30)
    assert stranger.code("debug.ping_auth", bearer(unsigned)) == (401, 30)


def test_the_page_asks_how_to_log_in(stranger: Stranger) -> None:
    found = stranger.data("login.supported_modes", {})
    assert found["authenticated"] is False
    assert found["basic"] == {"enabled": True, "guest": {"enabled": False}}
    assert (found["sso"], found["sso_providers"]) == ({}, [])
    assert set(found["server_errors"]) == {"missed_es_upgrade", "es_connection_error"}
    assert stranger.data("login.supported_modes", stranger.admin)["authenticated"] is True


def test_the_page_logs_out_with_its_cookie(stranger: Stranger) -> None:
    set_cookie = stranger.send("auth.login", stranger.admin).headers["set-cookie"] or ""
    cookie = {"Cookie": set_cookie.partition(";")[0]}
    assert stranger.code("debug.ping_auth", cookie) == (200, 0)
    answer = stranger.send("login.logout", cookie)
    assert "Max-Age=0" in (answer.headers["set-cookie"] or "")
    assert stranger.code("debug.ping_auth", cookie) == (401, 30)


def test_users_come_from_a_file_or_they_do_not(stranger: Stranger) -> None:
    assert stranger.data("auth.fixed_users_mode", {}) == {
        "enabled": False,
        "guest": {"enabled": False},
    }


# --- key pairs -----------------------------------------------------------------------------


def test_key_pairs_live_from_making_to_revoking(api: Api, stranger: Stranger) -> None:
    user = token_of(api, new_user(api))
    empty = stranger.data("auth.get_credentials", user)
    assert empty == {"credentials": [], "additional_credentials": {}}
    made = stranger.data("auth.create_credentials", user, label="one")["credentials"]
    assert set(made) == {"access_key", "secret_key", "label"}
    (found,) = stranger.data("auth.get_credentials", user)["credentials"]
    assert (found["access_key"], found["label"]) == (made["access_key"], "one")
    assert not found.get("secret_key")
    key = {"access_key": made["access_key"]}
    assert stranger.data("auth.edit_credentials", user, **key, label="two") == {"updated": 1}
    (found,) = stranger.data("auth.get_credentials", user)["credentials"]
    assert found["label"] == "two"
    assert stranger.data("auth.revoke_credentials", user, **key) == {"revoked": 1}
    assert stranger.data("auth.get_credentials", user)["credentials"] == []


def test_keys_are_asked_for_by_name(api: Api) -> None:
    refused((400, 11), api, "auth.revoke_credentials")
    refused((400, 11), api, "auth.edit_credentials", label="x")


# --- acting for others ---------------------------------------------------------------------


def test_what_is_made_for_another_is_theirs(api: Api, stranger: Stranger) -> None:
    user = new_user(api)
    acting = {**stranger.admin, "X-ClearML-Impersonate-As": user}
    made = stranger.data("tasks.create", acting, name="their task", type="testing")["id"]
    assert api("tasks.get_by_id", task=made)["task"]["user"] == user
    assert [t["id"] for t in api("tasks.get_all", user=[user])["tasks"]] == [made]


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"X-ClearML-Impersonate-As": "nobody"}, (400, 6)),
        ({"X-Trains-Impersonate-As": "nobody"}, (400, 6)),
        ({"X-ClearML-Impersonate-As": "a", "X-ClearML-Act-As": "b"}, (400, 5)),
    ],
)
def test_headers_of_impersonation_must_make_sense(
    stranger: Stranger, headers: dict[str, str], kind: tuple[int, int]
) -> None:
    assert stranger.code("debug.ping_auth", {**stranger.admin, **headers}) == kind


def test_common_users_act_for_nobody_but_themselves(api: Api, stranger: Stranger) -> None:
    user, other = new_user(api), new_user(api)
    headers = {**token_of(api, user), "X-ClearML-Impersonate-As": other}
    assert stranger.code("debug.ping_auth", headers) == (400, 6)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("auth.create_user", {"name": "x"}),
        ("auth.edit_user", {"user": "x"}),
        ("auth.delete_user", {"user": "x"}),
        ("auth.get_token_for_user", {"user": "x"}),
        ("auth.validate_user", {"email": "x"}),
        ("users.create", {"id": "x", "name": "x"}),
        ("users.delete", {"user": "x"}),
        ("server.config", {}),
        ("server.endpoints", {}),
        ("server.get_stats", {}),
    ],
)
def test_some_actions_are_for_administrators(
    api: Api, stranger: Stranger, action: str, body: Document
) -> None:
    assert stranger.code(action, token_of(api, new_user(api)), **body) == (403, 20)


# --- users ---------------------------------------------------------------------------------


def test_a_user_is_made_changed_and_deleted(api: Api) -> None:
    id = uuid.uuid4().hex
    made = {"name": unique("Ada"), "given_name": "Ada", "family_name": "L", "avatar": "a"}
    assert api("users.create", id=id, company=COMPANY, **made) == {}
    found = api("users.get_by_id", user=id)["user"]
    assert {name: found[name] for name in made} == made
    assert found["id"] == id
    changed = {"name": unique("Grace"), "avatar": "b"}
    assert api("users.update", user=id, **changed) == {"updated": 1, "fields": changed}
    found = api("users.get_by_id", user=id)["user"]
    assert (found["name"], found["given_name"]) == (changed["name"], "Ada")
    assert api("users.delete", user=id)["deleted"] == 1
    refused((400, 301), api, "users.get_by_id", user=id)


@pytest.mark.parametrize("action", ["users.get_by_id", "users.update", "users.delete"])
def test_a_user_who_is_not_there_is_named(api: Api, action: str) -> None:
    refused((400, 301), api, action, user="nobody")
    refused((400, 11), api, action)


def test_an_id_is_given_once(api: Api) -> None:
    user = new_user(api)
    refused((400, 302), api, "users.create", id=user, name="x", company=COMPANY)


def test_a_user_is_made_with_id_and_name(api: Api) -> None:
    refused((400, 11), api, "users.create", name="x")
    refused((400, 11), api, "users.create", id=uuid.uuid4().hex)


@pytest.mark.parametrize("action", ["users.get_all", "users.get_all_ex"])
def test_users_are_found_ordered_and_projected(api: Api, action: str) -> None:
    word = uuid.uuid4().hex[:8]
    users = [new_user(api, name=f"{word} {letter}") for letter in "bca"]

    def find(**query: Any) -> list[Document]:
        found: list[Document] = api(action, **query)["users"]
        return found

    assert {user["id"] for user in find(name=word)} == set(users)
    assert [user["name"][-1] for user in find(name=word, order_by="name")] == ["a", "b", "c"]
    assert [user["name"][-1] for user in find(id=users, order_by=["-name"])] == ["c", "b", "a"]
    page = find(name=word, order_by="name", page=1, page_size=2)
    assert [user["name"][-1] for user in page] == ["c"]
    assert {frozenset(user) for user in find(id=users, only_fields=["name"])} == {
        frozenset({"id", "name"})
    }
    assert find(id=["nobody"]) == []


def test_users_who_work_in_a_project_are_found(api: Api, stranger: Stranger) -> None:
    project, user, idle = new_project(api), new_user(api), new_user(api)
    acting = {**stranger.admin, "X-ClearML-Impersonate-As": user}
    stranger.data("tasks.create", acting, name="work", type="testing", project=project)
    found = api("users.get_all_ex", active_in_projects=[project])["users"]
    assert [one["id"] for one in found] == [user]
    everywhere = {one["id"] for one in api("users.get_all_ex", active_in_projects=[])["users"]}
    assert user in everywhere
    assert idle not in everywhere


def test_the_current_user_is_told_about_themselves(api: Api, stranger: Stranger) -> None:
    user = new_user(api, name="Me Myself", role="guest")
    found = stranger.data("users.get_current_user", token_of(api, user))
    assert found["user"]["id"] == user
    assert found["user"]["name"] == "Me Myself"
    assert found["user"]["role"] == "guest"
    assert found["user"]["company"]["id"] == COMPANY
    assert {"getting_started", "settings"} <= set(found)


def test_the_role_of_a_user_is_changed(api: Api) -> None:
    user = new_user(api)
    assert api("auth.edit_user", user=user, role="admin")["updated"] == 1
    assert api("auth.edit_user", user=user, role="admin")["updated"] == 0
    refused((400, 12), api, "auth.edit_user", user=user, role="emperor")


def test_an_address_is_known_or_not(api: Api) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    assert api("auth.validate_user", email=email)["valid"] is False
    user = new_user(api, email=email)
    assert api("auth.validate_user", email=email) == {"valid": True, "user": user}


def test_preferences_grow_by_dotted_paths(api: Api, stranger: Stranger) -> None:
    me = token_of(api, new_user(api))

    def change(**preferences: Any) -> Any:
        answer = stranger.data("users.set_preferences", me, preferences=preferences)
        assert answer["updated"] == 1
        return stranger.data("users.get_preferences", me)["preferences"]

    assert stranger.data("users.get_preferences", me) == {"preferences": {}}
    assert change(key="value") == {"key": "value"}
    assert change(**{"a.b.c": 1, "a.b.d": [0]}) == {"key": "value", "a": {"b": {"c": 1, "d": [0]}}}
    assert change(**{"a.b.c": {"x": False}}) == {
        "key": "value",
        "a": {"b": {"c": {"x": False}, "d": [0]}},
    }
    assert change(**{"a.b": None}) == {"key": "value", "a": {}}
    assert change(a=0, key="") == {"key": "", "a": 0}


@pytest.mark.parametrize("preferences", [{}, {"": 1}, {"a..b": 1}, {".a": 1}, {"a": 1, "a.b": 2}])
def test_preferences_that_make_no_sense_are_refused(api: Api, preferences: Document) -> None:
    refused((400, 305), api, "users.set_preferences", preferences=preferences)


def test_preferences_are_nobody_elses(api: Api, stranger: Stranger) -> None:
    one, other = (token_of(api, new_user(api)) for _ in range(2))
    stranger.data("users.set_preferences", one, preferences={"a": 1})
    assert stranger.data("users.get_preferences", other) == {"preferences": {}}


# --- the server and the company ------------------------------------------------------------


def test_the_server_says_what_it_is(api: Api) -> None:
    found = api("server.info")
    assert set(found) >= {"version", "build", "commit", "api_version", "uid"}
    assert all(part.isdigit() for part in found["version"].split("."))


def test_a_setting_is_shown_by_its_path(api: Api) -> None:
    whole = api("server.config")
    assert api("server.config", path="port") == {"port": whole["port"]}
    refused((400, 16), api, "server.config", path="no.such.setting")


def test_actions_are_listed(api: Api) -> None:
    names = {one["name"] for one in api("server.endpoints")["endpoints"]}
    assert {"tasks.get_all", "queues.get_next_task", "debug.ping"} <= names


def test_usage_is_reported_to_nobody(api: Api) -> None:
    for body in ({}, {"enabled": True}):
        found = api("server.report_stats_option", **body)
        assert (found["supported"], found["enabled"]) == (False, False)
        assert found["current_version"]


def test_tags_of_tasks_and_models_are_listed_together(api: Api) -> None:
    one, two, system = (uuid.uuid4().hex for _ in range(3))
    new_task(api, tags=[one], system_tags=[system])
    api("models.create", name="model", uri="file:///m", tags=[two])
    found = api("organization.get_tags")
    assert {one, two} <= set(found["tags"])
    assert found["tags"] == sorted(found["tags"])
    assert "system_tags" not in found
    assert system in api("organization.get_tags", include_system=True)["system_tags"]
    some = api("organization.get_tags", filter={"system_tags": [system]}, include_system=True)
    assert some == {"tags": [one], "system_tags": [system]}
    none = api("organization.get_tags", filter={"tags": [], "system_tags": [uuid.uuid4().hex]})
    assert none["tags"] == []


def test_a_tag_nobody_carries_any_more_is_not_listed(api: Api) -> None:
    tag = uuid.uuid4().hex
    task = new_task(api, tags=[tag])
    api("tasks.edit", task=task, tags=[])
    assert tag not in api("organization.get_tags")["tags"]


def test_the_caller_belongs_to_one_company(api: Api) -> None:
    (company,) = api("organization.get_user_companies")["companies"]
    assert company["id"] == COMPANY
    assert company["name"]


def test_there_are_no_vaults(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("users.get_vaults", enabled=True, types=["config"])
    assert caught.value.code == 404
