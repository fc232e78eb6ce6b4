"""The manager ``uv``: fast, reads lock files, brings Python versions itself."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from taskyard.agent.environments import sources
from taskyard.agent.environments.manager import Plan, Request
from taskyard.agent.environments.requirements import Project, Requirements, package_name, read
from taskyard.agent.environments.store import VENV
from taskyard.agent.environments.workshop import Workshop, equip, order, stages
from taskyard.api.errors import RunError

_TORCH = {"torch", "torchvision", "torchaudio"}
_BUILD = re.compile(r"==\s*[\w.]+\+(cpu|cu\d+|rocm[\d.]+|xpu)\b")
_DRIVER = Path("/sys/module/nvidia/version")


def plan(request: Request) -> Plan:
    """What uv would install. Raises RunError (environment)."""
    shop = equip(request)
    source, wanted = request.source, request.wanted
    inputs = {
        "manager": "uv",
        "source": sources.identity(source, request.tree),
        "indexes": shop.settings.deciding(),
        "order": order(source.requirements, wanted.priority_packages, wanted.post_packages),
        "torch": _torch_decides(wanted.torch_backend),
    }
    return Plan(
        interpreter=shop.interpreter,
        origin=source.origin,
        inputs={name: value for name, value in inputs.items() if value},
        build=functools.partial(_build, shop),
        install=shop.install_projects,
    )


def _build(shop: Workshop, aside: Path) -> list[Project]:
    """Fill ``aside/venv``; returns the tree's own projects, which are left out of it."""
    venv, source = aside / VENV, shop.request.source
    shop.make_venv(venv)
    if source.kind == "lock":
        return _sync(shop, venv)
    with tempfile.TemporaryDirectory(dir=aside) as scratch:
        if source.kind == "project" or source.requirements.projects:
            return _resolve_and_add(shop, venv, Path(scratch))
        add(shop, source.requirements, venv, Path(scratch))
        return []


def add(shop: Workshop, wanted: Requirements, venv: Path, scratch: Path, *options: str) -> None:
    """Install a list into a virtual environment, in the stages that the agent wishes for."""
    request = shop.request.wanted
    for stage in stages(wanted, request.priority_packages, request.post_packages):
        if stage.packages or stage.options:
            target = ["--python", str(venv / "bin" / "python"), *options]
            files = _lists(shop, stage, scratch, "-r")
            _with_torch(shop, ["pip", "install", *target, *files])


def _sync(shop: Workshop, venv: Path) -> list[Project]:
    python = ["--python", shop.interpreter.executable]
    target = {"UV_PROJECT_ENVIRONMENT": str(venv)}
    command = ["sync", "--frozen", "--no-install-local", *python, *shop.settings.arguments]
    shop.run(shop.uv(*command), more=target)
    listing = ["export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", *python]
    return _read(shop, shop.capture(shop.uv(*listing))).projects


def _resolve_and_add(shop: Workshop, venv: Path, scratch: Path) -> list[Project]:
    """Resolve with the tree's projects, then install all but them."""
    source = shop.request.source
    projects = list(source.requirements.projects)
    command = ["pip", "compile", "--no-header", "--no-annotate"]
    command += ["--python", shop.interpreter.executable]
    named = ", ".join(project.path for project in projects)
    if source.kind == "project":
        lists = ["pyproject.toml"]
    else:
        lists = _lists(shop, source.requirements, scratch)
    resolved = _read(shop, _with_torch(shop, [*command, *lists], printing=named))
    known = {project.path for project in projects}
    projects += [project for project in resolved.projects if project.path not in known]
    resolved.projects.clear()
    resolved.options = source.requirements.options
    add(shop, resolved, venv, scratch, "--no-deps")
    return projects


def _read(shop: Workshop, listing: str) -> Requirements:
    return read(listing, base=shop.request.source.folder, tree=shop.request.tree)


# Options of pip's lists that uv takes on its command line only.
_ARGUMENTS: dict[str, tuple[str, ...]] = {"--pre": ("--prerelease", "allow"), "--prefer-binary": ()}


def _lists(shop: Workshop, wanted: Requirements, scratch: Path, *before: str) -> list[str]:
    arguments = [word for option in wanted.options for word in _ARGUMENTS.get(option, ())]
    options = [option for option in wanted.options if option not in _ARGUMENTS]
    plain = msgspec.structs.replace(wanted, options=options)
    return arguments + shop.write_lists(plain, scratch, *before)


# PyTorch has its builds for each CUDA version, and for none, on an index each.


def _with_torch(shop: Workshop, command: list[str], *, printing: str | None = None) -> str:
    """Run, with the index of PyTorch's builds where one is wanted.

    A pinned build (``torch==2.3.1+cu118``) names its index: it is asked when the machine's own
    indexes do not have that build.
    """
    backend = shop.request.wanted.torch_backend

    def run(backend: str) -> str:
        chosen = ["--torch-backend", backend] if backend else []
        full = shop.uv(*command, *chosen, *shop.settings.arguments)
        if printing is not None:
            return shop.capture(full, printing)
        shop.run(full)
        return ""

    try:
        return run(backend)
    except RunError as error:
        pinned = _pinned_build(shop.request.source.requirements)
        if backend or not pinned or shop.request.wanted.offline or "torch" not in error.what:
            raise
        shop.request.say(f"the {pinned} builds of PyTorch have an index of their own: asking it")
        return run(pinned)


def _pinned_build(wanted: Requirements) -> str:
    """The one build that all pins of PyTorch's packages name; else nothing."""
    found = set(_builds(wanted))
    return found.pop() if len(found) == 1 else ""


def _builds(wanted: Requirements) -> Iterator[str]:
    for package in wanted.packages:
        if package_name(package.text) in _TORCH and (pin := _BUILD.search(package.text)):
            yield pin[1]


def _torch_decides(backend: str) -> list[str]:
    """``auto`` follows the driver of this machine."""
    if backend != "auto":
        return [backend] if backend else []
    return [backend, _DRIVER.read_text().strip() if _DRIVER.exists() else ""]
