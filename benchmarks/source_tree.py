"""The source tree of a commit: one more time, and for the first time from a large repository.

The repositories are made up: one of many text files with a history of changes, one of large files
that each commit replaces. A real git server on loopback has them.
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

OURS, WHOLE, THEIRS = "taskyard", "git clone", "clearml-agent"
FILES = 3000
COMMITS = 30
CHANGED = 100
"""Files that a commit changes."""
MIB = 1 << 20
LARGE_FILES = 40
"""Of 1 MiB each, in the large repository."""
LARGE_COMMITS = 8


def run(folder: Path, rounds: int) -> list[Measure]:
    """Every way in turn, ``rounds`` times; a third as often where all is fetched each time."""
    return [
        _seen_before(folder / "many", rounds),
        *_large(folder / "large", max(1, rounds // 3)),
    ]


def _seen_before(folder: Path, rounds: int) -> Measure:
    work = folder / "work"
    commit = make_repository(work)
    served = folder / "served"
    git(folder, "clone", "--quiet", "--bare", str(work), str(served / "code.git"))
    samples: dict[str, list[float]] = {OURS: [], WHOLE: [], THEIRS: []}
    numbers = itertools.count()
    with gitserver.serve(served) as root:
        url = f"{root}/code.git"
        code = Code(repository=url, commit=commit)
        program = peers.driver("clearml_source", str(folder / "theirs"), url, commit, folder=folder)
        with program as theirs:
            theirs.hear()

            def ours(into: Path) -> float:
                return _fetch(code, folder / "cache", into)

            def cloned(into: Path) -> float:
                began = time.perf_counter()
                git(folder, "clone", "--quiet", "--depth=1", url, str(into))
                return time.perf_counter() - began

            ways: dict[str, Callable[[Path], float]] = {
                OURS: ours,
                WHOLE: cloned,
                THEIRS: lambda into: float(theirs.ask(str(into))),
            }
            ours(folder / "first")
            for _ in range(rounds):
                for name in random.sample(list(ways), len(ways)):
                    into = folder / f"tree-{next(numbers)}"
                    os.sync()  # what another way wrote is not to be paid for here
                    samples[name].append(ways[name](into) * 1e3)
                    shutil.rmtree(into)
    return Measure(
        benchmark="source_tree",
        what="the source tree of a commit seen before",
        unit="ms",
        aim="5 times better than clearml-agent",
        samples=samples,
        notes=[
            f"{FILES:,} files, {size(work) / MIB:,.0f} MiB, {COMMITS} commits",
            "git clone: of depth 1, from the same server",
            "clearml-agent: its cached repository, pulled, copied and checked out",
        ],
    )


def _large(folder: Path, rounds: int) -> list[Measure]:
    """The first task of a machine that wants the newest commit, the second, and their room."""
    work, served = folder / "work", folder / "served"
    commit = make_large_repository(work)
    git(folder, "clone", "--quiet", "--bare", str(work), str(served / "code.git"))
    # Packed, as hosts have them; to look for what such files have in common takes minutes.
    git(served / "code.git", "config", "pack.window", "0")
    git(served / "code.git", "repack", "-a", "-d", "--quiet")
    ways = {OURS: _by_us, THEIRS: _by_them, WHOLE: _by_git}
    first: dict[str, list[float]] = {name: [] for name in ways}
    second: dict[str, list[float]] = {OURS: [], THEIRS: []}
    room: dict[str, list[float]] = {OURS: [], THEIRS: []}
    with gitserver.serve(served) as root:
        code = Code(repository=f"{root}/code.git", commit=commit)
        for number in range(rounds):
            for name in random.sample(list(ways), len(ways)):
                place = folder / f"{name}-{number}"
                place.mkdir()
                os.sync()
                for samples, took in zip((first, second), ways[name](code, place), strict=False):
                    samples[name].append(took * 1e3)
                if name in room:
                    room[name].append(size(place / "second", all_of_it=True) / MIB)
                shutil.rmtree(place)
    notes = [
        f"{LARGE_FILES} files, {size(work) / MIB:,.0f} MiB; {LARGE_COMMITS} commits that change"
        f" all of them: {size(served) / MIB:,.0f} MiB on the server",
        "clearml-agent: with the start of its program; git clone: all of it",
    ]
    asked = [("first task", "ms", first), ("second task", "ms", second)]
    return [
        Measure(
            benchmark="source_tree",
            what=f"a large repository: {what}",
            unit=unit,
            samples=samples,
            notes=notes,
        )
        for what, unit, samples in [*asked, ("room of the second task", "MiB", room)]
    ]


def _by_us(code: Code, place: Path) -> tuple[float, ...]:
    """Seconds of the first task, and of the second."""
    cache = place / "cache"
    return _fetch(code, cache, place / "first"), _fetch(code, cache, place / "second")


def _by_git(code: Code, place: Path) -> tuple[float, ...]:
    began = time.perf_counter()
    git(place, "clone", "--quiet", code.repository, "first")
    return (time.perf_counter() - began,)


def _by_them(code: Code, place: Path) -> tuple[float, ...]:
    began = time.perf_counter()
    words = (str(place / "theirs"), code.repository, code.commit)
    with peers.driver("clearml_source", *words, folder=place) as theirs:
        theirs.hear()
        return time.perf_counter() - began, float(theirs.ask(str(place / "second")))


def _fetch(code: Code, cache: Path, into: Path) -> float:
    """Seconds, by the step of an attempt."""
    began = time.perf_counter()
    source.fetch(code, git={}, cache=cache, into=into, say=lambda _: None)
    return time.perf_counter() - began


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
        commit_all(work)
    return git(work, "rev-parse", "HEAD")


def make_large_repository(work: Path) -> str:
    """A repository of bytes that do not compress; gives its newest commit."""
    chance = random.Random(7)
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    for _ in range(LARGE_COMMITS):
        for number in range(LARGE_FILES):
            (work / f"data{number}.bin").write_bytes(chance.randbytes(MIB))
        commit_all(work)
    return git(work, "rev-parse", "HEAD")


def commit_all(work: Path) -> None:
    git(work, "add", "--all")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    git(work, *identity, "commit", "--quiet", "--message=change")


def size(work: Path, *, all_of_it: bool = False) -> int:
    """Bytes of the work tree; with what git keeps beside it, where ``all_of_it`` says so."""
    files = (path for path in work.rglob("*") if all_of_it or ".git" not in path.parts)
    return sum(path.stat().st_size for path in files if path.is_file())


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
