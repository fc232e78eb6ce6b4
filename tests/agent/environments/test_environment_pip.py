"""The manager ``pip``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taskyard.agent.environments import store
from taskyard.api.errors import Cause, RunError

if TYPE_CHECKING:
    from tests.agent.environments.conftest import Machine, Python


@pytest.fixture(scope="session")
def pip_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pip")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), "pip"]
    subprocess.run(command, check=True)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def known_bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def machine(machine: Machine, pip_wheel: Path, known_bytecode: Path) -> Machine:
    (machine.cache / "bytecode").symlink_to(known_bytecode)
    (machine.wheels / pip_wheel.name).symlink_to(pip_wheel)
    machine.only_own_wheels()
    machine.wheel("one")
    return machine


def test_packages_are_installed_and_frozen(machine: Machine) -> None:
    frozen = machine.prepare("one", manager="pip").packages.splitlines()
    assert [line.partition("==")[0] for line in frozen] == ["one", "pip"]


def test_commands_run_in_the_private_environment(machine: Machine) -> None:
    ready = machine.prepare("one", manager="pip")
    where = subprocess.run([ready.bin / "one-where"], capture_output=True, text=True, check=True)
    assert where.stdout.strip() == str(ready.bin.parent)


def test_the_same_list_is_another_environment_than_by_uv(machine: Machine) -> None:
    assert machine.prepare("one", manager="pip").key != machine.prepare("one").key


def test_an_identical_wish_reuses_the_environment(machine: Machine) -> None:
    machine.prepare("one", manager="pip")
    assert machine.prepare("# again\nOne", manager="pip").reused


def test_a_project_is_taken_from_the_tree(machine: Machine, python: Python) -> None:
    # Setuptools would have to come from an index: this back end is the project's own.
    machine.write(
        "pyproject.toml",
        "[project]\nname = 'mine'\nversion = '1'\ndependencies = ['one']\n"
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
    )
    machine.write("mine.py", "import one\nword = one.version\n")
    machine.write("backend.py", _BACKEND)
    ready = machine.prepare(manager="pip")
    assert python(ready, "import mine; print(mine.word, mine.__file__)") == (
        f"1.0 {machine.tree}/mine.py"
    )


def test_a_project_stays_out_of_the_shared_environment(machine: Machine) -> None:
    machine.write("pyproject.toml", "[project]\nname = 'mine'\ndependencies = ['one']\n")
    ready = machine.prepare(manager="pip")
    site = next(store.folder(machine.cache).glob(f"{ready.key}/venv/lib/*/site-packages"))
    names = {path.name.partition("-")[0] for path in site.glob("*.dist-info")}
    assert names == {"one", "pip"}


def test_extra_arguments_reach_pip(machine: Machine) -> None:
    machine.wheel("two", **{"two-1.0.dist-info/METADATA": _needs("two", "one")})
    ready = machine.prepare("two", manager="pip", pip_arguments=["--no-deps"])
    assert "one" not in ready.packages


@pytest.mark.parametrize(
    ("packages", "what"),
    [
        ("nonesuch", "no matching distribution for nonesuch"),
        ("one==9", "no matching distribution for one==9"),
        ("one=1.0", "the list of packages cannot be read: 'one=1.0'"),
        ("needs-old\none==1.0", "cannot be installed together: .*one==1.0"),
        ("git+file:///nowhere/at/all", "cannot fetch file:///nowhere/at/all"),
    ],
)
def test_what_pip_cannot_do_is_named(machine: Machine, packages: str, what: str) -> None:
    about = "needs_old-1.0.dist-info/METADATA"
    machine.wheel("needs_old", **{about: _needs("needs_old", "one<1")})
    with pytest.raises(RunError, match=what):
        machine.prepare(packages, manager="pip")


def test_a_failure_of_pip_is_one_of_the_environment(machine: Machine) -> None:
    with pytest.raises(RunError) as caught:
        machine.prepare("nonesuch", manager="pip")
    assert (caught.value.cause, "nonesuch" in caught.value.tail) == (Cause.ENVIRONMENT, True)


def _needs(name: str, needed: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {needed}\n"


_BACKEND = """
import os, zipfile

FILES = {
    "mine.pth": os.getcwd(),
    "mine-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n"
    "Requires-Dist: one\\n",
    "mine-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "mine-1-py3-none-any.whl"
    record = "mine-1.dist-info/RECORD"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as archive:
        for inside, text in FILES.items():
            archive.writestr(inside, text)
        archive.writestr(record, "".join(f"{inside},,\\n" for inside in [*FILES, record]))
    return name
"""
