"""Documents on both databases: stored whole, found by the query language, projected."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from taskyard.api.errors import (
    BAD_REGEX,
    INVALID_SCROLL_ID,
    INVALID_TASK_ID,
    READ_ONLY,
    VALIDATION,
    ApiError,
)
from taskyard.server.domain.company import COMPANY
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.documents import PROJECT, TASK
from tests.beds.server import Running

Do = Callable[[Callable[[Tx], Any]], Any]


@pytest.fixture
def do(server: Running) -> Do:
    """Run a function in a transaction of the server's database."""
    return lambda work: server.await_(server.server.control.write(work))


@pytest.fixture
def project(do: Do) -> str:
    """The id of a project that only this test uses."""
    id = uuid.uuid4().hex
    document = {"id": id, "company": COMPANY, "name": f"p {id}", "basename": f"p {id}"}
    do(lambda tx: documents.insert(tx, PROJECT, document))
    return id


Put = Callable[..., str]


@pytest.fixture
def put(do: Do, project: str) -> Put:
    """Store a task of the test's project; gives its id."""
    made = iter(range(1000))

    def store(**fields: Any) -> str:
        number = next(made)
        document = {
            "id": uuid.uuid4().hex,
            "company": COMPANY,
            "name": "task",
            "type": "training",
            "status": "created",
            "project": project,
            "created": 1_000_000 + number,
            "last_update": 1_000_000 + number,
            **fields,
        }
        do(lambda tx: documents.insert(tx, TASK, document))
        return str(document["id"])

    return store


Names = Callable[..., list[str]]


@pytest.fixture
def names(do: Do, project: str) -> Names:
    """The names of the test's tasks that a query finds, in its order."""

    def find(**query: Any) -> list[str]:
        query = {"project": [project], **query}
        found = do(lambda tx: documents.find(tx, TASK, COMPANY, query))
        return [document["name"] for document in found]

    return find


def test_a_document_comes_back_as_it_was_stored(do: Do, put: Put) -> None:
    section = {'a.b "c" $x %2E \\ ü': {"name": "n", "value": "1"}}
    id = put(hyperparams={"Args.x": section}, execution={"queue": "q1", "framework": "f"})
    task = do(lambda tx: documents.get(tx, TASK, id, COMPANY))
    assert task["hyperparams"] == {"Args.x": section}
    assert task["execution"] == {"queue": "q1", "framework": "f", "artifacts": []}
    assert task["created"] == "1970-01-01T00:00:01.000000+00:00"
    assert "started" not in task


def test_an_unknown_id_is_refused_with_the_kinds_code(do: Do) -> None:
    with pytest.raises(ApiError) as refused:
        do(lambda tx: documents.get(tx, TASK, "nowhere", COMPANY))
    assert refused.value.kind == INVALID_TASK_ID[:2]


def test_another_companys_document_is_unknown(do: Do, put: Put) -> None:
    id = put(company="another")
    with pytest.raises(ApiError) as refused:
        do(lambda tx: documents.get(tx, TASK, id, COMPANY))
    assert refused.value.kind == INVALID_TASK_ID[:2]


def test_a_public_document_is_read_and_not_written(do: Do, put: Put) -> None:
    id = put(company="")
    assert do(lambda tx: documents.get(tx, TASK, id, COMPANY))["id"] == id
    with pytest.raises(ApiError) as refused:
        do(lambda tx: documents.get(tx, TASK, id, COMPANY, for_write=True))
    assert refused.value.kind == READ_ONLY[:2]


def test_an_update_replaces_what_is_at_its_path_and_nothing_else(do: Do, put: Put) -> None:
    id = put(script={"repository": "r", "branch": "b"}, hyperparams={"A": {"x.y": 1, "z": 2}})
    changes = {"script.branch": "c", ("hyperparams", "A", "x.y"): 3, "execution.queue": "q"}
    assert do(lambda tx: documents.update(tx, TASK, id, changes)) == 1
    task = do(lambda tx: documents.get(tx, TASK, id, COMPANY))
    assert (task["script"]["repository"], task["script"]["branch"]) == ("r", "c")
    assert task["hyperparams"] == {"A": {"x.y": 3, "z": 2}}
    assert task["execution"]["queue"] == "q"


def test_replacing_a_branch_replaces_the_columns_inside(do: Do, put: Put) -> None:
    id = put(execution={"queue": "q1", "framework": "f"})
    do(lambda tx: documents.update(tx, TASK, id, {"execution": {"framework": "g"}}))
    task = do(lambda tx: documents.get(tx, TASK, id, COMPANY))
    assert task["execution"] == {"framework": "g", "artifacts": []}


