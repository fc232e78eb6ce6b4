"""The query language on tasks: filters, order, pages, scrolls, projections, joins."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.beds.server import Api
from tests.server.making import (
    Document,
    ids,
    new_model,
    new_project,
    new_queue,
    new_task,
    refused,
    run,
    task_of,
    unique,
)


@pytest.fixture
def home(api: Api) -> str:
    """A project of the test's own."""
    return new_project(api)


def named(api: Api, home: str, **query: Any) -> list[str]:
    """The names of what a query finds in the project, in its order."""
    return [task["name"] for task in api("tasks.get_all_ex", project=[home], **query)["tasks"]]


def some(api: Api, home: str, **by_name: Document) -> dict[str, str]:
    """Tasks of these names and fields; gives ids by name."""
    return {
        name: new_task(api, name=name, project=home, **fields) for name, fields in by_name.items()
    }


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
    assert named(api, home, tags=tags) == found


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
    assert named(api, home, filters={"tags": rule}) == (found or everything)


def test_archived_tasks_are_left_out_as_pages_do(api: Api, home: str) -> None:
    made = some(api, home, kept={}, archived={})
    api("tasks.archive", tasks=[made["archived"]])
    assert named(api, home, system_tags=["-archived"]) == ["kept"]
    assert named(api, home, system_tags=["archived"]) == ["archived"]


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
        assert named(api, home, **query) == ["wanted"]
    assert named(api, home, user=["0" * 32]) == []


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
    assert named(api, home, **query) == (list(both) if found is None else found)


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<"])
def test_a_pattern_that_is_none_is_said_so(api: Api, pattern: str) -> None:
    refused((400, 21), api, "tasks.get_all", name=pattern)
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
    assert named(api, home, last_iteration=[5, None]) == ["five", "nine"]
    assert named(api, home, last_iteration=[None, 5]) == ["zero", "five"]
    assert named(api, home, last_iteration=[6, 9]) == ["nine"]
    assert named(api, home, last_iteration=[]) == ["zero", "five", "nine"]
    assert named(api, home, active_duration=[None, 100]) == ["zero", "five", "nine"]
    assert named(api, home, active_duration=[0, None]) == []


def test_times_are_compared_in_every_way_of_writing(api: Api, home: str) -> None:
    made = some(api, home, early={}, late={})
    run(api, made["early"], "started")
    run(api, made["late"], "started")
    early, late = (task_of(api, made[name]) for name in ("early", "late"))
    border = late["status_changed"]
    for text in (border, border.replace("T", " "), border[:-6], border[:-6] + "Z"):
        assert named(api, home, status_changed=[f">={text}"]) == ["late"]
        assert named(api, home, status_changed=f"<{text}") == ["early"]
    first = early["status_changed"]
    assert named(api, home, status_changed=[f">{first}", f"<={border}"]) == ["late"]
    assert named(api, home, status_changed=[first, border]) == ["early", "late"]
    assert named(api, home, status_changed=[None, first]) == ["early"]
    assert named(api, home, status_changed=[border, None]) == ["late"]
    assert named(api, home, started=[late["started"], None]) == ["late"]
    assert named(api, home, created=[None, early["created"]]) == ["early"]


@pytest.mark.parametrize("key", ["_or_", "_any_", "_and_", "_all_"])
def test_times_of_several_fields_are_compared(api: Api, home: str, key: str) -> None:
    made = some(api, home, early={}, late={})
    border = task_of(api, made["late"])["created"]
    query = {key: {"fields": ["last_update", "last_change"], "datetime": [f">={border}"]}}
    assert named(api, home, **query) == ["late"]


def test_what_is_no_time_is_said_so(api: Api) -> None:
    refused((400, 12), api, "tasks.get_all", last_update=[">not a time"])


def test_runtime_values_are_compared_plainly(api: Api, home: str) -> None:
    some(api, home, one={"runtime": {"_job": "x"}}, two={"runtime": {"_job": "y"}}, three={})
    assert named(api, home, **{"runtime._job": "x"}) == ["one"]
    pattern = {"fields": ["runtime._job"], "pattern": "^y$"}
    assert named(api, home, _all_=pattern) == ["two"]


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
    assert named(api, home, order_by=order) == found


def test_last_metrics_order_and_filter_and_project(api: Api, home: str) -> None:
    made = some(api, home, none={}, low={}, high={})
    for name, value in (("low", 2.0), ("high", 10.0)):
        event = {"task": made[name], "type": "training_stats_scalar", "iter": 1, "value": value}
        api.batch("events.add_batch", [{**event, "metric": "m", "variant": "v"}])
    metric, variant = (hashlib.md5(word.encode()).hexdigest() for word in ("m", "v"))
    path = f"last_metrics.{metric}.{variant}"
    assert named(api, home, order_by=f"{path}.value") == ["low", "high", "none"]
    assert named(api, home, order_by=[f"-{path}.max_value"]) == ["high", "low", "none"]
    assert named(api, home, **{f"{path}.value": [3, None]}) == ["high"]
    found = api("tasks.get_all", id=[made["low"]], only_fields=[f"{path}.min_value"])["tasks"]
    assert found == [{"id": made["low"], "last_metrics": {metric: {variant: {"min_value": 2.0}}}}]


# --- pages and scrolls ---------------------------------------------------------------------


def test_pages_are_counted_from_zero_and_end_empty(api: Api, home: str) -> None:
    some(api, home, **{f"t{n}{n}": {} for n in range(5)})
    pages = [named(api, home, order_by="name", page=n, page_size=2) for n in range(4)]
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
    assert named(api, home, tags=TAGS) == ["one"]
    excluded = [word for tag in TAGS for word in ("__$not", tag)]
    assert named(api, home, tags=excluded) == ["two"]
    assert named(api, home, id=[f"{n:032x}" for n in range(20_000)]) == []
    assert named(api, home, search_text="t7 " * 2000) == ["one"]


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


def test_hidden_tasks_are_found_by_id_or_on_request(api: Api, home: str) -> None:
    hidden = new_task(api, project=home, name="hidden one", system_tags=["hidden"])
    assert named(api, home) == []
    assert named(api, home, search_hidden=True) == ["hidden one"]
    assert named(api, home, id=[hidden]) == ["hidden one"]


def test_a_text_search_finds_names_tags_and_ids(api: Api, home: str) -> None:
    made = some(api, home, alpha={"tags": ["gamma"]}, beta={"comment": "about gamma rays"})
    assert set(named(api, home, search_text="gamma")) == {"alpha", "beta"}
    assert named(api, home, search_text='"gamma rays"') == ["beta"]
    assert named(api, home, search_text=made["alpha"]) == ["alpha"]
    assert named(api, home, search_text="gamma -rays") == ["alpha"]
    ordered = named(api, home, search_text="gamma", order_by="@text_score")
    assert set(ordered) == {"alpha", "beta"}


def test_unknown_filters_are_ignored(api: Api, home: str) -> None:
    some(api, home, one={})
    assert named(api, home, task_types=["none of these"], whatever=[1]) == ["one"]
