"""Parameters, configurations and what describes a task."""

from __future__ import annotations

import re

from tests.beds.server import Api
from tests.e2e.sdk.client import Sdk


def test_parameters_of_every_kind(sdk: Sdk, api: Api) -> None:
    told = sdk.script("parameters.py", "--epochs", "7", "--many", "4", "5").told
    flat = told["flat"]
    assert flat["Args/epochs"] == "7"
    assert flat["Args/many"] == "[4, 5]"
    assert flat["Args/positional"] == "here"
    assert flat["Plain/text"] == "a ü"
    assert flat["Plain/nested/a/b"] == "1"
    assert flat["Plain/nested/a/c.d"] == "2"
    assert flat["Plain/dotted.name"] == "1"
    assert flat["Plain/$sign"] == "x"
    assert flat["Object/rate"] == "0.5"
    assert flat["Class/layers"] == "[1, 2]"
    assert flat["Enum/kind"] == "large"
    assert flat["Extra/updated"] == "yes"
    assert told["cast"]["Args/epochs"] == 7
    assert told["cast"]["Plain/real"] == 1e-5
    assert told["cast"]["Plain/yes"] is True
    assert told["cast"]["Plain/list"] == [1, "b", 2.5]
    assert told["nested"]["Deep"]["x"]["y"] == 1
    assert (told["one"], told["absent"]) == ("5", None)
    assert told["network"] == told["same"] == "layers: 3\nact: relu\n"
    assert told["free"] == "free text = ü"
    assert told["as_dict"] == {"depth": 2, "inner": {"a": None}}
    assert told["all"] == ["as a dict", "free text", "network"]

    task = api("tasks.get_by_id", task=told["id"])["task"]
    epochs = task["hyperparams"]["Args"]["epochs"]
    assert (epochs["value"], epochs["type"]) == ("7", "int")
    assert task["hyperparams"]["Extra"]["later"]["description"] == "set later"
    assert task["hyperparams"]["Plain"]["nested/a/c.d"]["value"] == "2"
    assert task["configuration"]["as a dict"]["description"] == "described"


def test_parameters_of_click(sdk: Sdk, api: Api) -> None:
    told = sdk.script("clicked.py", "--count", "3", "--shout").told
    assert (told["count"], told["name"], told["shout"]) == (3, "nobody", True)
    parameters = api("tasks.get_by_id", task=told["id"])["task"]["hyperparams"]["Args"]
    values = {name: item["value"] for name, item in parameters.items()}
    assert values["count"] == "3"
    assert values["shout"] == "True"


def test_a_run_takes_the_parameters_that_were_edited(sdk: Sdk, api: Api) -> None:
    first = sdk.script("overridden.py").told
    assert (first["epochs"], first["plain"]["rate"]) == (3, 0.1)
    clone = api("tasks.clone", task=first["id"])["id"]
    changes = [("Args", "epochs", "9"), ("Args", "flag", "True"), ("Plain", "rate", "0.5")]
    changes += [("Plain", "nested/names", "['b', 'c']"), ("Plain", "nothing", "now")]
    edited = [{"section": s, "name": n, "value": v} for s, n, v in changes]
    api("tasks.edit_hyper_params", task=clone, hyperparams=edited)
    api(
        "tasks.edit_configuration",
        task=clone,
        configuration=[{"name": "settings", "type": "dictionary", "value": "depth = 8"}],
    )
    second = sdk.script(
        "overridden.py", CLEARML_TASK_ID=clone, CLEARML_SIMULATE_REMOTE_TASK="1"
    ).told
    assert second["id"] == clone
    assert (second["epochs"], second["flag"]) == (9, True)
    assert second["plain"] == {"rate": 0.5, "nested": {"names": ["b", "c"]}, "nothing": "now"}
    assert second["settings"] == {"depth": 8}


def test_properties_tags_and_comment(sdk: Sdk, api: Api) -> None:
    told = sdk.script("properties.py").told
    assert told["properties"]["described"]["description"] == "what it is"
    assert told["values"] == {"accuracy": "0.5", "text": "ü", "described": "3"}
    assert set(told["tags"]) == {"first", "second", "third ü"}
    assert told["comment"] == "a comment\nin two lines"
    assert told["name"] == "renamed"
    assert told["type"] == "data_processing"
    assert told["progress"] == 40
    assert told["project"] == "properties/moved"
    assert "python:3.11" in told["container"]
    assert re.search(rf"/projects/\w+/tasks/{told['id']}/", told["page"])
    task = api("tasks.get_by_id", task=told["id"])["task"]
    assert task["container"]["image"] == "python:3.11"
    assert task["script"]["entry_point"] == "other.py"
    assert task["hyperparams"]["properties"]["text"]["value"] == "ü"
    assert "gone" not in task["hyperparams"]["properties"]
    assert task["status"] == "completed"