def test_unset_removes_columns_and_fields(do: Do, put: Put) -> None:
    id = put(execution={"queue": "q1"}, runtime={"a": 1}, started=5, status_message="x")
    unset = ["execution.queue", "runtime", "started", "status_message"]
    do(lambda tx: documents.update(tx, TASK, id, {}, unset))
    task = do(lambda tx: documents.get(tx, TASK, id, COMPANY))
    assert (task["runtime"], task["status_message"]) == ({}, "")
    assert "queue" not in task["execution"]
    assert "started" not in task


def test_updating_what_is_not_there_changes_nothing(do: Do) -> None:
    assert do(lambda tx: documents.update(tx, TASK, "nowhere", {"runtime.x": 1})) == 0


def test_tags_are_kept_sorted_and_once(do: Do, put: Put) -> None:
    id = put(tags=["b", "a", "b"])
    assert do(lambda tx: documents.get(tx, TASK, id, COMPANY))["tags"] == ["a", "b"]


def test_defaults_are_shown_where_nothing_is_stored(do: Do, put: Put) -> None:
    id = put()
    only = ["tags", "script.requirements", "status_message", "runtime"]
    assert do(lambda tx: documents.get(tx, TASK, id, COMPANY, only=only)) == {
        "id": id,
        "tags": [],
        "script": {"requirements": {}},
        "status_message": "",
        "runtime": {},
    }


