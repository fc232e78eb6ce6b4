"""Making the same environment ready again: for another attempt, by every way of doing it.

Ready means: a folder of the attempt's own with an interpreter that finds the packages.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import peers, turns
from benchmarks.figures import Measure
from benchmarks.stage import plain_environment
from taskyard.agent.environments import bytecode, store
from taskyard.agent.environments.tool import uv
from taskyard.agent.run import environment
from taskyard.agent.run.spec import Environment

PACKAGES = (Path(__file__).parent / "packages.txt").read_text()
IMPORTS = "import numpy, pandas, sklearn, requests, yaml, tqdm"


def run(folder: Path, rounds: int) -> list[Measure]:
    """Build once by every way, then sample every way in turn, ``rounds`` times."""
    numbers = itertools.count()
    ours = Ours(folder)
    built = ours.build()
    by_uv = ByUv(folder)
    with peers.driver("clearml_cache", str(folder / "clearml"), str(built), folder=folder) as cache:
        cache.hear()

        def copied() -> float:
            return float(cache.ask(str(folder / f"copy-{next(numbers)}")))

        ways = {
            "taskyard": turns.settled(ours.again),
            "uv pip install": turns.settled(by_uv.again),
            "clearml-agent": turns.settled(copied),
        }
        ours.again()
        by_uv.again()
        samples = turns.take(ways, rounds)
    return [
        Measure(
            benchmark="environment",
            what="the same environment ready again",
            unit="ms",
            aim="under 10 ms, and 100 times better than clearml-agent",
            samples=samples,
            notes=[
                f"{count_files(built):,} files, {size(built) / 2**20:,.0f} MiB, with byte-code",
                "uv: a new environment and an install from its cache, offline, nothing to resolve;"
                " without byte-code",
                "clearml-agent: its cache's copy of the same files, without the checks around it",
            ],
        )
    ]


class Ours:
    """The step of an attempt, as its supervisor calls it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tree = folder / "tree"
        self._tree.mkdir()
        self._numbers = itertools.count()

    def build(self) -> Path:
        """Build it, byte-code and all; gives the shared environment's folder."""
        self.again()
        cache = self._folder / "cache"
        entry = store.list_entries(cache)[0]
        bytecode.start(cache, entry.manifest.key)
        while not (entry.path / store.COMPILED).exists():
            time.sleep(0.1)
        return entry.path / store.VENV

    def again(self) -> float:
        """Seconds to make it ready for one more attempt; checks that it is."""
        private = self._folder / f"private-{next(self._numbers)}"
        began = time.perf_counter()
        ready = environment.prepare(
            Environment(packages=PACKAGES),
            tree=self._tree,
            working_dir=".",
            cache=self._folder / "cache",
            private=private,
            say=lambda _: None,
        )
        took = time.perf_counter() - began
        ready.hold.release()
        check(ready.python)
        return took


class ByUv:
    """``uv venv`` and ``uv pip install``, from uv's own cache and a list with nothing to resolve.

    The list is what a first, unmeasured install resolved to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        asked = folder / "asked.txt"
        asked.write_text(PACKAGES)
        self._listed = folder / "resolved.txt"
        self._run("pip", "compile", "-q", str(asked), "-o", str(self._listed))
        self._make(folder / "uv-first")

    def again(self) -> float:
        """Seconds for one more environment."""
        place = self._folder / f"uv-{next(self._numbers)}"
        began = time.perf_counter()
        self._make(place, "--offline", "--no-deps")
        took = time.perf_counter() - began
        check(place / "bin" / "python")
        return took

    def _make(self, place: Path, *options: str) -> None:
        python = str(place / "bin" / "python")
        self._run("venv", "-q", "--python", sys.executable, str(place))
        self._run("pip", "install", "-q", *options, "--python", python, "-r", str(self._listed))

    def _run(self, *words: str) -> None:
        subprocess.run([uv(), *words], env=plain_environment(), check=True, capture_output=True)


def check(python: Path) -> None:
    """Import all of it: an environment that is fast and broken is not ready."""
    subprocess.run([str(python), "-c", IMPORTS], check=True)


def count_files(tree: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(tree))


def size(tree: Path) -> int:
    """Bytes of all files."""
    return sum(
        os.lstat(os.path.join(place, name)).st_size
        for place, _, files in os.walk(tree)
        for name in files
    )
