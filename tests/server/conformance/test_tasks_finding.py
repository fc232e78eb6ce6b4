"""The query language on tasks: filters, order, pages, scrolls, projections, joins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, found_names, ids, refused, task_of
from tests.server.making import new_model, new_project, new_queue, new_task, run, some, unique

# --- lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["a"], ["one", "both"]),
        ("a", ["one", "both"]),
        (["a", "b"], ["one", "two", "both"]),
        (["-a"], ["two", "none"]),
        (["a", "-b"], ["one"]),
        ([None], ["none"]),
        (["b", None], ["two", "both", "none"]),
        (["__$not", None], ["one", "two", "both"]),
        (["__$all", "a", "b"], ["both"]),
        (["__$and", "a", "b"], ["both"]),
        (["__$any", "a", "b"], ["one", "two", "both"]),
        (["__$or", "a", "b"], ["one", "two", "both"]),
        (["__$all", "a", "__$not", "b"], ["one"]),
        (["__$not", "a"], ["two", "none"]),
        (["__$not", "a", "__$not", "b"], ["none"]),
    ],
)
def test_tags_are_filtered(api: Api, home: str, tags: Any, found: list[str]) -> None:
    some(
        api,
        home,
        one={"tags": ["a"]},
        two={"tags": ["b"]},
        both={"tags": ["a", "b"]},
        none={},
    )
    assert found_names(api, home, tags=tags) == found


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"any": {"include": ["a", "b"]}}, ["one", "two", "both"]),
        ({"all": {"include": ["a", "b"]}}, ["both"]),
        ({"any": {"include": ["a"]}, "all": {"exclude": ["b"]}}, ["one"]),
        ({"any": {"include": ["b"]}, "all": {"exclude": ["b"]}, "op": "or"}, None),
        ({"any": {"include": None}}, ["none"]),
        ({"all": {"exclude": ["a", "b"]}}, ["none"]),
        ({}, None),
    ],
)
def test_filters_are_rules_by_field(
    api: Api, home: str, rule: Any, found: list[str] | None
) -> None:
    everything = ["one", "two", "both", "none"]
    some(
        api,
        home,
        one={"tags": ["a"]},
        two={"tags": ["b"]},
        both={"tags": ["a", "b"]},
        none={},
    )
    assert found_names(api, home, filters={"tags": rule}) == (found or everything)


def test_archived_tasks_are_left_out_as_pages_do(api: Api, home: str) -> None:
    made = some(api, home, kept={}, archived={})
    api("tasks.archive", tasks=[made["archived"]])
    assert found_names(api, home, system_tags=["-archived"]) == ["kept"]
    assert found_names(api, home, system_tags=["archived"]) == ["archived"]


def test_every_list_field_filters(api: Api, home: str) -> None:
    model, queue = new_model(api), new_queue(api)
    parent = new_task(api)
    made = some(
        api,
        home,
        wanted={
            "type": "qc",
            "parent": parent,
            "models": {"input": [{"name": "m", "model": model}]},
            "hyperparams": {"Args": {"a.b": {"section": "Args", "name": "a.b", "value": "7"}}},
        },
        other={},
    )
    api("tasks.enqueue", task=made["wanted"], queue=queue)
    user = api("users.get_current_user")["user"]["id"]
    queries: list[Document] = [
        {"id": [made["wanted"]]},
        {"id": made["wanted"]},
        {"type": ["qc"]},
        {"type": ["__$not", "testing"]},
        {"parent": [parent]},
        {"status": ["queued"]},
        {"status": ["-created"]},
        {"execution.queue": [queue]},
        {"models.input.model": [model]},
        {"hyperparams.Args.a.b.value": ["7"]},
        {"user": [user], "status": ["queued"]},
    ]
    for query in queries:
        assert found_names(api, home, **query) == ["wanted"]
    assert found_names(api, home, user=["0" * 32]) == []


def test_subprojects_are_found_on_request(api: Api) -> None:
    top = unique("top")
    project, below = new_project(api, top), new_project(api, f"{top}/mid/low")
    inside, deep = new_task(api, project=project), new_task(api, project=below)
    assert ids(api("tasks.get_all_ex", project=[project])) == [inside]
    found = api("tasks.get_all_ex", project=[project], include_subprojects=True)
    assert ids(found) == [inside, deep]


@pytest.mark.parametrize("types", ["TESTING", ["Testing"], ["__$not", "Training"], ["-Training"]])
def test_types_are_found_in_any_case(api: Api, types: Any) -> None:
    task = new_task(api, type="testing")
    assert ids(api("tasks.get_all", id=[task], type=types)) == [task]
    assert ids(api("tasks.get_all_ex", id=[task], type=["TRAINING"])) == []


def test_tasks_without_a_project_are_found_by_null(api: Api) -> None:
    tag = unique("tag")
    task = new_task(api, tags=[tag])
    new_task(api, tags=[tag], project=new_project(api))
    assert ids(api("tasks.get_all", tags=[tag], project=[None])) == [task]


# --- patterns, ranges, times ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "first"}, ["the first"]),
        ({"name": "FIRST"}, []),
        ({"name": "^the"}, ["the first", "the (second)"]),
        ({"name": r"^the\ \(second\)$"}, ["the (second)"]),
        ({"comment": "remark"}, ["the first"]),
        ({"_any_": {"fields": ["name", "comment"], "pattern": "REMARK|second"}}, None),
        ({"_or_": {"fields": ["name", "comment"], "pattern": "remark"}}, ["the first"]),
        ({"_all_": {"fields": ["name", "comment"], "pattern": "r"}}, ["the first"]),
        ({"_and_": {"fields": ["name"], "pattern": "second"}}, ["the (second)"]),
        ({"_any_": {"fields": ["tags", "id"], "pattern": "^label$"}}, ["the (second)"]),
        ({"_any_": {"fields": ["script.entry_point"], "pattern": r"train\.py"}}, ["the first"]),
    ],
)
def test_patterns(api: Api, home: str, query: Any, found: list[str] | None) -> None:
    both: dict[str, Document] = {
        "the first": {"comment": "a remark", "script": {"entry_point": "train.py"}},
        "the (second)": {"tags": ["label"]},
    }
    for name, fields in both.items():
        new_task(api, name=name, project=home, **fields)
    assert found_names(api, home, **query) == (list(both) if found is None else found)


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<"])
def test_a_pattern_that_is_none_is_said_so(api: Api, pattern: str) -> None:
    assert "b'" not in refused((400, 21), api, "tasks.get_all", name=pattern).what
    refused((400, 21), api, "tasks.get_all", _any_={"fields": ["name"], "pattern": pattern})


def test_ranges_have_open_ends(api: Api, home: str) -> None:
    made = some(api, home, zero={}, five={}, nine={})
    for name, iteration in (("five", 5), ("nine", 9)):
        model = new_model(api)
        api(
            "tasks.add_or_update_model",
            task=made[name],
            name="m",
            type="output",
            model=model,
            iteration=iteration,
        )
    assert found_names(api, home, last_iteration=[5, None]) == ["five", "nine"]
    assert found_names(api, home, last_iteration=[None, 5]) == ["zero", "five"]
    assert found_names(api, home, last_iteration=[6, 9]) == ["nine"]
    assert found_names(api, home, last_iteration=[]) == ["zero", "five", "nine"]
    assert found_names(api, home, active_duration=[None, 100]) == ["zero", "five", "nine"]
    assert found_names(api, home, active_duration=[0, None]) == []


def test_times_are_compared_in_every_way_of_writing(api: Api, home: str) -> None:
    made = some(api, home, early={}, late={})
    run(api, made["early"], "started")
    run(api, made["late"], "started")
    early, late = (task_of(api, made[name]) for name in ("early", "late"))
    border = late["status_changed"]
    for text in (border, border.replace("T", " "), border[:-6], border[:-6] + "Z"):
        assert found_names(api, home, status_changed=[f">={text}"]) == ["late"]
        assert found_names(api, home, status_changed=f"<{text}") == ["early"]
    first = early["status_changed"]
    assert found_names(api, home, status_changed=[f">{first}", f"<={border}"]) == ["late"]
    assert found_names(api, home, status_changed=[first, border]) == ["early", "late"]
    assert found_names(api, home, status_changed=[None, first]) == ["early"]
    assert found_names(api, home, status_changed=[border, None]) == ["late"]
    assert found_names(api, home, started=[late["started"], None]) == ["late"]
    assert found_names(api, home, created=[None, early["created"]]) == ["early"]


@pytest.mark.parametrize("key", ["_or_", "_any_", "_and_", "_all_"])
def test_times_of_several_fields_are_compared(api: Api, home: str, key: str) -> None:
    made = some(api, home, early={}, late={})
    border = task_of(api, made["late"])["created"]
    query = {key: {"fields": ["last_update", "last_change"], "datetime": [f">={border}"]}}
    assert found_names(api, home, **query) == ["late"]


def test_what_is_no_time_is_said_so(api: Api) -> None:
    refused((400, 12), api, "tasks.get_all", last_update=[">not a time"])


def test_runtime_values_are_compared_plainly(api: Api, home: str) -> None:
    some(api, home, one={"runtime": {"_job": "x"}}, two={"runtime": {"_job": "y"}}, three={})
    assert found_names(api, home, **{"runtime._job": "x"}) == ["one"]
    pattern = {"fields": ["runtime._job"], "pattern": "^y$"}
    assert found_names(api, home, _all_=pattern) == ["two"]


def test_hidden_tasks_are_found_by_id_or_on_request(api: Api, home: str) -> None:
    hidden = new_task(api, project=home, name="hidden one", system_tags=["hidden"])
    assert found_names(api, home) == []
    assert found_names(api, home, search_hidden=True) == ["hidden one"]
    assert found_names(api, home, id=[hidden]) == ["hidden one"]


def test_a_text_search_finds_names_tags_and_ids(api: Api, home: str) -> None:
    made = some(api, home, alpha={"tags": ["gamma"]}, beta={"comment": "about gamma rays"})
    assert set(found_names(api, home, search_text="gamma")) == {"alpha", "beta"}
    assert found_names(api, home, search_text='"gamma rays"') == ["beta"]
    assert found_names(api, home, search_text=made["alpha"]) == ["alpha"]
    assert found_names(api, home, search_text="gamma -rays") == ["alpha"]
    ordered = found_names(api, home, search_text="gamma", order_by="@text_score")
    assert set(ordered) == {"alpha", "beta"}


def test_unknown_filters_are_ignored(api: Api, home: str) -> None:
    some(api, home, one={})
    assert found_names(api, home, task_types=["none of these"], whatever=[1]) == ["one"]
