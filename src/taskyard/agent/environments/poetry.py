"""The manager ``poetry``: projects whose lists only Poetry reads.

Poetry lives in an environment of its own, pinned, so it never meets what it installs.
"""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

from taskyard.agent.environments import commands, indexes, sources, toolbox
from taskyard.agent.environments.manager import Plan, Request
from taskyard.agent.environments.requirements import Project
from taskyard.agent.environments.store import VENV
from taskyard.agent.environments.workshop import Workshop, equip

VERSION = "==2.5.1"
_MIRROR_PLUGIN = "poetry-plugin-pypi-mirror==0.6.5"


def plan(request: Request) -> Plan:
    """What Poetry would install. Raises RunError (environment)."""
    shop = equip(request)
    wanted = request.wanted
    return Plan(
        interpreter=shop.interpreter,
        origin=request.source.origin,
        inputs={
            "manager": ["poetry", wanted.poetry_version or VERSION],
            "source": sources.identity(request.source, request.tree),
            "indexes": indexes.pip_decides(request.environ, wanted.index_urls),
            "arguments": wanted.poetry_arguments,
        },
        build=functools.partial(_build, shop),
        install=shop.install_projects,
    )


def _build(shop: Workshop, aside: Path) -> list[Project]:
    """Fill ``aside/venv``; returns the tree's own projects, left out of it."""
    venv, source = aside / VENV, shop.request.source
    poetry = _poetry(shop)
    shop.make_venv(venv)
    lock = source.folder / "poetry.lock"
    was_locked = lock.is_file()
    options = ["--no-interaction", "--no-ansi"]
    # Poetry installs into the virtual environment that is active.
    active = {
        "VIRTUAL_ENV": str(venv),
        "POETRY_VIRTUALENVS_CREATE": "false",
        "POETRY_CACHE_DIR": str(shop.request.cache / "poetry"),
        "POETRY_KEYRING_ENABLED": "false",
        "PATH": f"{venv / 'bin'}:{shop.settings.environ['PATH']}",
    }
    what = ["install", "--no-root", "--no-directory", *options]
    if mirror := _mirror(shop):
        active["POETRY_PYPI_MIRROR_URL"] = mirror
    try:
        shop.run([poetry, *what, *shop.request.wanted.poetry_arguments], more=active)
        folders = _folders(lock, shop.request.tree)
    finally:
        if not was_locked:
            # The tree is the task's: it gets no files that are not in the repository.
            with contextlib.suppress(FileNotFoundError):
                lock.unlink()
    commands.relocate(venv)
    return [*source.requirements.projects, *folders]


def _folders(lock: Path, tree: Path) -> list[Project]:
    """The folders of code that a lock file names: they are the tree's own projects as well."""
    found = []
    for package in sources.load(lock).get("package", []):
        origin = package.get("source", {})
        if origin.get("type") == "directory":
            path = os.path.relpath(lock.parent / origin["url"], tree)
            found.append(Project(path, editable=bool(package.get("develop"))))
    return found


def _poetry(shop: Workshop) -> str:
    packages = [f"poetry{shop.request.wanted.poetry_version or VERSION}"]
    if _mirror(shop):
        packages.append(_MIRROR_PLUGIN)
    return str(toolbox.provide(shop, "poetry", packages) / "poetry")


def _mirror(shop: Workshop) -> str:
    """The index that stands for PyPI on this machine, of which Poetry itself knows nothing."""
    return indexes.pip_options(shop.request.environ).get("index-url", "")
