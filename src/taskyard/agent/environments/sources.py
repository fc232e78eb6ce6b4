"""Where the list of packages of an attempt comes from.

In this order: what the task has recorded; then, in the working directory and after that at the
top of the tree, a lock file, ``requirements.txt``, ``pyproject.toml``; else nothing.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from taskyard.agent.environments.manager import Request
from taskyard.agent.environments.requirements import Project, Requirements, read
from taskyard.api.errors import Cause, RunError

NOTHING = "nothing"
"""The origin of an empty list that nobody wrote."""


class Source(msgspec.Struct, kw_only=True):
    """A list of packages, and where it was found."""

    kind: Literal["list", "lock", "project"]
    origin: str
    """In words for people."""
    folder: Path
    """Where the installer is started: its settings for the project lie here."""
    requirements: Requirements = msgspec.field(default_factory=Requirements)
    python: str = ""
    """The version a ``.python-version`` file asks for."""
    requires_python: str = ""
    deciding: Any = None
    """What decides the outcome beside the requirements."""


def identity(source: Source, tree: Path) -> Any:
    """All of a source that decides what gets installed, the same on every checkout."""
    projects = [
        (project.path, project.extras, _dependencies(tree / project.path))
        for project in sorted(source.requirements.projects)
    ]
    settings = _settings(source.folder)
    return [source.kind, source.deciding, source.requirements.identity(), projects, settings]


def is_package(pyproject: dict[str, Any]) -> bool:
    """Whether the project is to be installed itself, by the rules of uv."""
    asked = pyproject.get("tool", {}).get("uv", {}).get("package")
    return asked if isinstance(asked, bool) else "build-system" in pyproject


def load(path: Path) -> dict[str, Any]:
    """A TOML file; empty when it is not there. Raises RunError (environment) when it is none."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(
            Cause.ENVIRONMENT,
            f"{path.name} of the repository is not valid TOML: {error}",
            hint="correct the file and commit it",
        ) from error


def choose(request: Request) -> Source:
    """The source that counts. Raises RunError (environment) when it cannot be read."""
    folders = list(dict.fromkeys([request.folder, request.tree]))
    recorded = request.wanted.packages
    if recorded.strip():
        home = next((place for place in folders if _configures(place)), request.tree)
        listed = read(recorded, base=request.tree, tree=request.tree)
        return Source(kind="list", origin="the task", folder=home, requirements=listed)
    for place in folders:
        project = load(place / "pyproject.toml")
        lock = _lock(place, request.tree) if project else None
        if lock is not None:
            return _locked(place, lock, project)
        listed_in = place / "requirements.txt"
        if listed_in.is_file():
            text = listed_in.read_text("utf-8", "replace")
            listed = read(text, base=place, tree=request.tree)
            return Source(kind="list", origin=listed_in.name, folder=place, requirements=listed)
        if "project" in project:
            return _project(place, project, request.tree)
    return Source(kind="list", origin=NOTHING, folder=request.tree)


def _lock(place: Path, tree: Path) -> Path | None:
    """The lock file of a project: its own, or that of the workspace at the top of the tree."""
    if (place / "uv.lock").is_file():
        return place / "uv.lock"
    workspace = load(tree / "pyproject.toml").get("tool", {}).get("uv", {}).get("workspace")
    return tree / "uv.lock" if workspace and (tree / "uv.lock").is_file() else None


def _locked(place: Path, lock: Path, project: dict[str, Any]) -> Source:
    groups = [project.get("project", {}).get("name"), project.get("dependency-groups")]
    return Source(
        kind="lock",
        origin="uv.lock",
        folder=place,
        python=_pinned_python(place),
        requires_python=project.get("project", {}).get("requires-python", ""),
        deciding=[hashlib.sha256(lock.read_bytes()).hexdigest(), groups],
    )


def _project(place: Path, project: dict[str, Any], tree: Path) -> Source:
    about = project["project"]
    own = [Project(str(place.relative_to(tree)), editable=True)] if is_package(project) else []
    return Source(
        kind="project",
        origin="pyproject.toml",
        folder=place,
        requirements=Requirements(projects=own),
        python=_pinned_python(place),
        requires_python=about.get("requires-python", ""),
        deciding=[
            sorted(about.get("dependencies", [])),
            "dependencies" in about.get("dynamic", []),
        ],
    )


def _pinned_python(place: Path) -> str:
    path = place / ".python-version"
    lines = path.read_text("utf-8", "replace").split() if path.is_file() else []
    return lines[0] if lines else ""


def _dependencies(folder: Path) -> Any:
    """What decides the dependencies of a project: its static lists, or all its build files."""
    about = load(folder / "pyproject.toml").get("project", {})
    if about and not {"dependencies", "optional-dependencies"} & set(about.get("dynamic", [])):
        return [sorted(about.get("dependencies", [])), about.get("optional-dependencies", {})]
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "setup.py", "setup.cfg"):
        path = folder / name
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _configures(place: Path) -> bool:
    return (place / "uv.toml").is_file() or (place / "pyproject.toml").is_file()


def _settings(place: Path) -> Any:
    """The project's settings for uv: indexes, overrides and the like."""
    return [load(place / "uv.toml"), load(place / "pyproject.toml").get("tool", {}).get("uv")]
