"""What a task installs and runs stays in an environment of its own, over the shared one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

if TYPE_CHECKING:
    from taskyard.agent.run.environment import Ready
    from tests.agent.environments.conftest import Machine, Python


def _install_two(machine: Machine, ready: Ready) -> None:
    command = [find_uv_bin(), "pip", "install", "-q", "--no-index", "--find-links"]
    target = ["--python", str(ready.python), "one==2.0"]
    subprocess.run([*command, str(machine.wheels), *target], env=machine.environ, check=True)


def test_what_a_task_installs_stays_in_its_own_layer(
    machine: Machine, snapshot: Callable[[Path], object]
) -> None:
    machine.only_own_wheels()
    machine.wheel("one", "1.0")
    machine.wheel("one", "2.0")
    ready = machine.prepare("one==1.0")
    shared = machine.cache / "environments" / ready.key / "venv"
    before = snapshot(shared)
    _install_two(machine, ready)
    assert snapshot(shared) == before


def test_what_a_task_installs_comes_before_the_shared_package(
    machine: Machine, python: Python
) -> None:
    machine.only_own_wheels()
    machine.wheel("one", "1.0")
    machine.wheel("one", "2.0")
    ready = machine.prepare("one==1.0")
    _install_two(machine, ready)
    assert python(ready, "import one; print(one.version)") == "2.0"


def test_pip_of_the_task_does_not_touch_the_shared_environment(
    machine: Machine, python: Python, snapshot: Callable[[Path], object]
) -> None:
    machine.wheel("one", "2.0")
    old = machine.wheel("one", "1.0")
    ready = machine.prepare(f"pip\n{old}")
    shared = machine.cache / "environments" / ready.key / "venv"
    before = snapshot(shared)
    command = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'pip', 'install', "
    command += f"'-q', '--no-index', '--find-links', {str(machine.wheels)!r}, '-U', 'one'])"
    python(ready, command)
    assert (snapshot(shared) == before, python(ready, "import one; print(one.version)")) == (
        True,
        "2.0",
    )


def test_the_shared_environment_is_read_only(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    ready = machine.prepare("one")
    machine.settle()
    shared = machine.cache / "environments" / ready.key / "venv"
    writable = [p for p in shared.rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o222]
    assert writable == []


def test_commands_of_packages_run_in_the_private_environment(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.prepare("one")
    ready = machine.prepare("one")
    where = subprocess.run([ready.bin / "one-where"], capture_output=True, text=True, check=True)
    assert where.stdout.strip() == str(ready.bin.parent)


def test_metadata_of_shared_packages_is_found(machine: Machine, python: Python) -> None:
    machine.only_own_wheels()
    machine.wheel("one", "1.5")
    ready = machine.prepare("one")
    assert python(ready, "from importlib import metadata as m; print(m.version('one'))") == "1.5"


def test_path_files_of_shared_packages_work(machine: Machine, python: Python) -> None:
    machine.only_own_wheels()
    machine.wheel("one", **{"hook.pth": "import sys; sys.hooked = 'yes'\n"})
    ready = machine.prepare("one")
    assert python(ready, "import sys; print(sys.hooked)") == "yes"


def test_data_files_of_packages_are_found_under_the_prefix(
    machine: Machine, python: Python
) -> None:
    machine.only_own_wheels()
    machine.wheel("one", **{"one-1.0.data/data/share/one/answer": "42"})
    ready = machine.prepare("one")
    code = "import sys; print(open(sys.prefix + '/share/one/answer').read())"
    assert python(ready, code) == "42"
