"""The manager ``conda``: Python itself, and libraries that no index has, from conda's channels.

The program is the machine's own micromamba, mamba or conda; where there is none, the solver and
installer that PyPI has (rattler), in an environment of its own. Packages of conda know the folder
they lie in, so these environments are built where they stay. What a list has for pip is installed
on top by uv.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taskyard.agent.environments import commands, interpreters, sources, toolbox, uv
from taskyard.agent.environments.addresses import anonymous
from taskyard.agent.environments.manager import Plan, Request
from taskyard.agent.environments.requirements import Project
from taskyard.agent.environments.store import VENV
from taskyard.agent.environments.workshop import Workshop, configure
from taskyard.api.errors import RunError

PROGRAMS = ("micromamba", "mamba", "conda")
PACKAGES = ("py-rattler==0.28.0",)
CHANNELS = ("conda-forge",)
_NAMES_BY_PROGRAM = ("MAMBA_EXE", "CONDA_EXE")
_CHANNEL = "# channel: "
_RATTLER = Path(__file__).with_name("rattler_program.py")


def plan(request: Request) -> Plan:
    """What conda would install. Raises RunError (environment)."""
    own = interpreters.named(getattr(sys, "_base_executable", "") or sys.executable, request.cache)
    shop = Workshop(request, configure(request), own)
    specs, channels = wishes(request, own.version)
    return Plan(
        interpreter=None,
        origin=request.source.origin,
        inputs={
            "manager": "conda",
            "platform": own.identity[-2:],
            "specs": sorted(specs),
            "channels": channels,
            "source": sources.identity(request.source, request.tree),
            "indexes": shop.settings.deciding(),
        },
        build=functools.partial(_build, shop, specs, channels),
        install=shop.install_projects,
        in_place=True,
        variables=variables,
    )


def wishes(request: Request, own: str) -> tuple[list[str], list[str]]:
    """Packages and channels that conda is asked for, Python always among them.

    ``own`` is the agent's Python version: the one for tasks without a wish.
    """
    wanted = request.wanted
    listed, channels = request.source.deciding or ([], [])
    recorded = wanted.conda_packages.splitlines()
    told = [line.removeprefix(_CHANNEL) for line in recorded if line.startswith(_CHANNEL)]
    specs = [*listed, *map(_spec, recorded)]
    specs = [spec for spec in specs if spec]
    if not any(re.match(r"(?:\S+::)?python(?![\w-])", spec) for spec in specs):
        asked = interpreters.number(wanted.python) or request.source.python or own
        specs.insert(0, "python=" + ".".join(asked.split(".")[:2]))
    return specs, list(dict.fromkeys([*channels, *told, *wanted.conda_channels])) or list(CHANNELS)


def variables(venv: Path) -> dict[str, str]:
    """What programs of conda's find their things by."""
    return {"CONDA_PREFIX": str(venv), "PATH": str(venv / "bin")}


def installed(venv: Path) -> tuple[str, set[str]]:
    """What conda has put into an environment, and the folders of metadata that came with it.

    The list installs the same again: :func:`wishes` reads it.
    """
    specs, channels, folders = [], [], set()
    for path in sorted((venv / "conda-meta").glob("*.json")):
        about = json.loads(path.read_bytes())
        # The one form that all programs take for a version and a build.
        specs.append(f"{about['name']}[version='=={about['version']}',build='{about['build']}']\n")
        channels.append(anonymous(about.get("channel") or ""))
        found = (os.path.dirname(name) for name in about["files"] if name.endswith("/METADATA"))
        folders |= {str(venv / name) for name in found}
    known = [f"{_CHANNEL}{channel}\n" for channel in dict.fromkeys(channels) if channel]
    return "".join(known + specs), folders


def _spec(line: str) -> str:
    """A recorded line as conda has it: ``numpy == 1.26.4`` is ``numpy==1.26.4``."""
    return re.sub(r"\s+", "", line.partition("#")[0])


def _build(shop: Workshop, specs: list[str], channels: list[str], place: Path) -> list[Project]:
    """Fill ``place/venv``; returns the tree's own projects, left out of it."""
    venv, source = place / VENV, shop.request.source
    program = find_program(shop.settings.environ)
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        if program:
            command = create(program, venv, specs, channels, offline=shop.request.wanted.offline)
            more = {"CONDA_PKGS_DIRS": str(shop.request.cache / "conda"), "CI": "1"}
        else:
            command, more = _by_rattler(shop, venv, specs, channels, Path(scratch)), {}
        shop.run(command, more=more)
        wanted = source.requirements
        uv.add(shop, wanted, venv, Path(scratch))
    commands.relocate(venv)
    return wanted.projects


def find_program(environ: Mapping[str, str]) -> str:
    """Path of the machine's micromamba, mamba or conda; nothing when there is none."""
    named = (environ.get(name, "") for name in _NAMES_BY_PROGRAM)
    found = (shutil.which(name, path=environ.get("PATH")) for name in (*named, *PROGRAMS) if name)
    return next(filter(None, found), "")


def create(
    program: str, venv: Path, specs: list[str], channels: list[str], *, offline: bool
) -> list[str]:
    """The command line that makes an environment; the same for all three programs."""
    command = [program, "create", "--yes", "--quiet", "--prefix", str(venv), "--override-channels"]
    for channel in channels:
        command += ["--channel", channel]
    return [*command, *(["--offline"] if offline else []), *specs]


def _by_rattler(
    shop: Workshop, venv: Path, specs: list[str], channels: list[str], scratch: Path
) -> list[str]:
    try:
        tools = toolbox.provide(shop, "rattler", PACKAGES)
    except RunError as error:
        raise RunError(
            error.cause,
            f"there is no micromamba, mamba or conda on this machine, and {error.what}",
            hint="install micromamba, or name the program in MAMBA_EXE",
            tail=error.tail,
        ) from error
    asked: dict[str, Any] = {
        "prefix": str(venv),
        "specs": specs,
        "channels": channels,
        "cache": str(shop.request.cache / "conda"),
        "offline": shop.request.wanted.offline,
    }
    path = scratch / "asked.json"
    path.write_text(json.dumps(asked))
    return [str(tools / "python"), str(_RATTLER), str(path)]
