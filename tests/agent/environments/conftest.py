"""A machine of its own for each test: a store, a tree, an index of wheels made on the spot."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from taskyard.agent.environments import store
from taskyard.agent.run.environment import Ready, prepare
from taskyard.agent.run.spec import Environment
from tests.beds import wheels
from tests.beds.waiting import until


class Machine:
    """Prepares environments like a supervisor does."""

    def __init__(self, base: Path, uv_cache: Path, tools: Path) -> None:
        self.base = base
        self.cache = base / "cache"
        self.tree = base / "tree"
        self.wheels = base / "wheels"
        self.environ = {**os.environ, "UV_CACHE_DIR": str(uv_cache)}
        self.said: list[str] = []
        self._layers = 0
        for folder in (self.cache, self.tree, self.wheels):
            folder.mkdir()
        (self.cache / "tools").symlink_to(tools)

    def prepare(self, packages: str = "", *, working_dir: str = ".", **wanted: object) -> Ready:
        """An attempt's environment, in a private layer of its own."""
        self._layers += 1
        return prepare(
            Environment(packages=packages, **wanted),  # type: ignore[arg-type]
            tree=self.tree,
            working_dir=working_dir,
            cache=self.cache,
            private=self.base / f"private{self._layers}",
            say=self.said.append,
            environ=self.environ,
        )

    def only_own_wheels(self) -> None:
        """Let packages come from the test's wheels alone, without the network."""
        self.environ.update(PIP_FIND_LINKS=str(self.wheels), PIP_NO_INDEX="1")

    def wheel(self, name: str, version: str = "1.0", **files: str) -> Path:
        """A wheel with a module that knows its version, and a command that prints its prefix."""
        return wheels.wheel(self.wheels, name, version, **files)

    def write(self, name: str, text: str) -> Path:
        """A file of the tree."""
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def settle(self) -> None:
        """Wait until nothing compiles in the background."""
        until(self._compiled, "the byte-code of all environments")

    def _compiled(self) -> bool:
        entries = store.list_entries(self.cache)
        return all((entry.path / store.COMPILED).exists() for entry in entries)


class Python(Protocol):
    """Runs a line of Python in an environment; returns what it prints."""

    def __call__(self, ready: Ready, code: str) -> str: ...


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Package managers that are Python programs, installed when the first test needs them."""
    return tmp_path_factory.mktemp("tools")


@pytest.fixture
def machine(tmp_path: Path, uv_cache: Path, tools: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, uv_cache, tools)
    yield made
    made.settle()


@pytest.fixture
def python() -> Python:
    def run(ready: Ready, code: str) -> str:
        done = subprocess.run(
            [ready.python, "-c", code], capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, tuple[int, int]]]:
    """Size and time of every file below a folder, but for byte-code."""

    def take(folder: Path) -> dict[str, tuple[int, int]]:
        return {
            str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in folder.rglob("*")
            if "__pycache__" not in path.parts
        }

    return take
