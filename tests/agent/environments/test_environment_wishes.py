"""What the agent's configuration and the project's files change of an environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taskyard.agent.environments import requirements, sources, uv, workshop
from taskyard.agent.run.spec import Environment
from taskyard.api.errors import RunError

if TYPE_CHECKING:
    from tests.agent.environments.conftest import Machine, Python

POETRY = "[tool.poetry]\nname = 'x'\nversion = '1'\n"
PROJECT = "[project]\nname = 'x'\nversion = '1'\n"


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ({}, ["nothing"]),
        ({"requirements.txt": ""}, ["list"]),
        ({"pyproject.toml": PROJECT}, ["project"]),
        (
            {"pyproject.toml": PROJECT, "uv.lock": "", "poetry.lock": ""},
            ["lock", "poetry", "project"],
        ),
        ({"pyproject.toml": POETRY}, ["poetry"]),
        ({"pyproject.toml": POETRY, "requirements.txt": ""}, ["list", "poetry"]),
        ({"pyproject.toml": POETRY, "poetry.lock": "", "requirements.txt": ""}, ["poetry", "list"]),
        ({"pyproject.toml": PROJECT + POETRY}, ["project", "poetry"]),
        ({"environment.yml": "", "requirements.txt": ""}, ["list", "conda"]),
        ({"environment.yaml": ""}, ["conda"]),
        ({"Pipfile": ""}, ["pipenv"]),
        ({"pyproject.toml": "[tool.ruff]\n"}, ["nothing"]),
    ],
)
def test_the_lists_of_a_project_are_found_in_order(
    tmp_path: Path, files: dict[str, str], kinds: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = [one.kind for one in sources.candidates(Environment(), tmp_path, tmp_path)]
    assert list(dict.fromkeys(found)) == kinds


def test_recorded_packages_come_before_those_of_the_repository(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    machine.write("requirements.txt", "two\n")
    assert machine.prepare("one").packages == "one==1.0\n"


def test_the_repository_may_come_first(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    machine.write("requirements.txt", "two\n")
    assert machine.prepare("one", repository_first=True).packages == "two==1.0\n"


def test_recorded_packages_count_where_the_repository_has_no_list(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    assert machine.prepare("one", repository_first=True).packages == "one==1.0\n"


def test_an_agent_that_prefers_another_manager_says_why_it_is_not_used(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.prepare("one", preferred_manager="poetry")
    assert "this agent's `poetry` has nothing to go by" in machine.said[0]


def test_packages_of_the_interpreter_are_seen_where_that_is_wished_for(
    machine: Machine, python: Python
) -> None:
    code = (
        "import sys; own = (sys.base_prefix, '/usr/lib/python3')\n"
        "print(any(p.startswith(own) and p.endswith('-packages') for p in sys.path))"
    )
    seen = [python(machine.prepare(system_site_packages=wish), code) for wish in (True, False)]
    assert seen == ["True", "False"]


def test_the_named_interpreter_is_used_whatever_is_asked_for(machine: Machine) -> None:
    ready = machine.prepare(python="3.99", python_binary=sys.executable)
    assert ready.version == ".".join(map(str, sys.version_info[:3]))


def test_a_named_interpreter_that_is_not_there_is_said(machine: Machine) -> None:
    with pytest.raises(RunError, match="/none/python is not on this machine") as caught:
        machine.prepare(python_binary="/none/python")
    assert "python_binary" in caught.value.hint


def _cut(text: str, first: tuple[str, ...], last: tuple[str, ...]) -> list[list[str]]:
    listed = requirements.read(text, base=Path("/"), tree=Path("/"))
    return [[p.text for p in one.packages] for one in workshop.stages(listed, first, last)]


def test_a_list_is_installed_at_once_when_nothing_comes_first() -> None:
    assert _cut("one\ntwo", ("three",), ("four",)) == [["one", "two"]]


def test_each_stage_holds_those_before_it() -> None:
    assert _cut("late\nOne[x]>1\ntwo", ("one",), ("Late",)) == [
        ["one[x]>1"],
        ["one[x]>1", "two"],
        ["late", "one[x]>1", "two"],
    ]


def test_an_empty_list_is_one_stage() -> None:
    assert _cut("", ("one",), ("two",)) == [[]]


def test_the_order_is_part_of_the_environment(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    plain = machine.prepare("one\ntwo")
    ordered = machine.prepare("one\ntwo", post_packages=["one"])
    assert (plain.key != ordered.key, plain.packages) == (True, ordered.packages)


def test_an_order_that_changes_nothing_is_no_other_environment(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    key = machine.prepare("one").key
    assert machine.prepare("one", post_packages=["horovod"]).key == key


def test_a_pinned_build_of_pytorch_is_looked_for_on_its_own_index(machine: Machine) -> None:
    machine.only_own_wheels()
    with pytest.raises(RunError, match="torch"):
        machine.prepare("torch==9.9.9+cu118")
    assert any("cu118 builds of PyTorch" in line for line in machine.said)


def test_a_pin_of_pytorch_without_a_build_is_left_alone(machine: Machine) -> None:
    machine.only_own_wheels()
    with pytest.raises(RunError, match="torch"):
        machine.prepare("torch==9.9.9")
    assert not any("builds of PyTorch" in line for line in machine.said)


def test_builds_of_pytorch_make_another_environment(machine: Machine) -> None:
    assert machine.prepare("", torch_backend="cpu").key != machine.prepare("").key


def test_packages_with_different_builds_name_no_index() -> None:
    text = "torch==2.3.1+cu118\ntorchvision==0.18.1+cpu\n"
    listed = requirements.read(text, base=Path("/"), tree=Path("/"))
    assert uv._pinned_build(listed) == ""
