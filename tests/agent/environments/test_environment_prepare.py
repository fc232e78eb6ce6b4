"""What an attempt gets when it asks for an environment."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from taskyard.agent.environments import failures, interpreters
from taskyard.api.errors import Cause, RunError

if TYPE_CHECKING:
    from tests.agent.environments.conftest import Machine, Python

OWN = ".".join(map(str, sys.version_info[:2]))


def test_recorded_packages_as_the_clearml_sdk_writes_them_are_installed(
    machine: Machine, python: Python
) -> None:
    recorded = "# Python 3.11.7 (main) [GCC]\n\nsix == 1.16.0\n\n# Detailed import analysis\n# x\n"
    ready = machine.prepare(recorded)
    assert python(ready, "import six; print(six.__version__)") == "1.16.0"


def test_packages_are_frozen_with_what_they_depend_on(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("base", "2.0")
    metadata = "Metadata-Version: 2.1\nName: top\nVersion: 1.0\nRequires-Dist: base\n"
    machine.wheel("top", **{"top-1.0.dist-info/METADATA": metadata})
    assert machine.prepare("top").packages == "base==2.0\ntop==1.0\n"


def test_an_identical_wish_reuses_the_environment(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    first = machine.prepare("one==1.0\ntwo")
    second = machine.prepare("# comment\n\nTwo\nONE == 1.0\n")
    assert (first.reused, second.reused, first.key == second.key) == (False, True, True)


def test_a_reused_environment_starts_no_process(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.prepare("one")
    machine.settle()
    started: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *command, **_: started.append(command))
    monkeypatch.setattr(os, "posix_spawn", lambda *command, **_: started.append(command))
    machine.prepare("one")
    assert started == []


def test_another_version_of_a_package_is_another_environment(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one", "1.0")
    machine.wheel("one", "2.0")
    assert machine.prepare("one==1.0").key != machine.prepare("one==2.0").key


def test_another_index_is_another_environment(machine: Machine) -> None:
    before = machine.prepare("").key
    machine.environ["UV_INDEX_URL"] = "https://user:secret@mirror.invalid/simple"
    assert machine.prepare("").key != before


def test_the_password_of_an_index_does_not_matter(machine: Machine) -> None:
    machine.environ["UV_INDEX_URL"] = "https://user:old@mirror.invalid/simple"
    before = machine.prepare("").key
    machine.environ["UV_INDEX_URL"] = "https://user:new@mirror.invalid/simple"
    assert machine.prepare("").key == before


def test_the_password_of_an_index_is_not_stored(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    ready = machine.prepare("--extra-index-url https://user:hush@mirror.invalid/simple\none")
    entry = machine.cache / "environments" / ready.key
    kept = [path for path in entry.rglob("*") if path.is_file() and b"hush" in path.read_bytes()]
    assert kept == []


def test_a_tree_without_lists_gives_a_bare_environment(machine: Machine) -> None:
    assert machine.prepare().packages == ""


def test_requirements_of_the_working_directory_come_before_those_of_the_tree(
    machine: Machine,
) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    machine.write("requirements.txt", "one\n")
    machine.write("sub/requirements.txt", "two\n")
    assert machine.prepare(working_dir="sub").packages == "two==1.0\n"


def test_included_requirement_files_are_read(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    machine.write("requirements.txt", "-r more/base.txt\none\n")
    machine.write("more/base.txt", "two\n")
    assert machine.prepare().packages == "one==1.0\ntwo==1.0\n"


def test_a_change_in_an_included_file_is_another_environment(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    machine.write("requirements.txt", "-r base.txt\n")
    machine.write("base.txt", "one\n")
    first = machine.prepare()
    machine.write("base.txt", "two\n")
    assert machine.prepare().packages != first.packages


def test_a_wheel_of_the_tree_counts_by_its_content(machine: Machine, python: Python) -> None:
    machine.only_own_wheels()
    (machine.tree / "dist").mkdir()
    inside = machine.tree / "dist" / "one-1.0-py3-none-any.whl"
    machine.wheel("one").rename(inside)
    first = machine.prepare("./dist/one-1.0-py3-none-any.whl")
    machine.wheel("one", **{"one.py": "version = 'rebuilt'\n"}).rename(inside)
    second = machine.prepare("./dist/one-1.0-py3-none-any.whl")
    assert (first.key != second.key, python(second, "import one; print(one.version)")) == (
        True,
        "rebuilt",
    )


PROJECT = """
[project]
name = "mine"
version = "3.2.1"
dependencies = ["one"]
scripts = { mine-run = "mine.app:main" }
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""


def _project(machine: Machine) -> None:
    machine.wheel("one")
    machine.write("pyproject.toml", PROJECT)
    machine.write("src/mine/__init__.py", "")
    machine.write("src/mine/app.py", "import one\ndef main(): print('ran', one.version)\n")


