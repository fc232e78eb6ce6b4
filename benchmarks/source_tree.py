"""The source tree of a commit that the machine has seen before, for one more attempt.

The repository is made up: text files and some of bytes, with a history of changes; a real git
server on loopback has it.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.beds import gitserver

from benchmarks import peers
from benchmarks.figures import Measure
from taskyard.agent.run import source
from taskyard.agent.run.spec import Code

FILES = 3000
COMMITS = 30
CHANGED = 100
"""Files that a commit changes."""


def run(folder: Path, rounds: int) -> list[Measure]:
    """Clone once by every way, then sample every way in turn, ``rounds`` times."""
    work = folder / "work"
    commit = make_repository(work)
    served = folder / "served"
    git(folder, "clone", "--quiet", "--bare", str(work), str(served / "code.git"))
    samples: dict[str, list[float]] = {"taskyard": [], "git clone": [], "clearml-agent": []}
    numbers = itertools.count()
    with gitserver.serve(served) as root:
        url = f"{root}/code.git"
        code = Code(repository=url, commit=commit)
        program = peers.driver("clearml_source", str(folder / "theirs"), url, commit, folder=folder)
        with program as theirs:
            theirs.hear()

            def ours(into: Path) -> float:
                began = time.perf_counter()
                source.fetch(code, git={}, cache=folder / "cache", into=into, say=lambda _: None)
                return time.perf_counter() - began

            def cloned(into: Path) -> float:
                began = time.perf_counter()
                git(folder, "clone", "--quiet", "--depth=1", url, str(into))
                return time.perf_counter() - began

            ways: dict[str, Callable[[Path], float]] = {
                "taskyard": ours,
                "git clone": cloned,
                "clearml-agent": lambda into: float(theirs.ask(str(into))),
            }
            ours(folder / "first")
            for _ in range(rounds):
                for name in random.sample(list(ways), len(ways)):
                    into = folder / f"tree-{next(numbers)}"
                    os.sync()  # what another way wrote is not to be paid for here
                    samples[name].append(ways[name](into) * 1e3)
                    shutil.rmtree(into)
    return [
        Measure(
            benchmark="source_tree",
            what="the source tree of a commit seen before",
            unit="ms",
            aim="5 times better than clearml-agent",
            samples=samples,
            notes=[
                f"{FILES:,} files, {size(work) / 2**20:,.0f} MiB, {COMMITS} commits",
                "git clone: of depth 1, from the same server",
                "clearml-agent: its cached repository, pulled, copied and checked out",
            ],
        )
    ]


def make_repository(work: Path) -> str:
    """A repository that is the same each time; gives its newest commit."""
    chance = random.Random(7)
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    paths = [work / f"package{n % 60}" / f"part{n % 7}" / f"file{n}.py" for n in range(FILES)]
    for number in range(COMMITS):
        for path in paths if number == 0 else chance.sample(paths, CHANGED):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"value_{chance.random()} = 1\n" for _ in range(200)))
        git(work, "add", "--all")
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        git(work, *identity, "commit", "--quiet", "--message=change")
    return git(work, "rev-parse", "HEAD")


def size(work: Path) -> int:
    """Bytes of the work tree."""
    files = (path for path in work.rglob("*") if ".git" not in path.parts)
    return sum(path.stat().st_size for path in files if path.is_file())


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
