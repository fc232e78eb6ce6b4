"""A request to make a task that is sent again, as its answer got lost, makes no second one."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from taskyard.client.session import Session
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.beds.wire import wire
from tests.server.asking import refused, task_of
from tests.server.making import new_task, unique


@pytest.fixture
def key() -> str:
    return os.urandom(16).hex()


@pytest.fixture(params=["tasks.create", "tasks.clone"])
def request_of(request: pytest.FixtureRequest, api: Api) -> tuple[str, dict[str, Any]]:
    name = unique("made once")
    if request.param == "tasks.create":
        return "tasks.create", {"name": name, "type": "testing"}
    return "tasks.clone", {"task": new_task(api), "new_task_name": name}


def named(api: Api, request_of: tuple[str, dict[str, Any]]) -> list[str]:
    _, body = request_of
    name = body.get("new_task_name") or body["name"]
    return [task["id"] for task in api("tasks.get_all", name=f"^{name}$")["tasks"]]


def test_a_key_makes_one_task(api: Api, key: str, request_of: tuple[str, dict[str, Any]]) -> None:
    action, body = request_of
    assert [api(action, **body, key=key)["id"] for _ in range(2)] == [key, key]
    assert named(api, request_of) == [key]


def test_a_key_makes_one_task_for_all_who_ask_at_once(
    server: Running, api: Api, key: str, request_of: tuple[str, dict[str, Any]]
) -> None:
    action, body = request_of
    gate = threading.Barrier(4)

    def ask(_: int) -> str:
        caller = Api(server)
        gate.wait(30)
        return str(caller(action, **body, key=key)["id"])

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(4))) == {key}
    assert named(api, request_of) == [key]


def test_what_a_task_has_become_is_left_alone(api: Api, key: str) -> None:
    body = {"name": unique("task"), "type": "testing", "key": key}
    api("tasks.create", **body)
    api("tasks.update", task=key, comment="mine")
    api("tasks.create", **body)
    assert task_of(api, key)["comment"] == "mine"


def test_anothers_task_is_not_given_for_ones_own(api: Api, key: str) -> None:
    api("tasks.create", name="of the first", type="testing", key=key)
    user = api("auth.create_user", name=unique("user"), role="user")["id"]
    acting = {"X-ClearML-Impersonate-As": user}
    body = {"name": "of another", "type": "testing", "key": key}
    answer = api.send("POST", "/tasks.create", msgspec.json.encode(body), acting)
    meta = msgspec.json.decode(answer.body)["meta"]
    assert (meta["result_code"], meta["result_subcode"]) == (400, 801)


@pytest.mark.parametrize("key", ["short", "G" * 32, "a" * 33])
def test_a_key_is_32_hexadecimal_digits(api: Api, key: str) -> None:
    refused((400, 12), api, "tasks.create", name="a task", type="testing", key=key)


def test_our_client_makes_one_task_where_the_answer_gets_lost(
    server: Running, api: Api, request_of: tuple[str, dict[str, Any]]
) -> None:
    action, body = request_of
    with wire(int(server.url.rpartition(":")[2])) as way, ThreadPoolExecutor(1) as pool:
        way.loses_answers = True
        session = Session(way.url, server.access_key, server.secret_key)
        made = pool.submit(session.make_task, action, body)
        until(lambda: named(api, request_of), "the task")
        way.mend()
        assert named(api, request_of) == [made.result(60)]