def test_a_project_is_importable_with_what_it_depends_on(machine: Machine, python: Python) -> None:
    machine.only_own_wheels()
    _project(machine)
    ready = machine.prepare()
    assert python(ready, "import mine.app as app; app.main()") == "ran 1.0"


def test_a_project_brings_its_metadata_and_commands(machine: Machine, python: Python) -> None:
    machine.only_own_wheels()
    _project(machine)
    ready = machine.prepare()
    ran = subprocess.run([ready.bin / "mine-run"], capture_output=True, text=True, check=True)
    version = python(ready, "from importlib import metadata as m; print(m.version('mine'))")
    assert (ran.stdout.strip(), version) == ("ran 1.0", "3.2.1")


def test_a_project_is_frozen_relative_to_its_tree(machine: Machine) -> None:
    machine.only_own_wheels()
    _project(machine)
    assert machine.prepare().packages == "one==1.0\n-e .\n"


def test_a_change_of_code_keeps_the_environment(machine: Machine, python: Python) -> None:
    machine.only_own_wheels()
    _project(machine)
    machine.prepare()
    machine.write("src/mine/app.py", "def main(): print('changed')\n")
    ready = machine.prepare()
    assert (ready.reused, python(ready, "import mine.app as app; app.main()")) == (True, "changed")


def test_a_recorded_editable_project_is_taken_from_the_tree(
    machine: Machine, python: Python
) -> None:
    machine.only_own_wheels()
    _project(machine)
    ready = machine.prepare("-e .\n")
    assert python(ready, "import mine; print(mine.__file__)").startswith(str(machine.tree))


def test_a_project_that_needs_a_build_gets_one(machine: Machine, python: Python) -> None:
    machine.write(
        "pkg/setup.py",
        "from setuptools import setup\n"
        "setup(name='built', version='7', py_modules=['odd'], package_dir={'': 'code'},\n"
        "      install_requires=['six'])\n",
    )
    machine.write("pkg/code/odd.py", "import six\n")
    ready = machine.prepare("./pkg")
    code = "import odd, importlib.metadata as m; print(m.version('built'))"
    assert python(ready, code) == "7"


def test_a_lock_file_decides_the_versions(machine: Machine) -> None:
    needs = f'dependencies = ["six"]\nrequires-python = ">={OWN}"'
    machine.write("pyproject.toml", PROJECT.replace('dependencies = ["one"]', needs))
    machine.write("src/mine/__init__.py", "")
    lock = [find_uv_bin(), "lock", "-q", "--upgrade-package", "six==1.16.0"]
    subprocess.run(lock, cwd=machine.tree, env=machine.environ, check=True)
    assert machine.prepare().packages == "six==1.16.0\n-e .\n"


