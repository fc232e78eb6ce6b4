"""Tags, counts and downloads across the company."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api


def word() -> str:
    return uuid.uuid4().hex[:12]


def new_task(api: Api, **fields: Any) -> str:
    return str(api("tasks.create", **{"name": "task", "type": "training", **fields})["id"])


def download(api: Api, **query: Any) -> list[list[str]]:
    id = api("organization.prepare_download_for_get_all", **query)["prepare_id"]
    answer = api.send("GET", f"/organization.download_for_get_all?prepare_id={id}")
    assert answer.status == 200
    return list(csv.reader(io.StringIO(answer.body.decode())))


def test_tags_of_tasks_are_listed_once_and_sorted(api: Api) -> None:
    first, second = sorted([word(), word()])
    new_task(api, tags=[second, first])
    new_task(api, tags=[first])
    found = api("organization.get_tags")
    assert [t for t in found["tags"] if t in {first, second}] == [first, second]
    assert "system_tags" not in found


def test_system_tags_are_listed_when_asked(api: Api) -> None:
    tag = word()
    new_task(api, system_tags=[tag])
    assert tag in api("organization.get_tags", include_system=True)["system_tags"]


def test_tags_are_those_of_what_the_filter_lets_through(api: Api) -> None:
    mine, other, system = word(), word(), word()
    new_task(api, tags=[mine], system_tags=[system])
    new_task(api, tags=[other])
    found = api("organization.get_tags", filter={"system_tags": [system]})
    assert found["tags"] == [mine]


def test_the_company_of_the_caller_is_listed(api: Api) -> None:
    found = api("organization.get_user_companies")["companies"]
    assert [c["id"] for c in found] == ["d1bd92a3b039400cbafc60a7a5b1e52b"]


def test_only_what_is_asked_for_is_counted(api: Api) -> None:
    tag = word()
    for _ in range(3):
        new_task(api, tags=[tag])
    assert api("organization.get_entities_count", tasks={"tags": [tag]}) == {"tasks": 3}


def test_each_kind_is_counted_by_its_own_query(api: Api) -> None:
    tag = word()
    new_task(api, tags=[tag])
    query = {"tags": [tag]}
    found = api("organization.get_entities_count", tasks=query, models=query, projects=query)
    assert found == {"tasks": 1, "models": 0, "projects": 0}


def test_hidden_things_are_counted_when_asked(api: Api) -> None:
    tag = word()
    new_task(api, tags=[tag], system_tags=["hidden"])
    count = "organization.get_entities_count"
    assert api(count, tasks={"tags": [tag]}) == {"tasks": 0}
    assert api(count, tasks={"tags": [tag]}, search_hidden=True) == {"tasks": 1}


def test_only_what_active_users_made_is_counted(api: Api) -> None:
    tag = word()
    new_task(api, tags=[tag])
    me = api("users.get_current_user")["user"]["id"]
    count = "organization.get_entities_count"
    assert api(count, tasks={"tags": [tag]}, active_users=[me]) == {"tasks": 1}
    assert api(count, tasks={"tags": [tag]}, active_users=[word()]) == {"tasks": 0}


def test_a_query_is_downloaded_as_a_table(api: Api) -> None:
    tag = word()
    id = new_task(api, name="first, of all", tags=[tag])
    rows = download(api, entity_type="task", tags=[tag], only_fields=["id", "name", "status"])
    assert rows == [["id", "name", "status"], [id, "first, of all", "created"]]


def test_columns_have_the_names_and_words_that_were_asked_for(api: Api) -> None:
    tag = word()
    new_task(api, tags=[tag])
    words = [{"key": "created", "value": "Draft"}]
    mapping = [{"field": "status", "name": "STATUS", "values": words}]
    rows = download(
        api, entity_type="task", tags=[tag], only_fields=["status"], field_mappings=mapping
    )
    assert rows == [["STATUS"], ["Draft"]]


def test_references_are_downloaded_by_name(api: Api) -> None:
    tag = word()
    new_task(api, tags=[tag])
    name = api("users.get_current_user")["user"]["name"]
    rows = download(api, entity_type="task", tags=[tag], only_fields=["user.name"])
    assert rows == [["user.name"], [name]]


def test_every_page_of_a_long_list_is_downloaded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskyard.server.services.organization.ROWS", 2)
    tag = word()
    ids = {new_task(api, tags=[tag]) for _ in range(5)}
    rows = download(api, entity_type="task", tags=[tag], only_fields=["id"])
    assert {row[0] for row in rows[1:]} == ids


def test_an_unknown_preparation_is_refused(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("organization.download_for_get_all", prepare_id="none")
    assert caught.value.kind == (400, 10)


def test_a_bad_query_is_refused_when_it_is_prepared(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("organization.prepare_download_for_get_all", entity_type="task", name="(")
    assert caught.value.kind == (400, 21)