def test_private_fields_are_shown_only_by_name(do: Do, put: Put) -> None:
    id = put(enqueue_status="stopped")
    assert "enqueue_status" not in do(lambda tx: documents.get(tx, TASK, id, COMPANY))
    only = ["enqueue_status"]
    task = do(lambda tx: documents.get(tx, TASK, id, COMPANY, only=only))
    assert task["enqueue_status"] == "stopped"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["a"], ["a", "ab"]),
        ("a", ["a", "ab"]),
        (["a", "b"], ["a", "ab", "b"]),
        (["__$all", "a", "b"], ["ab"]),
        (["__$and", "a", "__$not", "b"], ["a"]),
        (["__$any", "a", "__$not", "b"], ["a", "ab", "none"]),
        (["-a"], ["b", "none"]),
        (["b", "-a"], ["b"]),
        ([None], ["none"]),
        (["b", None], ["ab", "b", "none"]),
        (["__$not", None], ["a", "ab", "b"]),
        (["__$or", "b", "__$and", "a", "b"], ["ab", "b"]),
        (["__$and", "a", "__$or", "b", "c"], ["ab"]),
        ([], ["a", "ab", "b", "none"]),
        (["it's", 'a"b', "$", "%"], []),
    ],
)
def test_list_filters(put: Put, names: Names, tags: Any, found: list[str]) -> None:
    for name, given in (("a", ["a"]), ("b", ["b"]), ("ab", ["a", "b"]), ("none", [])):
        put(name=name, tags=given)
    assert sorted(names(tags=tags)) == found


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"any": {"include": ["a", "b"]}}, ["a", "ab", "b"]),
        ({"all": {"include": ["a", "b"]}}, ["ab"]),
        ({"any": {"include": ["a"]}, "all": {"exclude": ["b"]}}, ["a"]),
        (
            {"any": {"include": ["a"]}, "all": {"exclude": ["a"]}, "op": "or"},
            ["a", "ab", "b", "none"],
        ),
        ({"any": {"include": None}}, ["none"]),
        ({"any": {"include": [None, "b"]}}, ["ab", "b", "none"]),
    ],
)
def test_field_filters(put: Put, names: Names, rule: Any, found: list[str]) -> None:
    for name, given in (("a", ["a"]), ("b", ["b"]), ("ab", ["a", "b"]), ("none", [])):
        put(name=name, tags=given)
    assert sorted(names(filters={"tags": rule})) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": ["created"]}, ["one"]),
        ({"status": ["created", "failed"]}, ["one", "two"]),
        ({"parent": [None]}, ["two"]),
        ({"parent": "p1"}, ["one"]),
        ({"name": "^o"}, ["one"]),
        ({"name": r"^o\ne"}, []),
        ({"name": "ONE"}, []),
        ({"_any_": {"fields": ["name", "comment"], "pattern": "ONE|SAY"}}, ["one", "two"]),
        ({"_all_": {"fields": ["name", "comment"], "pattern": "w"}}, []),
        ({"_any_": {"fields": ["tags"], "pattern": "^red$"}}, ["one"]),
        ({"_any_": {"fields": ["runtime.hash"], "pattern": "^ABC$"}}, ["one"]),
        ({"runtime.flag": True}, ["two"]),
        ({"runtime.count": 3}, ["two"]),
        ({"runtime.count": "3"}, []),
        ({"hyperparams.Args.lr.value": ["-1"]}, ["one"]),
        ({"hyperparams.Args.a.b.value": ["x"]}, ["two"]),
        ({"hyperparams.Args.q\"'.value": ["y"]}, ["two"]),
        ({"models.input.model": ["m1"]}, ["one"]),
        ({"_any_": {"fields": ["tags.x"], "pattern": "."}}, []),
        ({"execution.queue": ["q2"]}, ["two"]),
        ({"last_metrics.m.v.value": [0.2, None]}, ["two"]),
        ({"last_metrics.m.v.value": [None, 0.3]}, ["one"]),
        ({"last_iteration": [5, 10]}, ["two"]),
        ({"last_update": [">1970-01-01T00:00:05"]}, ["two"]),
        ({"last_update": ["1970-01-01 00:00:00", "1970-01-01T00:00:05Z"]}, ["one"]),
        ({"last_update": [None, "1970-01-01T00:00:05Z"]}, ["one"]),
        ({"last_update": "<1970-01-01T01:00:05+01:00"}, ["one"]),
        (
            {
                "_or_": {
                    "fields": ["last_update", "last_change"],
                    "datetime": [">1970-01-01T00:00:09.5"],
                }
            },
            ["two"],
        ),
        ({"search_text": "one -blue"}, ["one"]),
        ({"search_text": '"nothing like"'}, []),
        ({"task_types": ["x"], "unknown": {"a": 1}}, ["one", "two"]),
        ({"id": ["x'y", "%"]}, []),
    ],
)
def test_filters(put: Put, names: Names, query: dict[str, Any], found: list[str]) -> None:
    put(
        name="one",
        parent="p1",
        tags=["red"],
        runtime={"hash": "abc"},
        hyperparams={"Args": {"lr": {"value": "-1"}}},
        models={"input": [{"name": "i", "model": "m1"}]},
        last_metrics={"m": {"v": {"value": 0.1}}},
        last_change=1_000_000,
    )
    put(
        name="two",
        status="failed",
        comment="they say",
        tags=["blue"],
        runtime={"flag": True, "count": 3},
        hyperparams={"Args": {"a.b": {"value": "x"}, "q\"'": {"value": "y"}}},
        execution={"queue": "q2"},
        last_metrics={"m": {"v": {"value": 0.5}}},
        last_iteration=7,
        last_update=10_000_000,
        last_change=10_000_000,
    )
    assert sorted(names(**query)) == found


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"name": "("}, BAD_REGEX),
        ({"_any_": {"fields": ["name"], "pattern": "(?=x)"}}, BAD_REGEX),
        ({"_any_": {"pattern": "x"}}, VALIDATION),
        ({"last_update": [">yesterday"]}, VALIDATION),
        ({"last_iteration": [1]}, VALIDATION),
        ({"last_iteration": ["x", "y"]}, VALIDATION),
        ({"tags": [{"a": 1}]}, VALIDATION),
        ({"page": -1}, VALIDATION),
        ({"page_size": 0}, VALIDATION),
        ({"order_by": 5}, VALIDATION),
        ({"filters": ["x"]}, VALIDATION),
    ],
)
def test_bad_values_are_refused(names: Names, query: dict[str, Any], error: Any) -> None:
    with pytest.raises(ApiError) as refused:
        names(**query)
    assert refused.value.kind == error[:2]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["name"], ["a", "b", "c"]),
        (["-name"], ["c", "b", "a"]),
        ("started", ["b", "a", "c"]),
        ("-started", ["a", "b", "c"]),
        (["last_metrics.m.v.value"], ["a", "b", "c"]),
        (["-last_metrics.m.v.value"], ["b", "a", "c"]),
        (["hyperparams.Args.n.value"], ["b", "a", "c"]),
        (["-hyperparams.Args.n.value"], ["c", "a", "b"]),
        (None, ["a", "b", "c"]),
    ],
)
def test_order_puts_empty_values_last(put: Put, names: Names, order: Any, found: list[str]) -> None:
    def params(value: str) -> dict[str, Any]:
        return {"Args": {"n": {"value": value}}}

    put(name="a", started=2, last_metrics={"m": {"v": {"value": 9}}}, hyperparams=params("10"))
    put(name="b", started=1, last_metrics={"m": {"v": {"value": 10}}}, hyperparams=params("9"))
    put(name="c", hyperparams=params("abc"))
    assert names(order_by=order) == found


