"""Lists of models: pages, filters, order and what they join."""

from __future__ import annotations

import pytest

from tests.beds.server import Api
from tests.server.asking import Document, ids
from tests.server.making import new_model, new_project, new_task, unique

LISTS = pytest.mark.parametrize("action", ["models.get_all", "models.get_all_ex"])


@LISTS
def test_models_are_paged_scrolled_ordered_and_projected(api: Api, action: str) -> None:
    word = unique("list")
    made = [new_model(api, name=f"{word} {n}") for n in range(5)]
    query = {"name": word, "order_by": ["-name"], "only_fields": ["id", "name"]}
    pages = [api(action, **query, page=page, page_size=2) for page in range(3)]
    assert [id for page in pages for id in ids(page, "models")] == made[::-1]
    assert all(m.keys() == {"id", "name"} for page in pages for m in page["models"])
    first = api(action, **query, size=3)
    rest = api(action, **query, size=3, scroll_id=first["scroll_id"])
    assert ids(first, "models") + ids(rest, "models") == made[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"ready": True}, "bc"),
        ({"ready": False}, "a"),
        ({"framework": ["Torch"]}, "ab"),
        ({"framework": ["Torch", None]}, "abc"),
        ({"uri": ["file:///a"]}, "a"),
        ({"tags": ["t"]}, "b"),
        ({"tags": ["-t"]}, "ac"),
        ({"system_tags": ["-archived"]}, "ab"),
        ({"system_tags": ["archived"]}, "c"),
        ({"metadata.k%2E1.value": ["one"]}, "a"),
        ({"metadata.k.1.value": ["one", "two"]}, "ab"),
        ({"last_update": ">2020-01-01T00:00:00"}, "abc"),
        ({"last_change": ["<2020-01-01 00:00:00"]}, ""),
        ({"_any_": {"fields": ["name", "comment"], "pattern": "NOTE"}}, "b"),
        ({"_or_": {"fields": ["last_update"], "datetime": [">2020-01-01T00:00:00+00:00"]}}, "abc"),
        ({"comment": "^note$"}, "b"),
        ({"search_text": "note"}, "b"),
        ({"filters": {"tags": {"any": {"include": ["t"]}}}}, "b"),
        ({"no_such_key": "x"}, "abc"),
    ],
)
@LISTS
def test_models_are_found_by(api: Api, action: str, query: Document, found: str) -> None:
    project = new_project(api)
    own: dict[str, Document] = {
        "a": {"ready": False, "framework": "Torch", "uri": "file:///a"},
        "b": {"framework": "Torch", "tags": ["t"], "comment": "note"},
        "c": {"system_tags": ["archived"]},
    }
    for letter, value in (("a", "one"), ("b", "two")):
        own[letter]["metadata"] = [{"key": "k.1", "type": "t", "value": value}]
    made = {new_model(api, project=project, **fields): letter for letter, fields in own.items()}
    answer = api(action, project=[project], **query)
    assert sorted(made[id] for id in ids(answer, "models")) == list(found)


def test_models_below_a_project_and_of_a_task(api: Api) -> None:
    top = unique("top")
    above, below = new_project(api, top), new_project(api, f"{top}/below")
    task = new_task(api)
    model = new_model(api, project=below, task=task)
    child = new_model(api, parent=model)
    assert ids(api("models.get_all", project=[above]), "models") == []
    wide = api("models.get_all_ex", project=[above], include_subprojects=True)
    assert ids(wide, "models") == [model]
    assert ids(api("models.get_all", task=[task]), "models") == [model]
    assert ids(api("models.get_all", parent=[model]), "models") == [child]


def test_models_are_ordered_by_remarks_as_numbers(api: Api) -> None:
    project = new_project(api)
    made = {
        value: new_model(
            api, project=project, metadata=[{"key": "n.$", "type": "int", "value": value}]
        )
        for value in ("10", "9", "100")
    }
    answer = api("models.get_all_ex", project=[project], order_by=["metadata.n%2E%24.value"])
    assert ids(answer, "models") == [made["9"], made["10"], made["100"]]


def test_get_all_ex_joins_what_models_refer_to(api: Api) -> None:
    project, task, parent = new_project(api), new_task(api), new_model(api)
    model = new_model(api, project=project, task=task, parent=parent, labels={"a": 1, "b": 2})
    (found,) = api("models.get_all_ex", id=[model], include_stats=True)["models"]
    for field, id in (("project", project), ("task", task), ("parent", parent)):
        assert found[field]["id"] == id
        assert found[field]["name"]
    assert found["user"].keys() == {"id", "name"}
    assert found["stats"] == {"labels_count": 2}
    fields = ["name", "project.name", "task.name", "user.name"]
    (found,) = api("models.get_all_ex", id=[model], only_fields=fields)["models"]
    assert found.keys() == {"id", "name", "project", "task", "user"}
    (found,) = api("models.get_by_id_ex", id=[model])["models"]
    assert found["task"]["id"] == task
