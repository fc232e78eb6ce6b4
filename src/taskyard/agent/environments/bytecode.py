"""Byte-code for the environments of the store, made once for each package of the machine.

Compiling is slow next to installing (seconds against tenths), so an attempt does not wait for it:
it runs in the background, at the lowest priority, after an entry is in place. Its results are
kept for each distribution in ``<cache>/bytecode`` and linked into the next environment that holds
the same distribution, with sources of the same time and size: Python takes them for these only,
and links of one installer's cache have them. Where all of an environment is known, nothing is
compiled.

Run as a program: ``python -m taskyard.agent.environments.bytecode <cache> <key>``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from taskyard.agent.environments import store

_WORKING = ".compiling"


def start(cache: Path, key: str) -> None:
    """Begin compiling an entry in the background, unless that is going on already."""
    with open(store.folder(cache) / key / _WORKING, "w") as working:
        if not _alone(working):
            return
    null = os.open(os.devnull, os.O_RDWR)
    command = [sys.executable, "-m", __name__, str(cache), key]
    try:
        # The shell ends at once and leaves the compiler to init: it is no process of the run, so
        # it is not ended with it, and several short runs do not start it over and over.
        shell = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", 'nice -n 19 "$@" &', "sh", *command],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)],
            setsid=True,
        )
        os.waitpid(shell, 0)
    finally:
        os.close(null)


def finish(cache: Path, key: str) -> None:
    """Compile an entry now, or wait until who does so has ended."""
    entry = store.folder(cache) / key
    while not (entry / store.COMPILED).exists():
        with open(entry / _WORKING, "w") as working:
            fcntl.flock(working, fcntl.LOCK_EX)
        _compile(cache, key)


def restore(site: Path, cache: Path, tag: str) -> bool:
    """Link what is known of each distribution into a new environment.

    Whether that is all of it; else there is room for the rest.
    """
    distributions = list(_kept(site, cache, tag))
    known = [os.path.isdir(kept) for kept, _ in distributions]
    for (kept, modules), here in zip(distributions, known, strict=True):
        if here:
            _link(os.fspath(kept), os.fspath(site), modules, tag)
    if all(known):
        return True
    for path, folders, files in os.walk(site):
        if any(name.endswith(".py") for name in files) and "__pycache__" not in folders:
            os.mkdir(os.path.join(path, "__pycache__"))
    return False


def _link(kept: str, site: str, modules: list[str], tag: str) -> None:
    made: set[str] = set()
    for module in modules:
        compiled = _compiled(module, tag)
        inside = os.path.dirname(compiled)
        if inside not in made:
            made.add(inside)
            with contextlib.suppress(FileExistsError):
                os.mkdir(f"{site}/{inside}")
        # One that is not there could not be compiled; one that is, the package brought.
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            os.link(f"{kept}/{compiled}", f"{site}/{compiled}")


def _compiled(module: str, tag: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"{folder}{'/' if folder else ''}__pycache__/{name[:-3]}.{tag}.pyc"


def save(site: Path, cache: Path, tag: str) -> None:
    """Keep the byte-code of each distribution of an environment for the next ones."""
    for kept, modules in _kept(site, cache, tag):
        aside = kept.with_name(f".{kept.name}-{os.getpid()}")
        for module in modules:
            compiled = _compiled(module, tag)
            if (site / compiled).is_file():
                (aside / compiled).parent.mkdir(parents=True, exist_ok=True)
                os.link(site / compiled, aside / compiled)
        if aside.is_dir():
            store.remove(kept)
            aside.rename(kept)


def collect(cache: Path) -> None:
    """Forget what no environment links to any more."""
    for kept in (cache / "bytecode").glob("*/*"):
        files = (os.path.join(path, name) for path, _, names in os.walk(kept) for name in names)
        if all(os.stat(path).st_nlink == 1 for path in files):
            store.remove(kept)


def _kept(site: Path, cache: Path, tag: str) -> Iterator[tuple[Path, list[str]]]:
    """For each distribution with code: where its byte-code is kept, and the modules it brought."""
    import csv

    for record in site.glob("*.dist-info/RECORD"):
        content = record.read_bytes()
        rows = csv.reader(content.decode().splitlines())
        modules = [row[0] for row in rows if row and row[0].endswith(".py")]
        inside = [path for path in modules if not path.startswith(("..", "/"))]
        if inside:
            name = hashlib.sha256(record.parent.name.encode() + content)
            name.update(repr([_stamp(f"{site}/{path}") for path in inside]).encode())
            yield cache / "bytecode" / tag / name.hexdigest()[:32], inside


def _stamp(path: str) -> tuple[int, int]:
    """What Python compares to know whether byte-code fits; zeros where there is no such file."""
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return 0, 0
    return int(about.st_mtime), about.st_size


def _compile(cache: Path, key: str) -> None:
    """Compile an entry, unless somebody does so already, and close its byte-code folders."""
    import subprocess

    hold = store.hold(cache, key)
    if hold is None:
        return
    entry = store.folder(cache) / key
    with open(entry / _WORKING, "w") as working:
        if not _alone(working) or (entry / store.COMPILED).exists():
            return
        python = str(entry / store.VENV / "bin" / "python")
        site = next((entry / store.VENV).glob("lib/*/site-packages"))
        # Sources of another Python version inside a package fail to compile: that is theirs.
        subprocess.run(
            [python, "-I", "-S", "-m", "compileall", "-q", str(site)],
            capture_output=True,
            check=False,
        )
        asked = [python, "-I", "-S", "-c", "import sys; print(sys.implementation.cache_tag)"]
        tag = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        save(site, cache, tag)
        store.seal_bytecode(entry / store.VENV)
        (entry / store.COMPILED).touch()
    hold.release()


def _alone(working: TextIO) -> bool:
    try:
        fcntl.flock(working, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    _compile(Path(sys.argv[1]), sys.argv[2])