def test_text_search_puts_the_best_match_first(put: Put, names: Names) -> None:
    put(name="red")
    put(name="red green", comment="green")
    put(name="blue")
    assert names(search_text="red green") == ["red green", "red"]


def test_hidden_documents_are_left_out_unless_asked_for(put: Put, names: Names) -> None:
    put(name="seen")
    id = put(name="hidden", system_tags=["hidden"])
    assert names() == ["seen"]
    assert names(search_hidden=True) == ["seen", "hidden"]
    assert names(id=[id]) == ["hidden"]


def test_public_documents_are_listed_unless_declined(put: Put, names: Names) -> None:
    put(name="own")
    put(name="public", company="")
    put(name="foreign", company="another")
    assert names() == ["own", "public"]
    assert names(allow_public=False) == ["own"]


def test_pages_count_from_zero_and_end_empty(put: Put, names: Names) -> None:
    for name in "abcde":
        put(name=name)
    pages = [names(page=page, page_size=2, order_by=["name"]) for page in range(4)]
    assert pages == [["a", "b"], ["c", "d"], ["e"], []]


def test_a_scroll_goes_on_from_where_it_was(do: Do, put: Put, project: str) -> None:
    for name in "abcde":
        put(name=name)
    query: dict[str, Any] = {"project": [project], "order_by": "name", "size": 2}
    seen = []
    for _ in range(4):
        found, scroll = do(lambda tx: documents.find_page(tx, TASK, COMPANY, query))
        seen.append([task["name"] for task in found])
        query["scroll_id"] = scroll
    assert seen == [["a", "b"], ["c", "d"], ["e"], []]
    query["refresh_scroll"] = True
    found, _ = do(lambda tx: documents.find_page(tx, TASK, COMPANY, query))
    assert [task["name"] for task in found] == ["a", "b", "c", "d", "e"]


def test_an_unknown_scroll_is_refused(do: Do) -> None:
    query = {"scroll_id": "nowhere", "size": 2}
    with pytest.raises(ApiError) as refused:
        do(lambda tx: documents.find_page(tx, TASK, COMPANY, query))
    assert refused.value.kind == INVALID_SCROLL_ID[:2]


def test_a_count_ignores_pages(do: Do, put: Put, project: str) -> None:
    for _ in range(3):
        put()
    query = {"project": [project], "page_size": 1}
    assert do(lambda tx: documents.count(tx, TASK, COMPANY, query)) == 3


def test_subprojects_widen_the_project_filter(do: Do, put: Put, names: Names, project: str) -> None:
    child = uuid.uuid4().hex
    document = {
        "id": child,
        "company": COMPANY,
        "name": f"p {project}/child",
        "basename": "child",
        "parent": project,
        "path": [project],
    }
    do(lambda tx: documents.insert(tx, PROJECT, document))
    put(name="below", project=child)
    assert names() == []
    assert names(include_subprojects=True) == ["below"]


def test_references_become_objects(do: Do, put: Put, project: str) -> None:
    parent = put(name="parent task")
    child = put(name="child", parent=parent, models={"input": [{"name": "x", "model": "gone"}]})
    only = ["project.name", "parent.project.name", "parent.type", "models.input.model", "user"]

    def read(tx: Tx) -> dict[str, Any]:
        found = documents.find(tx, TASK, COMPANY, {"id": [child], "only_fields": only})
        documents.expand(tx, TASK, COMPANY, found, only)
        return found[0]

    place = {"id": project, "name": f"p {project}"}
    assert do(read) == {
        "id": child,
        "project": place,
        "parent": {"id": parent, "name": "parent task", "type": "training", "project": place},
        "models": {"input": [{"model": {"id": "gone"}}]},
    }


def test_the_company_of_a_public_document_is_an_object_too(do: Do, put: Put) -> None:
    id = put(company="")

    def read(tx: Tx) -> Any:
        found = documents.find(tx, TASK, COMPANY, {"id": [id], "only_fields": ["company"]})
        documents.expand(tx, TASK, COMPANY, found)
        return found

    assert do(read) == [{"id": id, "company": {"id": ""}}]


def test_a_projection_may_leave_out(do: Do, put: Put) -> None:
    id = put(runtime={"a": 1, "b": 2})
    task = do(lambda tx: documents.get(tx, TASK, id, COMPANY, only=["-runtime.a", "-script"]))
    assert task["runtime"] == {"b": 2}
    assert "script" not in task
    assert task["name"] == "task"
