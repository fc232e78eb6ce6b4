"""What the server says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


def test_the_version_is_dotted_integers(api: Api) -> None:
    found = api("server.info")
    assert tuple(map(int, found["version"].split("."))) >= (2, 0, 0)


def test_the_installation_keeps_its_id(api: Api) -> None:
    assert api("server.info")["uid"] == api("server.info")["uid"]


def test_the_settings_are_shown_without_secrets(api: Api) -> None:
    found = api("server.config")
    assert "token_lifetime" in found
    assert not {"database_url", "users"} & set(found)
    assert not [name for name in found if "secret" in name or "password" in name or "key" in name]


def test_one_setting_is_shown(api: Api) -> None:
    assert api("server.config", path="token_lifetime") == {"token_lifetime": 2592000}


def test_an_unknown_setting_is_said_so(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("server.config", path="users")
    assert caught.value.kind == (400, 16)


def test_every_action_is_listed_with_its_version(api: Api) -> None:
    found: list[dict[str, Any]] = api("server.endpoints")["endpoints"]
    login = next(e for e in found if e["name"] == "auth.login")
    assert login["min_version"] == "1.0"
    assert [e["name"] for e in found] == sorted(e["name"] for e in found)


def test_statistics_count_what_there_is(api: Api) -> None:
    before = api("server.get_stats")["users"]
    api("auth.create_user", name="one more")
    assert api("server.get_stats")["users"] == before + 1


def test_usage_is_never_reported(api: Api) -> None:
    found = api("server.report_stats_option", enabled=True)
    assert (found["supported"], found["enabled"]) == (False, False)
