"""The manager ``poetry``, with Poetry itself from the index of Python packages."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from taskyard.api.errors import Cause, RunError

if TYPE_CHECKING:
    from tests.agent.environments.conftest import Machine, Python

PROJECT = """
[tool.poetry]
name = "mine"
version = "1.0"
description = ""
authors = []
[tool.poetry.dependencies]
python = ">=3.11"
six = "1.16.0"
[tool.poetry.scripts]
mine-run = "mine:main"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""


@pytest.fixture
def machine(machine: Machine) -> Machine:
    # Named, it is asked in the way that every mirror of it answers.
    machine.environ.setdefault("PIP_INDEX_URL", "https://pypi.org/simple")
    machine.write("pyproject.toml", PROJECT)
    machine.write("mine.py", "import six\ndef main(): print('ran with', six.__version__)\n")
    return machine


def test_a_project_of_poetry_gets_its_packages(machine: Machine) -> None:
    assert machine.prepare().packages == "six==1.16.0\n-e .\n"


def test_a_project_of_poetry_brings_its_commands(machine: Machine) -> None:
    ready = machine.prepare()
    ran = subprocess.run([ready.bin / "mine-run"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "ran with 1.16.0"


def test_a_second_attempt_reuses_the_environment(machine: Machine) -> None:
    machine.prepare()
    assert machine.prepare().reused


def test_the_tree_is_left_without_a_lock_file_that_is_not_its_own(machine: Machine) -> None:
    machine.prepare()
    assert not (machine.tree / "poetry.lock").exists()


def test_a_lock_file_that_does_not_fit_is_named(machine: Machine) -> None:
    machine.write("poetry.lock", _LOCK)
    with pytest.raises(RunError, match=r"poetry\.lock does not fit") as caught:
        machine.prepare()
    assert caught.value.cause == Cause.ENVIRONMENT


def test_a_version_that_is_not_there_is_named(machine: Machine) -> None:
    machine.write("pyproject.toml", PROJECT.replace("1.16.0", "99.0"))
    with pytest.raises(RunError, match="no matching distribution for six"):
        machine.prepare()


def test_recorded_packages_come_first_unless_poetry_is_named(
    machine: Machine, python: Python
) -> None:
    ready = machine.prepare("iniconfig==2.0.0", manager="poetry")
    assert python(ready, "import six; print(six.__version__)") == "1.16.0"


def test_a_poetry_that_is_not_to_be_had_is_named(machine: Machine) -> None:
    with pytest.raises(RunError, match="poetry is not to be had"):
        machine.prepare(poetry_version="==0.0.999")


_LOCK = """
package = []
[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = "0"
"""
