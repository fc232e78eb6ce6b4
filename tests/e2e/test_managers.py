"""Every manager of packages, by an agent: what it installs, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.beds import wheels
from tests.beds.agent import Site
from tests.beds.channel import MINOR, SITE, Channel

NOBODY = "http://127.0.0.1:9"
"""An address at which nothing listens."""
SECONDS = 180.0
"""For the first task of a manager that is installed first, on a machine with much else to do."""

PROJECT = """
[project]
name = "work"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["{package}"]
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "local"
url = "{index}"
"""
LOCK = """
[[package]]
name = "ours"
version = "1.0"
description = ""
optional = false
python-versions = "*"
groups = ["main"]
files = [{{file = "ours-1.0-py3-none-any.whl", hash = "sha256:{digest}"}}]
[package.source]
type = "legacy"
url = "{index}"
reference = "local"
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "{content}"
"""


class Land:
    """A queue that an agent serves, an index with one package and a channel with another."""

    def __init__(self, site: Site, root: Path) -> None:
        self.site, self.root = site, root
        self.queue = site.new_queue()
        self.wheel = wheels.wheel(root, "ours")
        self.index = ""
        self.channel = Channel(root / "channel")
        self.channel.add("tiny", "1.5", {f"{SITE}/tiny.py": "version = '1.5'\n"})
        self._number = 0

    def submit(self, code: str, files: dict[str, str], *flags: str) -> str:
        """Submit a folder with a script and these files."""
        self._number += 1
        folder = self.root / f"code{self._number}"
        folder.mkdir()
        for name, text in {"main.py": code, **files}.items():
            (folder / name).write_text(text)
        words = ("submit", "--queue", self.queue, *flags, "main.py")
        return self.site.printed(*words, cwd=folder)

    def ended(self, task: str) -> dict[str, Any]:
        return self.site.ended(task, seconds=SECONDS)

    def locked(self) -> dict[str, str]:
        """A project of Poetry's with its lock file."""
        project = PROJECT.format(package="ours==1.0", index=self.index)
        read = tomllib.loads(project)
        deciding = {
            "project": {key: read["project"][key] for key in ("requires-python", "dependencies")},
            "tool": {"poetry": {"source": read["tool"]["poetry"]["source"]}},
        }
        content = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
        digest = wheels.digest(self.wheel)
        lock = LOCK.format(digest=digest, index=self.index, content=content)
        return {"pyproject.toml": project, "poetry.lock": lock}

    def listed(self, manager: str, package: str, source: str = "") -> dict[str, str]:
        """A project that asks for a package, in the form that a manager reads."""
        index = source or self.index
        if manager == "poetry":
            return {"pyproject.toml": PROJECT.format(package=package, index=index)}
        if manager == "conda":
            channel = source or self.channel.url
            listed = f"dependencies: [python={MINOR}, {package}]\n"
            return {"environment.yml": f"channels: ['{channel}']\n{listed}"}
        return {"requirements.txt": f"--index-url {index}\n{package}\n"}


@pytest.fixture(scope="module")
def land(shared_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    made = Land(shared_site, tmp_path_factory.mktemp("land"))
    with wheels.index(made.root / "index", made.wheel) as made.index:
        agent = shared_site.agent("--queue", made.queue, "--services-mode", "3", lasting=True)
        yield made
        agent.end()


def test_a_project_that_poetry_has_locked_runs_with_its_packages(land: Land) -> None:
    task = land.submit("import ours; print('ours', ours.version)", land.locked())
    found = land.ended(task)
    assert (found["status"], found["script"]["requirements"]["pip"]) == (
        "completed",
        "ours==1.0\n",
    ), land.site.console(task)
    assert "ours 1.0\n" in land.site.console(task)


def test_what_a_channel_of_conda_has_is_there_for_a_task(land: Land) -> None:
    task = land.submit(
        "import os, tiny; print('tiny', tiny.version, os.environ['CONDA_PREFIX'])",
        land.listed("conda", "tiny"),
    )
    found = land.ended(task)
    assert found["status"] == "completed", land.site.console(task)
    assert "tiny[version='==1.5'" in found["script"]["requirements"]["conda"]
    assert "tiny 1.5 /" in land.site.console(task)


MANAGERS = ("uv", "pip", "poetry", "conda")


def bad(land: Land, manager: str, wrong: str) -> str:
    """A task of a manager with a package, an index or an interpreter that is not there."""
    files = land.listed(manager, "nonesuch" if wrong == "package" else "ours")
    flags = ["--package-manager", manager]
    if wrong == "index":
        files = land.listed(manager, "ours", f"{NOBODY}/simple")
    elif wrong == "python":
        flags += ["--python", "3.99"]
        if manager == "conda":  # in a list it would count before the flag
            files = {"environment.yml": f"channels: ['{land.channel.url}']\n"}
    return land.submit("print('never')", files, *flags)


@pytest.fixture(scope="module")
def failed(land: Land) -> dict[tuple[str, str], str]:
    """One task for each manager and each thing that can be wrong; several run at a time."""
    wrongs = ("package", "index", "python")
    return {(m, w): bad(land, m, w) for m in MANAGERS for w in wrongs}


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize(
    ("wrong", "named"), [("package", "nonesuch"), ("index", "127.0.0.1:9"), ("python", "3.99")]
)
def test_bad_input_is_named_with_the_last_words_of_the_tool(
    land: Land, failed: dict[tuple[str, str], str], manager: str, wrong: str, named: str
) -> None:
    task = failed[manager, wrong]
    found = land.ended(task)
    assert (found["status"], found["status_reason"]) == ("failed", "environment")
    first, *tool = found["status_message"].splitlines()
    assert named in first
    # Whether there is such an interpreter is answered by the agent itself, but for conda's.
    assert tool or (wrong == "python" and manager != "conda"), found["status_message"]
    (attempt,) = land.site.attempts(task)
    assert attempt["hint"]
    assert "Traceback" not in land.site.console(task)