def test_a_git_branch_is_followed(machine: Machine, python: Python, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()

    def commit(word: str) -> None:
        (repository / "setup.py").write_text(
            "from setuptools import setup\nsetup(name='moving', version='1', py_modules=['moving'])"
        )
        (repository / "moving.py").write_text(f"word = {word!r}\n")
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
        for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", word]):
            subprocess.run([*git, *command], cwd=repository, check=True)

    commit("old")
    recorded = f"moving @ git+file://{repository}@main"
    machine.prepare(recorded)
    commit("new")
    assert python(machine.prepare(recorded), "import moving; print(moving.word)") == "new"


def test_a_missing_version_is_named(machine: Machine) -> None:
    with pytest.raises(RunError, match=r"no matching distribution for six==99\.1") as caught:
        machine.prepare("six==99.1")
    assert caught.value.cause == Cause.ENVIRONMENT


def test_an_unknown_package_is_named(machine: Machine) -> None:
    machine.only_own_wheels()
    with pytest.raises(RunError, match="no matching distribution for no-such-thing"):
        machine.prepare("no_such.thing")


def test_an_unreachable_index_is_named(machine: Machine) -> None:
    machine.environ.update(UV_DEFAULT_INDEX="http://127.0.0.1:9/simple", UV_HTTP_RETRIES="0")
    with pytest.raises(RunError, match=r"index http://127\.0\.0\.1:9 cannot be reached"):
        machine.prepare("never-seen-before")


def test_a_failing_build_is_named(machine: Machine) -> None:
    machine.write("broken/setup.py", "raise RuntimeError('libfoo.h is missing')\n")
    with pytest.raises(RunError, match=r"the build of .*broken failed") as caught:
        machine.prepare("./broken")
    assert "libfoo.h is missing" in caught.value.tail


def test_a_failed_build_leaves_nothing_behind(machine: Machine) -> None:
    machine.only_own_wheels()
    with pytest.raises(RunError):
        machine.prepare("absent")
    assert [p.name for p in (machine.cache / "environments").iterdir()] == [".locks"]


def test_a_local_path_that_is_not_there_is_named(machine: Machine) -> None:
    with pytest.raises(RunError, match=r"name \./gone, which is not on this machine"):
        machine.prepare("./gone")


def test_an_unknown_manager_is_refused(machine: Machine) -> None:
    with pytest.raises(RunError, match="no package manager `mamba`") as caught:
        machine.prepare(manager="mamba")
    assert "uv" in caught.value.hint


def test_a_missing_python_is_named(machine: Machine) -> None:
    machine.environ["UV_PYTHON_DOWNLOADS"] = "never"
    with pytest.raises(RunError, match=r"Python 3\.99 is not on this machine") as caught:
        machine.prepare(python="3.99")
    assert caught.value.cause == Cause.ENVIRONMENT


def test_a_missing_patch_version_relaxes_to_the_minor_version_and_says_so(machine: Machine) -> None:
    ready = machine.prepare(python=f"{OWN}.99")
    said = f"Python {OWN}.99 is not on this machine: using {ready.version}"
    assert (ready.version.startswith(f"{OWN}."), said in machine.said) == (True, True)


def test_the_version_may_be_written_as_a_command(machine: Machine) -> None:
    assert machine.prepare(python=f"python{OWN}").version.startswith(f"{OWN}.")


def test_the_image_is_used_as_it_is(machine: Machine) -> None:
    ready = machine.prepare("six", manager="image")
    assert (ready.python, ready.key) == (Path(sys.executable), "")


def test_the_image_tells_its_packages(machine: Machine) -> None:
    assert re.search(r"^msgspec==", machine.prepare(manager="image").packages, re.MULTILINE)


def test_the_image_with_another_python_is_refused(machine: Machine) -> None:
    with pytest.raises(RunError, match=r"asks for Python 3\.99"):
        machine.prepare(manager="image", python="3.99")


def test_pip_configuration_of_the_machine_reaches_uv(machine: Machine, tmp_path: Path) -> None:
    machine.wheel("one")
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nno-index = true\n[install]\nfind-links = {machine.wheels}\n")
    machine.environ["PIP_CONFIG_FILE"] = str(config)
    machine.environ.pop("PIP_FIND_LINKS", None)
    assert machine.prepare("one").packages == "one==1.0\n"


def test_a_full_disk_is_its_own_cause(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "symlink", full)
    with pytest.raises(RunError) as caught:
        machine.prepare()
    assert caught.value.cause == Cause.DISK_FULL


def test_a_full_disk_under_uv_is_its_own_cause() -> None:
    said = "error: Failed to install: six\n  cause: No space left on device (os error 28)"
    assert failures.explain(said, "the task").cause == Cause.DISK_FULL


def test_a_password_in_a_failing_address_is_not_told(machine: Machine) -> None:
    machine.environ["UV_HTTP_RETRIES"] = "0"
    with pytest.raises(RunError) as caught:
        machine.prepare("one @ http://me:hush@127.0.0.1:9/one-1.0-py3-none-any.whl")
    assert "hush" not in "\n".join([str(caught.value), caught.value.tail, *machine.said])


def test_versions_that_exclude_each_other_are_named(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("base", "2.0")
    metadata = "Metadata-Version: 2.1\nName: top\nVersion: 1.0\nRequires-Dist: base<2\n"
    machine.wheel("top", **{"top-1.0.dist-info/METADATA": metadata})
    with pytest.raises(RunError, match=r"base"):
        machine.prepare("top\nbase==2.0")


def test_a_project_with_a_layout_of_its_own_is_built(machine: Machine, python: Python) -> None:
    tailored = '[tool.setuptools]\npackage-dir = { "" = "code" }\npackages = ["mine"]\n'
    machine.write("pyproject.toml", PROJECT.replace('"one"', '"six"') + tailored)
    machine.write("code/mine/__init__.py", "")
    machine.write("code/mine/app.py", "import six\ndef main(): print('ran')\n")
    assert python(machine.prepare(), "import mine.app as app; app.main()") == "ran"


def test_a_version_that_pyenv_keeps_off_the_path_is_found(machine: Machine, tmp_path: Path) -> None:
    place = tmp_path / "versions" / f"{OWN}.98" / "bin"
    place.mkdir(parents=True)
    facts = f'"executable": "{place}/python", "version": "{OWN}.98", "identity": []'
    answer = f'#!/bin/sh\necho \'{{{facts}, "tag": "t", "site": "lib"}}\'\n'
    (place / "python").write_text(answer)
    (place / "python").chmod(0o755)
    found = interpreters.find(
        f"{OWN}.98",
        cache=machine.cache,
        environ={**machine.environ, "PYENV_ROOT": str(tmp_path)},
        offline=True,
        say=machine.said.append,
    )
    assert found.executable == str(place / "python")
