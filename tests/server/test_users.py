"""Users and their preferences."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


def refused(api: Api, name: str, /, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        api(name, **body)
    return caught.value.kind


def new(api: Api, **fields: Any) -> str:
    id = uuid.uuid4().hex
    api("users.create", id=id, **{"name": f"user {id[:8]}", **fields})
    return id


def as_new_user(api: Api) -> Api:
    user = api("auth.create_user", name=f"user {uuid.uuid4().hex[:8]}")["id"]
    token = api("auth.get_token_for_user", user=user)["token"]
    made = api.http.request(
        "POST", "/auth.create_credentials", b"{}", {"Authorization": f"Bearer {token}"}
    )
    keys = msgspec.json.decode(made.body)["data"]["credentials"]
    return api.as_user(keys["access_key"], keys["secret_key"])


def test_the_current_user_comes_with_the_company(api: Api) -> None:
    found = api("users.get_current_user")
    assert found["user"]["company"] == {
        "id": "d1bd92a3b039400cbafc60a7a5b1e52b",
        "name": "taskyard",
    }


def test_the_current_user_answer_has_what_pages_read(api: Api) -> None:
    found = api("users.get_current_user")
    assert set(found) == {"user", "getting_started", "settings"}
    assert isinstance(found["settings"]["max_download_items"], int)


def test_no_answer_holds_a_password(api: Api) -> None:
    name = uuid.uuid4().hex
    user = api("auth.create_user", name="Ada", username=name, password="correct horse")["id"]
    found = api("users.get_by_id", user=user)["user"]
    assert "scrypt" not in str(found)


def test_a_user_is_found_by_id(api: Api) -> None:
    id = new(api, name="Grace", given_name="Grace", family_name="Hopper")
    found = api("users.get_by_id", user=id)["user"]
    assert (found["name"], found["family_name"], found["role"]) == ("Grace", "Hopper", "user")


def test_an_unknown_user_is_said_so(api: Api) -> None:
    assert refused(api, "users.get_by_id", user="nobody") == (400, 301)


def test_users_are_listed(api: Api) -> None:
    id = new(api)
    assert id in [u["id"] for u in api("users.get_all")["users"]]


def test_users_are_filtered_by_name(api: Api) -> None:
    id = new(api, name=f"zeta-{uuid.uuid4().hex}")
    name = api("users.get_by_id", user=id)["user"]["name"]
    assert [u["id"] for u in api("users.get_all_ex", name=f"^{name}$")["users"]] == [id]


def test_users_are_projected(api: Api) -> None:
    id = new(api)
    assert api("users.get_all", id=[id], only_fields=["id", "name"])["users"] == [
        {"id": id, "name": f"user {id[:8]}"}
    ]


def test_nobody_reads_the_preferences_of_others(api: Api) -> None:
    me = api("users.get_current_user")["user"]["id"]
    api("users.set_preferences", preferences={"secret": "x"})
    found = api("users.get_all", id=[me], only_fields=["preferences"])["users"]
    assert found == [{"id": me}]


def test_users_active_in_a_project_are_found(api: Api) -> None:
    new(api)
    me = api("users.get_current_user")["user"]["id"]
    project = api("projects.create", name=f"p {uuid.uuid4().hex}")["id"]
    api("tasks.create", name="task", type="training", project=project)
    found = api("users.get_all_ex", active_in_projects=[project])["users"]
    assert [u["id"] for u in found] == [me]


def test_an_id_is_given_once(api: Api) -> None:
    id = new(api)
    assert refused(api, "users.create", id=id, name="again") == (400, 302)


def test_people_change_their_own_name(api: Api) -> None:
    user = as_new_user(api)
    me = user("users.get_current_user")["user"]["id"]
    answer = user("users.update", user=me, name="New Name", avatar="a.png")
    assert answer == {"updated": 1, "fields": {"name": "New Name", "avatar": "a.png"}}
    assert user("users.get_current_user")["user"]["name"] == "New Name"


def test_people_do_not_change_others(api: Api) -> None:
    assert refused(as_new_user(api), "users.update", user=new(api), name="x") == (403, 20)


def test_administrators_change_others(api: Api) -> None:
    assert api("users.update", user=new(api), given_name="G")["updated"] == 1


def test_changing_an_unknown_user_is_refused(api: Api) -> None:
    assert refused(api, "users.update", user="nobody", name="x") == (400, 301)


def test_a_user_is_deleted(api: Api) -> None:
    id = new(api)
    assert api("users.delete", user=id) == {"deleted": 1}
    assert refused(api, "users.get_by_id", user=id) == (400, 301)


def test_preferences_are_empty_at_first(api: Api) -> None:
    assert as_new_user(api)("users.get_preferences") == {"preferences": {}}


def test_preferences_are_set_by_dotted_keys(api: Api) -> None:
    user = as_new_user(api)
    user("users.set_preferences", preferences={"table": {"size": 10, "dense": True}})
    user("users.set_preferences", preferences={"table.size": 50})
    assert user("users.get_preferences")["preferences"] == {"table": {"size": 50, "dense": True}}


@pytest.mark.parametrize("preferences", [{}, {"a..b": 1}, {"a": 1, "a.b": 2}])
def test_malformed_preferences_are_refused(api: Api, preferences: dict[str, Any]) -> None:
    assert refused(api, "users.set_preferences", preferences=preferences) == (400, 305)


def test_there_are_no_vaults(api: Api) -> None:
    assert refused(api, "users.get_vaults") == (404, 0)
