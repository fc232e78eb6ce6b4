"""From a task, as the server hands it out, to what the supervisor is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskyard.agent import assignment
from taskyard.agent.run.spec import RunSpec
from taskyard.client.config import Profile

PROFILE = Profile(url="http://server:8008", access_key="ACCESS", secret_key="SECRET")


def spec(task: dict[str, Any] | None = None, **script: Any) -> RunSpec:
    document = {"id": "0123abcd", "script": script, **(task or {})}
    return assignment.run_spec(document, 2, worker="host:0", profile=PROFILE, cache=Path("/cache"))


def parameters(**sections: dict[str, Any]) -> dict[str, Any]:
    return {
        "hyperparams": {
            section: {
                name: {"section": section, "name": name, "value": value}
                for name, value in items.items()
            }
            for section, items in sections.items()
        }
    }


def test_a_bare_task_has_all_defaults() -> None:
    found = spec()
    assert (found.task, found.attempt, found.cache) == ("0123abcd", 2, "/cache")
    assert (found.code.binary, found.code.working_dir) == ("python", ".")
    assert (found.limits.grace, found.limits.time_limit) == (30.0, 0.0)


def test_a_task_without_a_script_section_is_no_accident() -> None:
    document = {"id": "0123abcd", "script": None, "hyperparams": None, "container": None}
    found = assignment.run_spec(document, 1, worker="w", profile=PROFILE, cache=Path("/cache"))
    assert found.code.entry_point == ""


def test_the_command_line_has_the_parameters_of_now() -> None:
    template = ["--lr", "${Args/lr}", "${Args/verbose?--verbose}"]
    found = spec(parameters(Args={"lr": 0.5, "verbose": "true"}), arguments=template)
    assert found.code.arguments == ["--lr", "0.5", "--verbose"]


def test_parameters_of_the_section_environment_become_variables() -> None:
    found = spec(parameters(Environment={"GREETING": "hi", "EMPTY": "", "bad=name": "x", "": "y"}))
    assert found.variables["GREETING"] == "hi"
    assert found.variables["EMPTY"] == ""
    assert "bad=name" not in found.variables
    assert "" not in found.variables


def test_the_sdk_finds_its_task_and_server() -> None:
    variables = spec().variables
    assert variables["CLEARML_TASK_ID"] == "0123abcd"
    assert variables["CLEARML_API_HOST"] == "http://server:8008"
    assert variables["CLEARML_FILES_HOST"] == "http://server:8008/files"


def test_a_parameter_cannot_replace_the_tasks_identity() -> None:
    found = spec(parameters(Environment={"CLEARML_TASK_ID": "another"}))
    assert found.variables["CLEARML_TASK_ID"] == "0123abcd"


def test_keys_are_among_the_secrets_only() -> None:
    secrets = assignment.secrets(PROFILE, {"github.com": ("me", "token")})
    assert secrets.variables["CLEARML_API_SECRET_KEY"] == "SECRET"
    assert secrets.git == {"github.com": ("me", "token")}
    assert "SECRET" not in str(spec())


@pytest.mark.parametrize(
    ("binary", "version"),
    [
        ("python3.11", "3.11"),
        ("/usr/bin/python3.12", "3.12"),
        ("python", ""),
        ("/usr/bin/python3", ""),
        ("bash", ""),
        ("python3.11-dbg", ""),
    ],
)
def test_the_binary_says_which_python_is_asked_for(binary: str, version: str) -> None:
    assert spec(binary=binary).environment.python == version


@pytest.mark.parametrize(
    ("recorded", "packages"),
    [
        ({"pip": "numpy==1.26\npandas\n"}, "numpy==1.26\npandas\n"),
        ({"pip": ["numpy==1.26", "pandas"]}, "numpy==1.26\npandas"),
        ({"pip": None}, ""),
        ("numpy", ""),
        (None, ""),
    ],
)
def test_packages_come_as_clients_record_them(recorded: Any, packages: str) -> None:
    assert spec(requirements=recorded).environment.packages == packages


@pytest.mark.parametrize("given", [{"grace": "soon"}, {"grace": -1}, {"grace": None}, None])
def test_a_time_of_grace_that_is_none_is_the_usual_one(given: Any) -> None:
    assert spec({"limits": given}).limits.grace == assignment.GRACE


def test_no_grace_at_all_is_one() -> None:
    assert spec({"limits": {"grace": 0, "time": 60}}).limits.grace == 0
