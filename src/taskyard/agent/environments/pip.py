"""The manager ``pip``: for lists that only pip itself is known to get right."""

from __future__ import annotations

import functools
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from taskyard.agent.environments import bytecode, commands, frozen, indexes, sources
from taskyard.agent.environments.manager import Plan, Request
from taskyard.agent.environments.requirements import Project, Requirements, read
from taskyard.agent.environments.store import VENV
from taskyard.agent.environments.workshop import Workshop, equip, order, stages


def plan(request: Request) -> Plan:
    """What pip would install. Raises RunError (environment)."""
    shop = equip(request)
    source, wanted = request.source, request.wanted
    return Plan(
        interpreter=shop.interpreter,
        origin=source.origin,
        inputs={
            "manager": "pip",
            "source": sources.identity(source, request.tree),
            "indexes": indexes.pip_decides(request.environ, wanted.index_urls),
            "order": order(source.requirements, wanted.priority_packages, wanted.post_packages),
            "arguments": wanted.pip_arguments,
        },
        build=functools.partial(_build, shop),
        install=shop.install_projects,
    )


def _build(shop: Workshop, aside: Path) -> list[Project]:
    """Fill ``aside/venv``, with pip in it; returns the tree's own projects, left out of it."""
    venv, source = aside / VENV, shop.request.source
    python = str(venv / "bin" / "python")
    shop.make_venv(venv)
    bring = ["pip", "install", "--quiet", "--python", python, "pip", *shop.settings.arguments]
    shop.run(shop.uv(*bring))
    # pip is a large program: without byte-code it takes seconds to start.
    bytecode.restore(venv / shop.interpreter.site, shop.request.cache, shop.interpreter.tag)
    wanted = source.requirements
    if source.kind == "project" and not wanted.projects:
        wanted = _dependencies(shop)
    with tempfile.TemporaryDirectory(dir=aside) as scratch:
        for stage in _stages(shop, wanted):
            if stage.packages or stage.projects:
                _pip(shop, python, ["install", *shop.write_lists(stage, Path(scratch), "-r")])
    if wanted.projects:
        _take_out(shop, venv)
    commands.relocate(venv)
    return wanted.projects


def _stages(shop: Workshop, wanted: Requirements) -> list[Requirements]:
    request = shop.request.wanted
    return stages(wanted, request.priority_packages, request.post_packages)


def _dependencies(shop: Workshop) -> Requirements:
    """What a project that is no package itself depends on."""
    folder = shop.request.source.folder
    about = sources.load(folder / "pyproject.toml")["project"]
    return read("\n".join(about.get("dependencies", [])), base=folder, tree=shop.request.tree)


def _take_out(shop: Workshop, venv: Path) -> None:
    """Remove the tree's own projects: what they depend on stays."""
    site = venv / shop.interpreter.site
    names = [
        str(distribution.metadata["Name"])
        for distribution in distributions(path=[str(site)])
        if frozen.in_tree(distribution, shop.request.tree)
    ]
    if names:
        _pip(shop, str(venv / "bin" / "python"), ["uninstall", "--yes", *names])


def _pip(shop: Workshop, python: str, words: list[str]) -> None:
    request = shop.request
    options = ["--no-input", "--no-color", "--disable-pip-version-check", "--progress-bar", "off"]
    if words[0] == "install":
        # Byte-code is made later, by the store. pip has no way to use its cache without an index.
        words = [*words, "--no-compile", "--no-warn-script-location", *request.wanted.pip_arguments]
        words += ["--no-index"] if request.wanted.offline else []
    else:
        options = options[:3]
    more = indexes.for_pip(request.environ, request.wanted.index_urls)
    shop.run([python, "-m", "pip", *words[:1], *options, *words[1:]], more=more)
