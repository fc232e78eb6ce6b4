"""The manager ``conda``, with a channel made on the spot."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taskyard.agent.environments import conda, store
from taskyard.api.errors import Cause, RunError
from tests.beds.channel import MINOR, PLACE, SITE, Channel

if TYPE_CHECKING:
    from tests.agent.environments.conftest import Machine, Python


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Channel:
    made = Channel(tmp_path_factory.mktemp("channel"))
    about = f"{SITE}/tiny-1.5.dist-info"
    files = {
        f"{SITE}/tiny.py": "import sys\nversion = '1.5'\ndef main(): print(sys.prefix)\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.5\n",
        f"{about}/RECORD": "tiny.py,,\n",
        "bin/tiny-where": f"#!{PLACE}/bin/python\nfrom tiny import main\nmain()\n",
        "bin/tiny-tool": f"#!/bin/sh\necho {PLACE}\n",
    }
    made.add("tiny", "1.5", files)
    return made


@pytest.fixture
def machine(machine: Machine, channel: Channel) -> Machine:
    machine.wheel("by_pip_alone")
    machine.environ.update(PATH="/usr/bin:/bin", PIP_FIND_LINKS=str(machine.wheels))
    machine.write("environment.yml", _description(channel))
    return machine


def _description(channel: Channel, *packages: str) -> str:
    listed = "".join(f"  - {package}\n" for package in packages or (f"python={MINOR}", "tiny"))
    return f"channels:\n  - {channel.url}\ndependencies:\n{listed}  - pip:\n    - by-pip-alone\n"


def test_packages_of_conda_and_of_pip_are_installed(machine: Machine, python: Python) -> None:
    ready = machine.prepare()
    assert (
        python(ready, "import tiny, by_pip_alone as p; print(tiny.version, p.version)") == "1.5 1.0"
    )


def test_what_conda_installed_is_told_apart(machine: Machine, channel: Channel) -> None:
    ready = machine.prepare()
    assert (
        ready.packages,
        ready.conda_packages.splitlines()[0],
        "tiny[" in ready.conda_packages,
    ) == (
        "by-pip-alone==1.0\n",
        f"# channel: {channel.url}/",
        True,
    )


def test_what_was_installed_installs_the_same_again(machine: Machine, python: Python) -> None:
    first = machine.prepare()
    (machine.tree / "environment.yml").unlink()
    again = machine.prepare(first.packages, conda_packages=first.conda_packages, manager="conda")
    assert (again.packages, again.conda_packages) == (first.packages, first.conda_packages)


def test_commands_start_the_private_python(machine: Machine) -> None:
    ready = machine.prepare()
    where = subprocess.run([ready.bin / "tiny-where"], capture_output=True, text=True, check=True)
    assert where.stdout.strip() == str(ready.bin.parent)


def test_other_programs_stay_where_their_files_are(machine: Machine) -> None:
    ready = machine.prepare()
    tool = Path(ready.variables["PATH"], "tiny-tool")
    said = subprocess.run([tool], capture_output=True, text=True, check=True).stdout.strip()
    assert said == ready.variables["CONDA_PREFIX"]


def test_a_second_attempt_reuses_the_environment(machine: Machine) -> None:
    machine.prepare()
    assert machine.prepare().reused


def test_a_package_that_no_channel_has_is_named(machine: Machine, channel: Channel) -> None:
    machine.write("environment.yml", _description(channel, f"python={MINOR}", "nonesuch"))
    with pytest.raises(RunError, match="no channel of conda has nonesuch") as caught:
        machine.prepare()
    assert caught.value.cause == Cause.ENVIRONMENT


def test_a_file_that_is_no_yaml_is_named(machine: Machine) -> None:
    machine.write("environment.yml", "dependencies: [")
    with pytest.raises(RunError, match=r"environment\.yml of the repository cannot be read"):
        machine.prepare()


def test_a_failed_build_leaves_nothing_behind(machine: Machine, channel: Channel) -> None:
    machine.write("environment.yml", _description(channel, "nonesuch"))
    with pytest.raises(RunError):
        machine.prepare()
    assert [path.name for path in store.folder(machine.cache).iterdir()] == [".locks"]


def test_no_conda_at_all_is_said(machine: Machine) -> None:
    (machine.cache / "tools").unlink()
    machine.environ["PIP_NO_INDEX"] = "1"
    with pytest.raises(RunError, match="no micromamba, mamba or conda on this machine") as caught:
        machine.prepare()
    assert "install micromamba" in caught.value.hint


def test_the_machines_own_program_is_used_where_there_is_one(machine: Machine) -> None:
    own = machine.base / "bin" / "micromamba"
    own.parent.mkdir()
    said = machine.base / "said.json"
    own.write_text(
        f"#!/usr/bin/python3\nimport json, sys\njson.dump(sys.argv[1:], open({str(said)!r}, 'w'))\n"
        "sys.exit('PackagesNotFoundError: no such packages:\\n\\n  - tiny\\n')\n"
    )
    own.chmod(0o755)
    machine.environ["PATH"] = f"{own.parent}:{machine.environ['PATH']}"
    with pytest.raises(RunError, match="no channel of conda has tiny"):
        machine.prepare()
    words = json.loads(said.read_text())
    assert (words[:3], words[-2:]) == (["create", "--yes", "--quiet"], [f"python={MINOR}", "tiny"])


def test_the_program_named_in_the_environment_comes_first(tmp_path: Path) -> None:
    for name in ("mamba", "mine"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": str(tmp_path), "MAMBA_EXE": str(tmp_path / "mine")}
    assert conda.find_program(environ) == str(tmp_path / "mine")


def test_a_build_killed_in_its_place_is_done_again(machine: Machine, tmp_path: Path) -> None:
    key = "0" * 32
    context = multiprocessing.get_context("fork")
    inside = context.Event()

    def build(place: Path) -> store.Manifest:
        (place / store.VENV).mkdir()
        if inside.is_set():
            return store.Manifest(key=key, inputs={}, python="3.11.7", site="lib", packages="")
        (place / store.VENV / "half").touch()
        inside.set()
        time.sleep(60)
        raise AssertionError

    def acquire() -> store.Entry:
        return store.acquire(tmp_path, key, build, print, in_place=True)[0]

    builder = context.Process(target=acquire, daemon=True)
    builder.start()
    assert inside.wait(30)
    os.kill(builder.pid or 0, signal.SIGKILL)
    builder.join(30)
    assert list((acquire().path / store.VENV).iterdir()) == []
