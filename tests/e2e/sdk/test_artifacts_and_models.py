"""Files that a script keeps: artifacts and models."""

from __future__ import annotations

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api
from tests.e2e.sdk.client import Sdk


def test_artifacts_of_every_kind(sdk: Sdk, api: Api) -> None:
    told = sdk.script("artifacts.py").told
    names = {"settings", "text", "array", "frame", "picture", "file ü 1", "folder", "wildcard"}
    names |= {"pickled", "previewed", "waited for", "table"}
    assert told["deleted"] is True
    assert set(told["names"]) == names
    assert told["settings"] == {"rate": 0.1, "deep": {"a": [1, 2]}}
    assert told["text"] == "plain text"
    assert told["array"] == [[0, 1, 2], [3, 4, 5]]
    assert told["frame"]["x"] == [1, 2]
    assert told["picture"] == [3, 4]
    assert told["note"] == "a note"
    assert told["note_metadata"] == {"kind": "note"}
    assert told["note_size"] == 6
    assert told["folder"] == ["a.csv", "b.csv"]
    assert told["wildcard"] == ["a.csv", "b.csv"]
    assert told["pickled"] == [1, 2, 3]
    assert told["preview"] == "shown instead"
    assert told["cached"] is True
    stored = api("tasks.get_by_id", task=told["id"])["task"]["execution"]["artifacts"]
    assert [artifact["key"] for artifact in stored] == sorted(names)
    note = next(artifact for artifact in stored if artifact["key"] == "file ü 1")
    assert note["hash"] == told["hash"]
    assert note["content_size"] == 6


def test_models(sdk: Sdk, api: Api) -> None:
    told = sdk.script("models.py").told
    assert told["weights"] == "2" * 1000
    assert told["labels"] == {"cat": 1, "dog": 2}
    assert told["metadata"]["accuracy"] == {"key": "accuracy", "type": "float", "value": "0.9"}
    assert told["casted"] == 0.9
    assert told["design"] == {"layers": 3}
    assert (told["published_before"], told["published"]) == (False, True)
    assert told["queried"] == told["by_name"] == told["by_metadata"] == [told["model"]]
    assert told["model"] in told["only_published"]
    assert told["outputs"] == [told["model"]]
    assert told["inputs"] == {"registered": told["registered"]}
    assert told["registered"] not in told["archived"]

    stored = api("models.get_by_id", model=told["model"])["model"]
    assert stored["ready"] is True
    assert stored["name"] == "classifier ü"
    assert set(stored["tags"]) == {"good", "small"}
    assert stored["task"] == told["id"]
    assert stored["metadata"]["owner.name"]["value"] == "me"
    task = api("tasks.get_by_id", task=told["id"])["task"]
    assert told["model"] in [model["model"] for model in task["models"]["output"]]
    with pytest.raises(ApiError):
        api("models.get_by_id", model=told["spare"])
