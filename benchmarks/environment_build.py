"""Making an environment that this machine has not had: from parts it knows, and from nothing.

What counts is when the code can begin: the environment is ready, and all of it was imported once.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import turns
from benchmarks.environment import PACKAGES, check
from benchmarks.figures import Measure
from benchmarks.stage import plain_environment
from taskyard.agent.environments import bytecode, store
from taskyard.agent.environments.tool import uv
from taskyard.agent.run import environment
from taskyard.agent.run.spec import Environment


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample every way in turn: ``rounds`` times from known parts, once from nothing."""
    listed = _resolve(folder)
    ours, by_uv, by_pip = Ours(folder, listed), ByUv(folder, listed), ByPip(folder)
    # pip takes its time: once from nothing, and then once from what that has left.
    cold = turns.take(
        {
            "taskyard": turns.settled(ours.make_cold),
            "uv pip install": turns.settled(by_uv.make_cold),
        },
        max(1, rounds // 3),
    )
    cold["pip install"] = [by_pip.make() * 1e3]
    ours.make()
    by_uv.make()
    known = turns.take(
        {"taskyard": turns.settled(ours.make), "uv pip install": turns.settled(by_uv.make)}, rounds
    )
    known["pip install"] = [by_pip.make() * 1e3]
    return [
        Measure(
            benchmark="environment_build",
            what="a new environment from known parts, ready and imported",
            unit="ms",
            aim="half of what uv takes",
            samples=known,
            notes=[
                "the same list of pinned packages for all; their caches are filled",
                "taskyard: uv's cache, and byte-code it has kept of each package",
            ],
        ),
        Measure(
            benchmark="environment_build",
            what="an environment from nothing, ready and imported",
            unit="ms",
            aim="1.1 times what uv takes",
            samples=cold,
            notes=["empty caches; every package comes from the index"],
        ),
    ]


def _resolve(folder: Path) -> str:
    """The list with every version pinned, as an attempt writes it back."""
    asked = folder / "asked.txt"
    asked.write_text(PACKAGES)
    command = [uv(), "pip", "compile", "-q", "--no-annotate", "--no-header", str(asked)]
    done = subprocess.run(
        command, env=plain_environment(), check=True, capture_output=True, text=True
    )
    return "".join(f"{line}\n" for line in done.stdout.splitlines() if "==" in line)


class Ours:
    """The step of an attempt, as its supervisor calls it."""

    def __init__(self, folder: Path, listed: str) -> None:
        self._folder, self._listed = folder, listed
        self._cache = folder / "cache"
        (folder / "tree").mkdir()
        self._numbers = itertools.count()

    def make(self) -> float:
        """Seconds, of an environment that was dropped before."""
        if store.list_entries(self._cache):
            self.settle()
        store.collect(self._cache, max_bytes=1, min_free=0)
        return self._make(self._cache)

    def make_cold(self) -> float:
        """Seconds, in a cache of its own."""
        cache = self._folder / f"cold-{next(self._numbers)}"
        took = self._make(cache)
        store.remove(cache)
        return took

    def settle(self) -> None:
        """Wait until the byte-code of all packages is kept."""
        self._settle(self._cache)

    def _settle(self, cache: Path) -> None:
        entry = store.list_entries(cache)[0]
        bytecode.start(cache, entry.manifest.key)
        while not (entry.path / store.COMPILED).exists():
            time.sleep(0.1)

    def _make(self, cache: Path) -> float:
        environ = {**plain_environment(), "UV_CACHE_DIR": str(cache / "uv")}
        began = time.perf_counter()
        ready = environment.prepare(
            Environment(packages=self._listed),
            tree=self._folder / "tree",
            working_dir=".",
            cache=cache,
            private=self._folder / f"private-{next(self._numbers)}",
            say=lambda _: None,
            environ=environ,
        )
        check(ready.python)
        took = time.perf_counter() - began
        assert not ready.reused
        ready.hold.release()
        return took


class ByUv:
    """``uv venv`` and ``uv pip install`` of the list, with nothing to resolve."""

    def __init__(self, folder: Path, listed: str) -> None:
        self._folder = folder
        self._list = folder / "listed.txt"
        self._list.write_text(listed)
        self._numbers = itertools.count()

    def make(self) -> float:
        """Seconds, from uv's own cache."""
        return self._make(self._folder / "uv-cache")

    def make_cold(self) -> float:
        """Seconds, in a cache of its own."""
        cache = self._folder / f"uv-cold-{next(self._numbers)}"
        took = self._make(cache)
        shutil.rmtree(cache)
        return took

    def _make(self, cache: Path) -> float:
        place = self._folder / f"uv-{next(self._numbers)}"
        environ = {**plain_environment(), "UV_CACHE_DIR": str(cache)}
        python = str(place / "bin" / "python")
        began = time.perf_counter()
        install = ["pip", "install", "-q", "--no-deps", "--python", python]
        for command in (
            ["venv", "-q", "--python", sys.executable, str(place)],
            [*install, "-r", str(self._list)],
        ):
            subprocess.run([uv(), *command], env=environ, check=True, capture_output=True)
        check(Path(python))
        took = time.perf_counter() - began
        shutil.rmtree(place)
        return took


class ByPip:
    """``python -m venv`` and its ``pip install`` of the list, which compiles."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._list = folder, folder / "listed.txt"
        self._numbers = itertools.count()

    def make(self) -> float:
        """Seconds; the first time with an empty cache."""
        place = self._folder / f"pip-{next(self._numbers)}"
        environ = {**plain_environment(), "PIP_CACHE_DIR": str(self._folder / "pip-cache")}
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", str(place)], env=environ, check=True)
        install = ["install", "-q", "--disable-pip-version-check", "-r", str(self._list)]
        pip = str(place / "bin" / "pip")
        subprocess.run([pip, *install], env=environ, check=True, capture_output=True)
        check(place / "bin" / "python")
        took = time.perf_counter() - began
        shutil.rmtree(place)
        return took
