"""Tasks come in the order of a metric or a parameter, whether values are kept in order or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select

from taskyard.server.domain.last_metrics import key
from taskyard.server.jobs import indexing
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import finding, value_orders
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.server.asking import found_names
from tests.server.making import new_project, new_task

LOSS = f"last_metrics.{key('loss')}.{key('val')}.value"
LR = "hyperparams.Args.lr.value"


def report(api: Api, task: str, value: float, metric: str = "loss") -> None:
    event = {"type": "training_stats_scalar", "metric": metric, "variant": "val", "iter": 1}
    api.batch("events.add_batch", [{**event, "task": task, "value": value}])


def put_in_order(server: Running) -> None:
    """Have it done by the job, which the server itself may be at as well."""
    control = server.server.control

    def is_done() -> bool:
        server.await_(indexing.run(server.server))
        return server.await_(control.read(value_orders.outdated)) is None

    until(is_done, "all values are in order")


def parameter(value: str) -> dict[str, Any]:
    return {"Args": {"lr": {"section": "Args", "name": "lr", "value": value}}}


@pytest.fixture
def project(server: Running, api: Api, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project that is one of many tasks, in a server that keeps no order yet."""
    monkeypatch.setattr(finding, "MANY", 0)
    monkeypatch.setattr(value_orders, "MANY", 0)
    for name in value_orders.UNSEEN:
        monkeypatch.setitem(value_orders.UNSEEN, name, 0)

    def forget(tx: Tx) -> None:
        tx.execute(delete(value_orders.task_values))
        tx.execute(delete(value_orders.ordered_fields))

    server.await_(server.server.control.write(forget))
    return new_project(api)


@pytest.fixture(params=["read from tasks", "kept in order", "changed since"])
def settle(
    request: pytest.FixtureRequest, server: Running, api: Api, project: str
) -> Callable[[], None]:
    """Has the server keep the orders of the tests, up to date or of the time before."""

    def ask() -> None:
        for field in (LOSS, LR):
            api("tasks.get_all", order_by=[field], page_size=1)

    if request.param == "read from tasks":
        return lambda: None
    if request.param == "changed since":
        ask()
        put_in_order(server)
        return lambda: None

    def keep() -> None:
        ask()
        put_in_order(server)

    return keep


@pytest.fixture
def runs(api: Api, project: str, settle: Callable[[], None]) -> list[str]:
    values = {"low": 0.25, "none": None, "high": 12.0, "mid": 3.0, "negative": -1.0}
    made = []
    for name, value in values.items():
        tags = ["odd"] if name in ("low", "mid", "none") else []
        task = new_task(api, name=name, project=project, tags=tags)
        if value is not None:
            report(api, task, value)
        made.append(task)
    settle()
    return made


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (LOSS, ["negative", "low", "mid", "high", "none"]),
        (f"-{LOSS}", ["high", "mid", "low", "negative", "none"]),
    ],
)
def test_metrics_are_ordered_and_what_has_none_comes_last(
    api: Api, project: str, runs: list[str], order: str, found: list[str]
) -> None:
    assert found_names(api, project, order_by=[order]) == found


def test_conditions_hold_along_an_order(api: Api, project: str, runs: list[str]) -> None:
    assert found_names(api, project, order_by=[LOSS], tags=["odd"]) == ["low", "mid", "none"]
    assert found_names(api, project, order_by=[f"-{LOSS}"], tags=["-odd"]) == ["high", "negative"]


def test_pages_along_an_order_are_complete(api: Api, project: str, runs: list[str]) -> None:
    pages = [
        found_names(api, project, order_by=[LOSS], page=page, page_size=2) for page in range(4)
    ]
    assert pages == [["negative", "low"], ["mid", "high"], ["none"], []]


def test_parameters_are_ordered_numbers_before_words(
    api: Api, project: str, settle: Callable[[], None]
) -> None:
    for name, value in {"b": "10", "a": "9", "words": "auto", "empty": "", "tiny": "1e-3"}.items():
        new_task(api, name=f"lr {name}", project=project, hyperparams=parameter(value))
    settle()
    rising = ["lr tiny", "lr a", "lr b", "lr words", "lr empty"]
    assert found_names(api, project, order_by=[LR]) == rising
    assert found_names(api, project, order_by=[f"-{LR}"]) == [*rising[3::-1], "lr empty"]


def test_equal_values_are_ordered_by_id(api: Api, project: str, settle: Callable[[], None]) -> None:
    made = sorted(new_task(api, project=project) for _ in range(4))
    for task in made:
        report(api, task, 1.0)
    settle()
    for order in (LOSS, f"-{LOSS}"):
        found = api("tasks.get_all", project=[project], order_by=[order])["tasks"]
        assert [task["id"] for task in found] == made


def test_what_changes_after_an_order_was_kept_moves_in_it(
    api: Api, project: str, runs: list[str]
) -> None:
    low, none, high, *_ = runs
    report(api, none, 100.0)
    report(api, low, 50.0)
    api("tasks.delete", task=high, force=True)
    assert found_names(api, project, order_by=[f"-{LOSS}"]) == ["none", "low", "mid", "negative"]
    api("tasks.reset", task=none, force=True)
    assert found_names(api, project, order_by=[f"-{LOSS}"]) == ["low", "mid", "negative", "none"]


def test_changes_are_put_in_order_when_they_are_many(
    server: Running, api: Api, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [new_task(api, name=f"run {n}", project=project) for n in range(5)]
    api("tasks.get_all", order_by=[LOSS], page_size=1)
    put_in_order(server)
    for number, task in enumerate(made):
        report(api, task, -float(number))
    monkeypatch.setattr(value_orders, "RECENT", 1)
    monkeypatch.setattr(indexing, "ORDERED_AT_ONCE", 2)
    put_in_order(server)

    def values(tx: Tx) -> dict[str, float]:
        kept = value_orders.task_values.c
        rows = tx.execute(select(kept.task, kept.number).where(kept.task.in_(made)))
        return {row.task: row.number for row in rows}

    kept = server.await_(server.server.control.read(values))
    assert kept == {task: -float(number) for number, task in enumerate(made)}


def test_the_order_that_was_asked_for_longest_ago_is_dropped(
    server: Running, api: Api, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_orders, "FIELDS", 2)
    monkeypatch.setattr(indexing, "ORDERED_AT_ONCE", 2)
    for value in range(5):
        report(api, new_task(api, project=project), value, metric="one")
    for metric in ("one", "two", "three"):
        field = f"last_metrics.{key(metric)}.{key('val')}.value"
        api("tasks.get_all", order_by=[field], page_size=1)
        put_in_order(server)

    def kept(tx: Tx) -> tuple[list[str], int]:
        fields = value_orders.ordered_fields.c
        named = tx.execute(select(fields.field).order_by(fields.id)).scalars()
        values = select(value_orders.task_values.c.task)
        return [name.split("\n")[1] for name in named], len(tx.execute(values).all())

    assert server.await_(server.server.control.read(kept)) == ([key("two"), key("three")], 0)


def test_few_tasks_need_no_order_kept(
    server: Running, api: Api, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_orders, "MANY", 2**31)
    api("tasks.get_all", order_by=[LOSS], page_size=1)
    query = select(value_orders.ordered_fields.c.id)
    assert server.await_(server.server.control.read(lambda tx: tx.execute(query).first())) is None
