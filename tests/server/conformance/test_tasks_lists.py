"""What lists of tasks show: their order, their pages and what of each task."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, found_names, ids, refused
from tests.server.making import new_model, new_queue, new_task, some

# --- order ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("name", ["aaa", "bbb", "ccc"]),
        ("-name", ["ccc", "bbb", "aaa"]),
        (["type", "-name"], ["ccc", "aaa", "bbb"]),
        ("comment", ["ccc", "aaa", "bbb"]),
        ("-comment", ["aaa", "ccc", "bbb"]),
        ("created", ["bbb", "aaa", "ccc"]),
        ("-created", ["ccc", "aaa", "bbb"]),
        ("script.entry_point", ["bbb", "aaa", "ccc"]),
        ("-script.entry_point", ["aaa", "bbb", "ccc"]),
        ("hyperparams.Args.n.value", ["ccc", "aaa", "bbb"]),
        ("-hyperparams.Args.n.value", ["aaa", "ccc", "bbb"]),
    ],
)
def test_order(api: Api, home: str, order: Any, found: list[str]) -> None:
    def number(value: str) -> Document:
        return {"Args": {"n": {"section": "Args", "name": "n", "value": value}}}

    some(
        api,
        home,
        bbb={"type": "training", "script": {"entry_point": "a.py"}},
        aaa={
            "type": "testing",
            "comment": "y",
            "script": {"entry_point": "b.py"},
            "hyperparams": number("10"),
        },
        ccc={"type": "testing", "comment": "x", "hyperparams": number("9")},
    )
    assert found_names(api, home, order_by=order) == found


def test_last_metrics_order_and_filter_and_project(api: Api, home: str) -> None:
    made = some(api, home, none={}, low={}, high={})
    for name, value in (("low", 2.0), ("high", 10.0)):
        event = {"task": made[name], "type": "training_stats_scalar", "iter": 1, "value": value}
        api.batch("events.add_batch", [{**event, "metric": "m", "variant": "v"}])
    metric, variant = (hashlib.md5(word.encode()).hexdigest() for word in ("m", "v"))
    path = f"last_metrics.{metric}.{variant}"
    assert found_names(api, home, order_by=f"{path}.value") == ["low", "high", "none"]
    assert found_names(api, home, order_by=[f"-{path}.max_value"]) == ["high", "low", "none"]
    assert found_names(api, home, **{f"{path}.value": [3, None]}) == ["high"]
    found = api("tasks.get_all", id=[made["low"]], only_fields=[f"{path}.min_value"])["tasks"]
    assert found == [{"id": made["low"], "last_metrics": {metric: {variant: {"min_value": 2.0}}}}]


# --- pages and scrolls ---------------------------------------------------------------------


def test_pages_are_counted_from_zero_and_end_empty(api: Api, home: str) -> None:
    some(api, home, **{f"t{n}{n}": {} for n in range(5)})
    pages = [found_names(api, home, order_by="name", page=n, page_size=2) for n in range(4)]
    assert pages == [["t00", "t11"], ["t22", "t33"], ["t44"], []]


def test_a_scroll_gives_every_task_once(api: Api, home: str) -> None:
    some(api, home, **{f"t{n}{n}": {} for n in range(5)})
    query = {"project": [home], "order_by": ["-name"], "size": 2}
    answer = api("tasks.get_all_ex", scroll_id=None, **query)
    scroll, found = answer["scroll_id"], [task["name"] for task in answer["tasks"]]
    while tasks := api("tasks.get_all_ex", scroll_id=scroll, **query)["tasks"]:
        found += [task["name"] for task in tasks]
    assert found == ["t44", "t33", "t22", "t11", "t00"]
    again = api("tasks.get_all_ex", scroll_id=scroll, refresh_scroll=True, **query)
    assert [task["name"] for task in again["tasks"]] == found


def test_an_unknown_scroll_is_refused(api: Api) -> None:
    refused((400, 1104), api, "tasks.get_all", scroll_id="0" * 32, size=10)


def test_without_a_scroll_none_is_answered(api: Api) -> None:
    assert "scroll_id" not in api("tasks.get_all", id=["0" * 32])


@pytest.mark.parametrize(
    "query",
    [
        {"page": -1},
        {"page": "many"},
        {"page_size": -1},
        {"tags": {"not": "a list"}},
        {"order_by": {"not": "a name"}},
        {"only_fields": 5},
        {"_any_": {"pattern": "fields are missing"}},
        {"_any_": "not an object"},
        {"filters": "not an object"},
        {"last_iteration": [1, 2, 3]},
        {"last_iteration": ["a", None]},
    ],
)
def test_queries_of_a_wrong_shape_are_refused(api: Api, query: Document) -> None:
    refused((400, 12), api, "tasks.get_all", **query)


TAGS = [f"t{n}" for n in range(2000)]


@pytest.mark.parametrize(
    "query",
    [
        {"id": [f"{n:032x}" for n in range(70_000)]},
        {"tags": ["__$all", *TAGS]},
        {"_any_": {"fields": TAGS, "pattern": "a"}},
        {"search_text": " ".join(TAGS)},
        {"order_by": TAGS},
    ],
)
def test_queries_that_ask_for_too_much_are_refused(api: Api, query: Document) -> None:
    refused((400, 12), api, "tasks.get_all", **query)


def test_long_lists_of_values_are_fine(api: Api, home: str) -> None:
    some(api, home, one={"tags": ["t7"]}, two={})
    assert found_names(api, home, tags=TAGS) == ["one"]
    excluded = [word for tag in TAGS for word in ("__$not", tag)]
    assert found_names(api, home, tags=excluded) == ["two"]
    assert found_names(api, home, id=[f"{n:032x}" for n in range(20_000)]) == []
    assert found_names(api, home, search_text="t7 " * 2000) == ["one"]


# --- projections and joins -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        (["name"], {"name"}),
        ("name", {"name"}),
        (["status", "status_message"], {"status", "status_message"}),
        (["tags", "system_tags"], {"tags", "system_tags"}),
        (["script.requirements", "runtime"], {"script", "runtime"}),
        (["hyperparams.Args", "configuration"], {"hyperparams", "configuration"}),
        (["models.input", "execution.artifacts"], {"models", "execution"}),
        (["last_metrics", "last_iteration"], {"last_metrics", "last_iteration"}),
        (["no_such_field"], set()),
    ],
)
@pytest.mark.parametrize("option", ["only_fields", "projection"])
def test_only_what_is_asked_for_is_shown(api: Api, option: str, only: Any, shown: set[str]) -> None:
    (found,) = api("tasks.get_all", id=[new_task(api)], **{option: only})["tasks"]
    assert set(found) - {"id"} == shown
    assert "id" in found


def test_fields_can_be_left_out(api: Api) -> None:
    (found,) = api("tasks.get_all", id=[new_task(api)], only_fields=["-hyperparams", "-script"])[
        "tasks"
    ]
    assert not {"hyperparams", "script"} & set(found)
    assert {"name", "status", "execution"} <= set(found)


def test_references_are_expanded_by_the_ex_actions_alone(api: Api, home: str) -> None:
    model, queue, parent = new_model(api, name="the model"), new_queue(api), new_task(api)
    task = new_task(
        api, project=home, parent=parent, models={"input": [{"name": "m", "model": model}]}
    )
    api("tasks.enqueue", task=task, queue=queue)
    only = [
        "project.name",
        "parent.name",
        "parent.project.name",
        "user.name",
        "company.name",
        "execution.queue.name",
        "models.input.model.name",
        "models.input.name",
    ]
    for answer in (
        api("tasks.get_all_ex", id=[task], only_fields=only),
        api("tasks.get_by_id_ex", id=[task], only_fields=only),
    ):
        (found,) = answer["tasks"]
        assert found["project"]["id"] == home
        assert found["project"]["name"]
        assert found["parent"]["id"] == parent
        assert found["parent"]["name"]
        assert found["user"]["name"]
        assert found["company"]["name"]
        assert found["execution"]["queue"]["id"] == queue
        assert found["execution"]["queue"]["name"]
        assert found["models"]["input"] == [
            {"name": "m", "model": {"id": model, "name": "the model"}}
        ]
    plain = api("tasks.get_all", id=[task])["tasks"][0]
    assert (plain["project"], plain["parent"]) == (home, parent)
    assert plain["execution"]["queue"] == queue
    assert isinstance(plain["user"], str)


def test_a_reference_without_a_target_keeps_its_id(api: Api) -> None:
    parent = new_task(api)
    child = new_task(api, parent=parent)
    api("tasks.delete", task=parent)
    (found,) = api("tasks.get_all_ex", id=[child], only_fields=["parent.name"])["tasks"]
    assert found["parent"] == {"id": f"__DELETED__{parent}"}


def test_ids_that_are_unknown_are_left_out(api: Api) -> None:
    task = new_task(api)
    assert ids(api("tasks.get_all", id=["0" * 32, task])) == [task]
    assert ids(api("tasks.get_by_id_ex", id=["0" * 32])) == []
