"""The Python environment of a task in a container: found in the store, or made in a builder."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from taskyard.agent.containers import image, inside
from taskyard.agent.containers.access import Access
from taskyard.agent.containers.builder import Builder
from taskyard.agent.containers.engine import Say
from taskyard.agent.containers.image import Facts, Image, Python
from taskyard.agent.containers.packages import Built, Installer
from taskyard.agent.environments import editable, layer, sources, store, tool
from taskyard.agent.environments.interpreters import matches, number, satisfies
from taskyard.agent.environments.manager import Plan, Request
from taskyard.agent.environments.requirements import Project
from taskyard.agent.run.spec import RunSpec
from taskyard.api.errors import Cause, RunError

UV_FOLDER = "tools"
"""In the cache: the statically linked uv."""
BUILDS = "containers"
"""In the cache: what builders write."""
PYTHONS = "pythons"
"""In the cache: interpreters for images that have none."""
_MANAGERS = ("uv", "pip", "image")


class Ready(msgspec.Struct, kw_only=True):
    """An environment, as its container sees it."""

    python: str
    binaries: str = ""
    """To go first on PATH; empty: the image's own."""
    places: list[tuple[str, str, bool]] = []
    """What is to be mounted for it."""
    installs: list[str] = []
    """Projects of the tree that need a build, which the container does when it starts."""
    key: str = ""
    packages: str = ""
    version: str = ""
    detail: str = ""
    hold: store.Hold = msgspec.field(default_factory=store.Hold)


class Wish(NamedTuple):
    """What decides an environment, beside the code."""

    spec: RunSpec
    image: Image
    facts: Facts
    preparation: str
    access: Access


def prepare(wish: Wish, request: Request, manager: str, private: Path, builder: Builder) -> Ready:
    """Make it ready. Raises RunError (environment, disk full)."""
    if manager not in _MANAGERS:
        raise RunError(
            Cause.ENVIRONMENT,
            f"`{manager}` makes no environments in containers",
            hint="Record the packages in the task, or use an image that has them with the "
            "package manager `image`.",
        )
    python = _python(wish, request)
    if manager == "image":
        return Ready(
            python=python.program or python.executable,
            packages=python.packages,
            version=python.version,
            detail=f"Python {python.version} of the image, as it is",
        )
    return _from_store(wish, request, manager, python, private, builder)


def scratch(cache: Path, run: Path) -> tuple[Path, str]:
    """Where a builder writes: on the host, and as it sees it itself."""
    return cache / BUILDS / "builds" / run.name, f"{inside.CACHE}/builds/{run.name}"


def static_uv(cache: Path, say: Say) -> Path:
    """The folder of a uv that runs on any image, fetched once a version."""
    version = tool.answer([tool.uv(), "--version"], os.environ).split()[1]
    place = cache / UV_FOLDER / f"uv-{version}"
    if (place / "bin" / "uv").exists():
        return place / "bin"
    say(f"fetching uv {version} for containers")
    aside = place.with_name(f".{place.name}.{os.getpid()}")
    machine = os.uname().machine
    command = [tool.uv(), "pip", "install", "--quiet", "--target", str(aside), "--no-deps"]
    command += ["--only-binary", ":all:", "--python-platform", f"{machine}-unknown-linux-musl"]
    done = tool.capture([*command, f"uv=={version}"], _environ())
    if done.status != 0:
        shutil.rmtree(aside, ignore_errors=True)
        raise RunError(
            Cause.ENVIRONMENT,
            f"uv {version} for containers could not be fetched",
            hint="The agent's machine needs its package index once for that.",
            tail=done.tail,
        )
    if not place.exists():
        aside.rename(place)
    shutil.rmtree(aside, ignore_errors=True)
    return place / "bin"


def _environ() -> dict[str, str]:
    from taskyard.agent.environments import indexes

    return indexes.for_uv(os.environ).environ


def with_python(facts: Facts, key: str, request: Request, builder: Builder) -> Facts:
    """The facts about an image that has no Python, with one that uv brings.

    Raises RunError (environment) where it cannot.
    """
    asked = number(request.wanted.python or request.source.python)
    asked = asked or request.source.requires_python or "{}.{}".format(*sys.version_info)
    key = f"{key}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    return image.facts(request.cache, key, lambda: _install_python(facts, asked, request, builder))


def _install_python(facts: Facts, asked: str, request: Request, builder: Builder) -> str:
    request.say(f"the image has no Python: installing {asked}")
    words = ["--offline"] if request.wanted.offline else []
    done = builder.run([inside.UV, "python", "install", "--no-bin", *words, "--", asked], "/", {})
    find = [inside.UV, "python", "find", "--managed-python", "--no-project", "--", asked]
    found = builder.capture(find, "/", {}).output.strip()
    if done.status != 0 or not found:
        raise RunError(
            Cause.ENVIRONMENT,
            f"the image has no Python, and {asked} could not be installed",
            hint="Use an image that has one, or let the agent's machine reach the network.",
            tail=done.tail,
        )
    told = builder.capture([found, "-c", image.ASK], "/", {}).output
    return f"{facts.user} {facts.group}\n{'bash' if facts.bash else ''}\n{told}"


