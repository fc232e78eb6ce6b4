"""What a change makes of a task, away from any store."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.api.errors import BAD_VALUE, DATA_VALIDATION, INVALID_TASK_STATUS, ApiError
from taskyard.api.task_parts import Artifact, ArtifactId, ParamItem, ParamKey, TaskModelKey
from taskyard.api.tasks import Clone, Create
from taskyard.server.domain import task_clone, task_edit, task_fields, task_versions

NOW = "2026-01-02T03:04:05.000006+00:00"
NEWEST = (2, 34)

names = st.text(min_size=1, max_size=12)
parameters = st.dictionaries(names, st.text(max_size=8), max_size=5)


def sent(version: tuple[int, int] = NEWEST, **body: Any) -> dict[str, Any]:
    request = msgspec.convert({"name": "some task", "type": "training", **body}, Create)
    return task_fields.sent(request, version, NOW)


def artifact(key: str, mode: str | None = None, **more: Any) -> dict[str, Any]:
    return task_fields.artifact(
        msgspec.convert({"key": key, "type": "file", "mode": mode, **more}, Artifact)
    )


def test_script_texts_are_stripped_but_the_patch_is_kept_to_the_byte() -> None:
    patch = "diff --git a/x b/x\n+ y \n"
    script = sent(script={"repository": " https://x/y.git ", "diff": patch})["script"]
    assert script == {"repository": "https://x/y.git", "diff": patch}


def test_a_null_in_a_section_says_nothing() -> None:
    found = sent(script={"branch": None, "tag": "v1"})
    assert task_edit.changes_of(found) == {("script", "tag"): "v1"}


def test_whole_sections_are_written_whole() -> None:
    found = sent(runtime={"a.b": None}, container={"image": "x", "arguments": None})
    assert task_edit.changes_of(found) == {
        ("runtime",): {"a.b": None},
        ("container",): {"image": "x"},
    }


def test_output_dest_is_the_output_destination() -> None:
    assert sent(output_dest=" s3://b ")["output"] == {"destination": "s3://b"}


def test_items_of_hyperparams_learn_section_and_name_from_their_keys() -> None:
    found = sent(hyperparams={"Args": {"a.b": {"value": "1"}}})["hyperparams"]
    assert found == {"Args": {"a.b": {"section": "Args", "name": "a.b", "value": "1"}}}


@pytest.mark.parametrize("name", ["ab", "  ab  ", ""])
def test_a_short_name_is_refused(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        task_fields.task_name(name)
    assert caught.value.kind == DATA_VALIDATION[:2]


def test_a_retry_for_a_cause_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        sent(retry={"causes": ["bad luck"]})
    assert caught.value.kind == BAD_VALUE[:2]


def test_artifacts_are_unique_by_key_and_mode_and_sorted() -> None:
    known = [artifact("b"), artifact("a")]
    found, added = task_edit.add_artifacts(
        known, [artifact("a", uri="new"), artifact("a", "input"), artifact("c")]
    )
    assert [(a["key"], a["mode"]) for a in found] == [
        ("a", "input"),
        ("a", "output"),
        ("b", "output"),
        ("c", "output"),
    ]
    assert found[1]["uri"] == "new"
    assert added == ["a", "c"]


def test_an_artifact_is_deleted_in_its_mode_only() -> None:
    known = [artifact("a", "input"), artifact("a", "output")]
    left = task_edit.delete_artifacts(known, [ArtifactId(key="a")])
    assert [a["mode"] for a in left] == ["input"]


HYPERPARAMS = {
    "Args": {"lr": {"section": "Args", "name": "lr", "value": "1"}},
    "General": {"x": {"section": "General", "name": "x", "value": "2"}},
}


@pytest.mark.parametrize(
    ("replace", "left"),
    [
        ("none", {"Args": {"lr", "new"}, "General": {"x"}}),
        ("section", {"Args": {"new"}, "General": {"x"}}),
        ("all", {"Args": {"new"}}),
    ],
)
def test_editing_parameters_keeps_what_is_not_replaced(
    replace: str, left: dict[str, set[str]]
) -> None:
    item = ParamItem(section="Args", name="new", value="3")
    found = task_edit.edit_params(HYPERPARAMS, [item], replace)
    assert {section: set(items) for section, items in found.items()} == left
    assert found["Args"]["new"]["value"] == "3"


def test_a_key_without_a_name_deletes_the_section() -> None:
    found = task_edit.delete_params(HYPERPARAMS, [ParamKey(section="Args", name="")])
    assert set(found) == {"General"}


def test_a_section_goes_with_its_last_parameter() -> None:
    found = task_edit.delete_params(HYPERPARAMS, [ParamKey(section="Args", name="lr")])
    assert set(found) == {"General"}


def test_a_model_is_set_in_the_place_of_its_name() -> None:
    known = [{"name": "a", "model": "1"}, {"name": "b", "model": "2"}]
    assert task_edit.set_model(known, {"name": "a", "model": "9"}) == [
        {"name": "a", "model": "9"},
        {"name": "b", "model": "2"},
    ]


def test_models_are_deleted_by_use_and_name() -> None:
    both = {"input": [{"name": "a"}], "output": [{"name": "a"}]}
    found = task_edit.delete_models(both, [TaskModelKey(name="a", type="output")])
    assert found == {"input": [{"name": "a"}], "output": []}


@pytest.mark.parametrize("status", ["stopped", "completed", "failed", "published", "closed"])
def test_force_does_not_open_the_parameters_of_a_task_that_is_over(status: str) -> None:
    with pytest.raises(ApiError) as caught:
        task_edit.require_live("t", status, force=True)
    assert caught.value.kind == INVALID_TASK_STATUS[:2]


@pytest.mark.parametrize("status", ["created", "queued", "in_progress"])
def test_force_opens_the_parameters_of_a_task_that_waits_or_runs(status: str) -> None:
    task_edit.require_live("t", status, force=True)


def test_only_drafts_are_edited_without_force() -> None:
    with pytest.raises(ApiError):
        task_edit.require_draft("t", "queued", force=False)
    task_edit.require_draft("t", "published", force=True)


SOURCE: dict[str, Any] = {
    "id": "source",
    "name": "first",
    "type": "training",
    "status": "completed",
    "project": "p",
    "tags": ["mine"],
    "system_tags": ["archived", "development", "hidden"],
    "script": {"repository": "r", "diff": "d"},
    "execution": {
        "queue": "q",
        "framework": "torch",
        "artifacts": [artifact("in", "input"), artifact("out", "output")],
    },
    "hyperparams": HYPERPARAMS,
    "configuration": {"c": {"name": "c", "value": "v"}},
    "container": {"image": "i"},
    "models": {"input": [{"name": "m", "model": "1"}], "output": [{"name": "o", "model": "2"}]},
    "output": {"destination": "s3://b", "error": "bang"},
    "runtime": {"_x": 1},
    "started": NOW,
}


def test_a_clone_takes_what_a_run_needs_and_leaves_what_a_run_made() -> None:
    found = task_clone.clone(SOURCE, Clone(task="source"), NEWEST, NOW)
    assert found["execution"] == {"framework": "torch", "artifacts": [artifact("in", "input")]}
    assert found["models"] == {"input": SOURCE["models"]["input"], "output": []}
    assert found["output"] == {"destination": "s3://b"}
    assert found["system_tags"] == ["hidden"]
    assert found["parent"] == "source"
    assert not {"id", "status", "runtime", "started"} & set(found)
    for field in ("type", "script", "container", "hyperparams", "configuration", "tags"):
        assert found[field] == SOURCE[field]


def test_a_clone_of_a_clone_keeps_the_parent() -> None:
    found = task_clone.clone({**SOURCE, "parent": "root"}, Clone(task="source"), NEWEST, NOW)
    assert found["parent"] == "root"


def test_what_a_clone_is_told_wins() -> None:
    request = msgspec.convert(
        {
            "task": "source",
            "new_task_name": " second ",
            "new_task_tags": ["b", "a"],
            "new_task_system_tags": [],
            "new_task_container": {"image": "other"},
            "new_task_hyperparams": {"Args": {"lr": {"value": "5"}}},
            "execution_overrides": {"framework": "jax", "model_labels": None},
        },
        Clone,
    )
    found = task_clone.clone(SOURCE, request, NEWEST, NOW)
    assert found["name"] == "second"
    assert (found["tags"], found["system_tags"]) == (["a", "b"], [])
    assert found["container"] == {"image": "other"}
    assert set(found["hyperparams"]) == {"Args"}
    assert found["execution"]["framework"] == "jax"


def test_old_parameters_become_sections() -> None:
    found = sent((2, 8), execution={"parameters": {"lr.x": 1, "TF_DEFINE/b": "2"}})
    assert found["hyperparams"] == {
        "Args": {
            "lr.x": {"section": "Args", "name": "lr.x", "value": "1", "type": "legacy"},
        },
        "TF_DEFINE": {
            "b": {"section": "TF_DEFINE", "name": "b", "value": "2", "type": "legacy"},
        },
    }
    assert found["execution"] == {}


def test_an_old_command_becomes_a_container() -> None:
    found = sent((2, 9), execution={"docker_cmd": "image -e A=1 "})
    assert found["container"] == {"image": "image", "arguments": "-e A=1"}


def test_the_present_name_wins_over_the_old_one() -> None:
    found = sent(container={"image": "new"}, execution={"docker_cmd": "old"})
    assert found["container"] == {"image": "new"}


def test_an_old_edit_keeps_what_the_old_form_cannot_say() -> None:
    item = {"section": "Args", "name": "lr", "value": "1", "type": "float"}
    changed = task_versions.sections_of({"lr": "2"})
    found = task_versions.settle("hyperparams", {"Args": {"lr": item}}, changed)
    assert found == {"Args": {"lr": {**item, "value": "2"}}}
    container = {"image": "i", "arguments": "a", "setup_shell_script": "s"}
    found = task_versions.settle("container", container, task_versions.container_of("j"))
    assert found == {"image": "j", "arguments": "", "setup_shell_script": "s"}


def test_an_old_edit_that_repeats_a_model_keeps_the_models() -> None:
    models = {"input": [{"name": "a", "model": "1"}, {"name": "b", "model": "2"}], "output": []}
    same = {"input": [{"name": "input", "model": "2"}]}
    other = {"input": [{"name": "input", "model": "3"}]}
    assert task_versions.settle("models", models, same) == models
    assert task_versions.settle("models", models, other) == {**models, **other}


def test_an_old_caller_sees_old_homes() -> None:
    found = task_versions.downgrade(SOURCE, (2, 2))
    assert found["execution"]["parameters"] == {"lr": "1", "General/x": "2"}
    assert found["execution"]["model_desc"] == {"c": "v"}
    assert found["execution"]["docker_cmd"] == "i"
    assert found["execution"]["model"] == "1"
    assert found["output"]["model"] == "2"
    assert found["tags"] == ["archived", "development", "hidden", "mine"]
    assert found["system_tags"] == []


def test_a_caller_of_today_sees_no_old_homes() -> None:
    assert task_versions.downgrade(SOURCE, NEWEST) == SOURCE


def test_an_old_projection_reads_what_the_old_field_is_made_of() -> None:
    assert task_versions.fields_to_read(["execution.parameters"], (2, 8)) == [
        "execution.parameters",
        "hyperparams",
    ]
    assert task_versions.fields_to_read(["execution.parameters"], NEWEST) == [
        "execution.parameters"
    ]


@given(st.dictionaries(names, parameters.filter(bool), max_size=4))
def test_sections_survive_the_old_flat_form(sections: dict[str, dict[str, str]]) -> None:
    sections = {s: items for s, items in sections.items() if "/" not in s}
    known = {
        s: {n: {"section": s, "name": n, "value": v, "type": "legacy"} for n, v in items.items()}
        for s, items in sections.items()
    }
    assert task_versions.sections_of(task_versions.flat(known)) == known
