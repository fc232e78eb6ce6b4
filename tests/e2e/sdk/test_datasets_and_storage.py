"""Datasets, and files by their addresses."""

from __future__ import annotations

import re

import pytest

from taskyard.api.errors import ApiError
from tests.beds.server import Api
from tests.e2e.sdk.client import Sdk


def test_datasets_and_their_versions(sdk: Sdk, api: Api) -> None:
    told = sdk.script("datasets.py").told
    assert (told["version"], told["child_version"]) == ("1.0.0", "1.0.1")
    assert told["newest"] == told["child"]
    assert told["base_files"] == ["a ü.csv", "b.csv"]
    assert told["contents"] == {"a ü.csv": "1,2\n", "b.csv": "3,4\n"}
    assert "c.csv" in told["files"]
    assert told["child_contents"]["c.csv"] == "5,6\n"
    assert told["mutable"] == ["a ü.csv", "b.csv"]
    assert told["metadata"] == {"rows": 2}
    assert told["parents"] == [told["base"]]
    assert set(told["listed"]) >= {told["base"], told["child"]}
    base = api("tasks.get_by_id", task=told["base"])["task"]
    assert (base["status"], base["type"]) == ("completed", "data_processing")
    assert "dataset" in base["system_tags"]
    assert base["tags"] == ["small"]
    project = api("projects.get_by_id", project=base["project"])["project"]
    assert project["name"] == "datasets/.datasets/numbers ü"
    assert set(project["system_tags"]) >= {"dataset", "hidden"}
    with pytest.raises(ApiError):
        api("tasks.get_by_id", task=told["spare"])


def test_files_by_their_addresses(sdk: Sdk) -> None:
    told = sdk.script("storage.py").told
    assert told["content"] == "content"
    assert (told["exists"], told["missing"]) == (True, False)
    assert told["size"] == 7
    assert told["big"] is True
    assert (told["one"], told["downloaded"]) == ("1", "2")


def test_clearml_data(sdk: Sdk, api: Api) -> None:
    (sdk.folder / "data").mkdir()
    (sdk.folder / "data" / "x.csv").write_text("x")
    words = ["create", "--project", "datasets", "--name", "from the shell"]
    created = sdk.program("clearml-data", *words).output
    found = re.search(r"id=([0-9a-f]{32})", created)
    assert found, created
    sdk.program("clearml-data", "add", "--id", found[1], "--files", "data")
    sdk.program("clearml-data", "close", "--id", found[1])
    listed = sdk.program("clearml-data", "list", "--id", found[1]).output
    assert "x.csv" in listed
    sdk.program("clearml-data", "get", "--id", found[1], "--copy", str(sdk.folder / "copy"))
    assert (sdk.folder / "copy" / "x.csv").read_text() == "x"
    assert api("tasks.get_by_id", task=found[1])["task"]["status"] == "completed"