def _python(wish: Wish, request: Request) -> Python:
    """The image's interpreter, if it is the one that is asked for."""
    found = wish.facts.python
    if found is None:
        raise RunError(
            Cause.ENVIRONMENT,
            f"the image {wish.image.reference} has no Python",
            hint="Use one that has, or install it in the set-up script.",
        )
    asked = number(wish.spec.environment.python or request.source.python)
    minor = ".".join(asked.split(".")[:2])
    fits = matches(found.version, minor) if asked else True
    if not fits or not satisfies(found.version, request.source.requires_python):
        wanted = asked or request.source.requires_python
        raise RunError(
            Cause.ENVIRONMENT,
            f"the task asks for Python {wanted}, and the image has {found.version}",
            hint="Choose an image with that version, or ask for none.",
        )
    if asked and not matches(found.version, asked):
        request.say(f"the image has Python {found.version}, not {asked}: using it")
    return found


def _from_store(
    wish: Wish, request: Request, manager: str, python: Python, private: Path, builder: Builder
) -> Ready:
    on_top = not (wish.spec.container and wish.spec.container.apart)
    on_top = on_top and request.source.kind != "lock"
    inputs = {
        "manager": manager,
        "image": wish.image.id,
        "preparation": wish.preparation,
        "on top": on_top,
        "source": sources.identity(request.source, request.tree),
        "indexes": wish.access.deciding,
    }
    plan = Plan(python, request.source.origin, inputs, lambda _: [], lambda *_: None)
    made: list[Built] = []

    def build(aside: Path) -> store.Manifest:
        here, seen = scratch(request.cache, private.parent)
        installer = Installer(
            builder, request, manager=manager, python=python.executable, scratch=here, seen=seen,
            on_top_of=python.packages if on_top else "", arguments=wish.access.arguments,
        )  # fmt: skip
        store.remove(here)
        here.mkdir(parents=True)
        try:
            made.append(installer.build())
            (here / "venv").rename(aside / store.VENV)
        finally:
            store.remove(here)
        return _manifest(plan, made[0], aside / store.VENV, python)

    entry, hold, reused = store.acquire(request.cache, plan.key, build, request.say)
    try:
        if not reused:
            (entry.path / store.COMPILED).touch()
        sites = python.sites if on_top else []
        layer.create(private, entry, python, seen=Path(inside.PACKAGES), behind=sites)
        installs = _add_projects(entry, request.tree, private)
    except BaseException:
        hold.release()
        raise
    count = entry.manifest.packages.count("\n")
    origin = f"{count} packages from {plan.origin}" if count else "no packages"
    return Ready(
        python=f"{inside.ENVIRONMENT}/bin/python",
        binaries=f"{inside.ENVIRONMENT}/bin",
        places=[
            *_brought(python, request.cache),
            (str(private), inside.ENVIRONMENT, True),
            (str(entry.path / store.VENV), inside.PACKAGES, False),
        ],
        installs=installs,
        key=plan.key,
        packages=entry.manifest.packages
        + "".join(f"{_requirement(project, '.')}\n" for project in entry.manifest.projects),
        version=python.version,
        detail=f"Python {python.version} of the image, {origin}, "
        f"{'used before' if reused else 'built'}",
        hold=hold,
    )


def _brought(python: Python, cache: Path) -> list[tuple[str, str, bool]]:
    """Where an interpreter lies that the image does not have itself."""
    ours = python.executable.startswith(f"{inside.PYTHONS}/")
    return [(str(cache / PYTHONS), inside.PYTHONS, False)] if ours else []


def _manifest(plan: Plan, built: Built, venv: Path, python: Python) -> store.Manifest:
    from importlib.metadata import distributions

    from taskyard.agent.environments.frozen import freeze

    frozen = freeze(distributions(path=[str(venv / python.site)]), Path(inside.CODE))
    lines = sorted({*frozen.splitlines(), *built.provided.splitlines()})
    return store.Manifest(
        key=plan.key,
        inputs=plan.inputs,
        python=python.version,
        site=python.site,
        packages="".join(f"{line}\n" for line in lines),
        projects=built.projects,
        commands=layer.commands(venv),
        data=layer.data(venv),
    )


def _add_projects(entry: store.Entry, tree: Path, private: Path) -> list[str]:
    """Put the tree's own projects on the path; returns those that need a build."""
    site = private / entry.manifest.site
    rest = [
        project
        for project in entry.manifest.projects
        if not editable.add(tree / project.path, site, private / "bin")
    ]
    for file in [*site.glob("__editable__*.pth"), *site.glob("*.dist-info/direct_url.json")]:
        file.write_text(file.read_text("utf-8").replace(str(tree), inside.CODE), "utf-8")
    return [_requirement(project, inside.CODE) for project in rest]


def _requirement(project: Project, tree: str) -> str:
    return f"{'-e ' if project.editable else ''}{tree}/{project.path}{project.extras}"
