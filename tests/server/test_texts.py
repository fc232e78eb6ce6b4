"""Tasks are found by any piece of their text, whether the index knows of it already or not."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from taskyard.server.jobs import indexing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import texts
from tests.beds.server import Api, Running


def word() -> str:
    """A word that is in no other test's tasks."""
    return f"w{uuid.uuid4().hex[:10]}"


def create(api: Api, name: str, **fields: Any) -> str:
    found: str = api("tasks.create", name=name, type="training", **fields)["id"]
    return found


def index(server: Running) -> None:
    server.await_(indexing.run(server.server))


def found(api: Api, **query: Any) -> list[str]:
    return [task["id"] for task in api("tasks.get_all_ex", only_fields=["id"], **query)["tasks"]]


def candidates(server: Running, piece: str) -> int:
    """How many texts of the index hold a piece."""

    def count(tx: Tx) -> int:
        return len(texts._with_text(tx, [(piece,)]) or ())

    number: int = server.await_(server.server.control.read(count))
    return number


@pytest.fixture(params=["not indexed", "indexed"])
def settle(request: pytest.FixtureRequest, server: Running) -> Any:
    """Has the index know all, or leaves it as it is."""
    return (lambda: index(server)) if request.param == "indexed" else (lambda: None)


def test_a_task_is_found_by_its_name(api: Api, settle: Any) -> None:
    one = word()
    task = create(api, f"train {one}")
    create(api, word())
    settle()

    assert found(api, name=one) == [task]


def test_a_task_is_found_by_a_search(api: Api, settle: Any) -> None:
    one = word()
    task = create(api, word(), comment=f"about {one.upper()}")
    settle()

    assert found(api, search_text=one) == [task]


def test_a_task_is_found_by_its_tag(api: Api, settle: Any) -> None:
    one = word()
    task = create(api, word(), tags=[one])
    create(api, one)
    settle()

    assert found(api, tags=[one]) == [task]


def test_a_task_is_found_by_a_parameter(api: Api, settle: Any) -> None:
    one = word()
    parameter = {"section": "Args", "name": "data", "value": one}
    task = create(api, word(), hyperparams={"Args": {"data": parameter}})
    settle()

    assert found(api, **{"hyperparams.Args.data.value": [one]}) == [task]


def test_a_piece_with_signs_is_taken_as_it_stands(api: Api, settle: Any) -> None:
    one = word()
    task = create(api, f'100%_\\ {one} "q" *')
    settle()

    assert found(api, search_text=f'"100%_\\ {one}"') == [task]
    assert found(api, name=f'{one} "q"') == [task]


def test_a_task_of_a_new_name_is_not_found_by_the_old(
    server: Running, api: Api, settle: Any
) -> None:
    old, new = word(), word()
    task = create(api, old)
    index(server)
    api("tasks.update", task=task, name=new)
    settle()

    assert found(api, name=old) == []
    assert found(api, name=new) == [task]


def test_a_changed_parameter_is_found(server: Running, api: Api, settle: Any) -> None:
    one = word()
    task = create(api, word())
    index(server)
    api(
        "tasks.edit_hyper_params",
        task=task,
        hyperparams=[{"section": "Args", "name": "data", "value": one}],
    )
    settle()

    assert found(api, **{"hyperparams.Args.data.value": [one]}) == [task]


def test_the_text_of_a_deleted_task_is_forgotten(server: Running, api: Api) -> None:
    one = word()
    task = create(api, one)
    index(server)
    assert candidates(server, one) == 1

    api("tasks.delete", task=task, force=True)
    index(server)

    assert candidates(server, one) == 0


def test_where_there_are_too_many_candidates_tasks_are_found_without_them(
    server: Running, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = word()
    tasks = [create(api, f"{one} {i}") for i in range(3)]
    index(server)
    monkeypatch.setattr(texts, "MOST", 1)

    assert found(api, name=one) == tasks


def test_many_candidates_are_found_in_the_query_s_order(
    server: Running, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = word()
    tasks = [create(api, f"{one} {i}") for i in range(3)]
    index(server)
    monkeypatch.setattr(texts, "FEW", 1)

    assert found(api, name=one, order_by=["-created"]) == tasks[::-1]


def test_an_index_that_is_missing_is_made_anew(server: Running, api: Api) -> None:
    one = word()
    task = create(api, one)
    index(server)

    def lose(tx: Tx) -> None:
        if tx.dialect == "sqlite":
            tx.execute(text("DROP TABLE task_words"))
        texts.metadata.drop_all(tx.connection)
        texts.prepare(tx)

    server.await_(server.server.control.write(lose))
    assert found(api, name=one) == [task]
    index(server)
    assert candidates(server, one) == 1
