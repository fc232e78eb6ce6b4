"""The image of a task: brought here, and looked into once.

What a look inside finds (its user, its Python and the packages that come with it) is kept by the
image's id, together with what a set-up script may add, so that the next task need not look.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from taskyard.agent.containers.engine import Engine, NoSuchObject, Say
from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.run.spec import Container
from taskyard.api.errors import Cause, RunError

PULL_TRIES = 3
_BETWEEN_TRIES = 2.0
"""Seconds."""

# Has an interpreter, any Python 3, say what a Python is, in JSON.
ASK = """
import json, os, platform, sys, sysconfig
sites = [p for p in sys.path if p.endswith("-packages") and os.path.isdir(p)]
try:
    from importlib.metadata import distributions
    found = {d.metadata["Name"] or "": d.version for d in distributions(path=sites)}
except ImportError:
    found = {}
base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
print(json.dumps({
    "executable": base,
    "version": ".".join(map(str, sys.version_info[:3])),
    "identity": [
        sys.implementation.name, sys.version, sysconfig.get_config_var("SOABI") or "",
        sysconfig.get_platform(), "".join(platform.libc_ver()),
    ],
    "tag": sys.implementation.cache_tag,
    "site": "lib/python%d.%d/site-packages" % sys.version_info[:2],
    "program": sys.executable,
    "sites": sites,
    "packages": "".join(sorted("%s==%s\\n" % (n, v) for n, v in found.items() if n)),
}))
"""
LOOK = f"""
echo "$(id -u) $(id -g)"
command -v bash || echo
python="$(command -v python3 || command -v python || true)"
[ -z "$python" ] || "$python" -c '{ASK}'
"""
"""Prints the user, the path of bash, and what Python says of itself, in this order."""


class Python(Interpreter, frozen=True):
    """An image's interpreter, with what is installed for it."""

    program: str = ""
    """As a person in the container would start it; may lie in a virtual environment."""
    sites: tuple[str, ...] = ()
    """Its folders of packages."""
    packages: str = ""
    """``name==version``, one a line."""


class Facts(msgspec.Struct, frozen=True):
    """What an image has inside."""

    user: int
    group: int
    bash: bool
    python: Python | None


class Image(msgspec.Struct, frozen=True):
    """An image that is here."""

    reference: str
    id: str
    user: str
    """As its maker has set it; empty: the superuser."""


def bring(engine: Engine, wanted: Container, cache: Path, say: Say) -> Image:
    """The image a task asks for, pulled when its policy says so. Raises RunError (image)."""
    if wanted.pull == "always":
        _pull(engine, wanted.image, cache, say)
    try:
        found = engine.inspect("image", wanted.image)
    except NoSuchObject:
        if wanted.pull == "never":
            raise RunError(
                Cause.IMAGE,
                f"the image {wanted.image} is not on this machine",
                hint="Pull or build it there, or let the agent pull what is missing.",
            ) from None
        _pull(engine, wanted.image, cache, say)
        found = engine.inspect("image", wanted.image)
    note = _note(cache, wanted.image)
    if note.exists():
        os.utime(note)
    return _read(wanted.image, found)


def pulled(cache: Path) -> list[Path]:
    """A file for each image that agents have pulled, with its name; the longest unused first."""
    found = folder(cache).glob("*.pulled")
    return sorted(found, key=lambda file: file.stat().st_mtime)


def note_pulled(cache: Path, name: str) -> Path:
    """Remember that the image is there because of an agent: it may go when there is little room."""
    note = _note(cache, name)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{name}\n")
    return note


def _note(cache: Path, name: str) -> Path:
    return folder(cache) / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.pulled"


def _pull(engine: Engine, name: str, cache: Path, say: Say) -> None:
    say(f"pulling the image {name}")
    for last in (*[False] * (PULL_TRIES - 1), True):
        try:
            engine.listen("pull", "--quiet", name, say=lambda _: None)
        except RunError as error:
            if last or "cannot be reached" not in error.what:
                raise
            say(f"{error.what}; trying again")
            time.sleep(_BETWEEN_TRIES)
        else:
            note_pulled(cache, name)
            return


def _read(name: str, found: dict[str, Any]) -> Image:
    config = found.get("Config") or {}
    return Image(reference=name, id=str(found.get("Id", "")), user=config.get("User") or "")


def key(image: Image, user: str, preparation: str) -> str:
    """What decides the facts: the image, who is in it, and what is done before the look."""
    text = "\0".join((image.id, user or image.user, preparation))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def facts(cache: Path, key: str, look: Callable[[], str]) -> Facts:
    """What is inside an image; ``look`` prints it, and is asked only when it is not known yet."""
    file = folder(cache) / f"{key}.json"
    try:
        known = msgspec.json.decode(file.read_bytes(), type=Facts)
        os.utime(file)
    except (FileNotFoundError, msgspec.DecodeError):
        known = read(look())
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.{os.getpid()}")
        aside.write_bytes(msgspec.json.encode(known))
        aside.replace(file)
    return known


def folder(cache: Path) -> Path:
    """Where the facts about images are kept."""
    return cache / "images"


def read(printed: str) -> Facts:
    """What :data:`LOOK` has printed. Raises RunError (image) when that is something else."""
    lines = [*printed.splitlines(), "", ""]
    who, bash, rest = lines[0], lines[1], lines[2:]
    try:
        user, group = map(int, who.split())
        told = next((line for line in rest if line.startswith("{")), "")
        python = msgspec.json.decode(told, type=Python) if told else None
    except (ValueError, msgspec.DecodeError) as error:
        raise RunError(
            Cause.IMAGE,
            "the image cannot be looked into",
            hint="It needs a POSIX shell with `id`.",
            tail=printed,
        ) from error
    return Facts(user=user, group=group, bash=bool(bash.strip()), python=python)
