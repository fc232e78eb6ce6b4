"""Package managers that are Python programs: each in an environment of its own, made when needed.

``<cache>/tools/<name>-<digest>/`` is built once a list, aside, under a lock, and renamed into
place. What a task installs never meets them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from taskyard.agent.environments import store
from taskyard.agent.environments.workshop import Workshop
from taskyard.api.errors import RunError


def provide(shop: Workshop, name: str, packages: Sequence[str]) -> Path:
    """The ``bin`` folder of the environment that holds the packages.

    Raises RunError (environment, disk full) when they cannot be installed.
    """
    tools = shop.request.cache / "tools"
    key = hashlib.sha256("\n".join([sys.version, *packages]).encode()).hexdigest()[:12]
    place = tools / f"{name}-{key}"
    if place.is_dir():
        return place / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    with open(tools / f".{place.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            _install(shop, name, packages, place)
    return place / "bin"


def _install(shop: Workshop, name: str, packages: Sequence[str], place: Path) -> None:
    aside = place.with_name(f".{place.name}")
    store.remove(aside)
    shop.request.say(f"installing {name} for this machine: {' '.join(packages)}")
    own = getattr(sys, "_base_executable", None) or sys.executable
    options = ["--quiet", "--relocatable", "--no-project", "--python"]
    try:
        shop.run(shop.uv("venv", *options, own, str(aside)))
        target = ["--quiet", "--python", str(aside / "bin" / "python")]
        shop.run(shop.uv("pip", "install", *target, *shop.settings.arguments, *packages))
    except RunError as error:
        raise RunError(
            error.cause, f"{name} is not to be had: {error.what}", hint=error.hint, tail=error.tail
        ) from error
    os.rename(aside, place)
