"""Where the list of packages of an attempt comes from.

In this order: what the task has recorded; then, in the working directory and after that at the
top of the tree, ``uv.lock``, ``poetry.lock``, ``requirements.txt``, ``pyproject.toml``,
``environment.yml``; else nothing. A manager that cannot read the first reads a later one.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from taskyard.agent.environments.choice import DEFAULT, TAKES, Kind
from taskyard.agent.environments.requirements import Project, Requirements, read
from taskyard.agent.run.spec import Environment
from taskyard.api.errors import Cause, RunError


class Source(msgspec.Struct, kw_only=True):
    """A list of packages, and where it was found."""

    kind: Kind
    origin: str
    """In words for people."""
    folder: Path
    """Where the installer is started: its settings for the project lie here."""
    requirements: Requirements = msgspec.field(default_factory=Requirements)
    python: str = ""
    """The version the project's own files ask for."""
    requires_python: str = ""
    deciding: Any = None
    """What decides the outcome beside the requirements."""


class Candidate(NamedTuple):
    """A list that is there, before it is read."""

    kind: Kind
    load: Callable[[], Source]


def candidates(wanted: Environment, folder: Path, tree: Path) -> list[Candidate]:
    """All lists that are there, the one that counts most first; never empty.

    Raises RunError (environment) when a ``pyproject.toml`` is none.
    """
    folders = list(dict.fromkeys([folder, tree]))
    recorded = []
    if wanted.packages.strip():
        recorded = [Candidate("list", lambda: _recorded(wanted.packages, folders, tree))]
        manager = wanted.manager or wanted.preferred_manager or DEFAULT
        if not wanted.repository_first and "list" in TAKES.get(manager, ()):
            return recorded
    in_tree = [found for place in folders for found in _in_folder(place, tree)]
    found = in_tree + recorded if wanted.repository_first else recorded + in_tree
    if wanted.conda_packages.strip() and not recorded:
        names = Source(kind="conda", origin="the task", folder=tree, deciding=([], []))
        found.append(Candidate("conda", lambda: names))
    nothing = Source(kind="nothing", origin="nothing", folder=tree)
    return found or [Candidate("nothing", lambda: nothing)]


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
        raise _unreadable(path, f"is not valid TOML: {error}") from error


def _unreadable(path: Path, why: str) -> RunError:
    return RunError(
        Cause.ENVIRONMENT,
        f"{path.name} of the repository {why}",
        hint="correct the file and commit it",
    )


def _recorded(packages: str, folders: list[Path], tree: Path) -> Source:
    home = next((place for place in folders if _configures(place)), tree)
    listed = read(packages, base=tree, tree=tree)
    return Source(kind="list", origin="the task", folder=home, requirements=listed)


def _in_folder(place: Path, tree: Path) -> list[Candidate]:
    """The lists of one folder, the one that says most first."""
    found = []
    project = load(place / "pyproject.toml")
    lock = _lock(place, tree) if project else None
    if lock is not None:
        found.append(Candidate("lock", lambda: _locked(place, lock, project)))
    if project and (place / "poetry.lock").is_file():
        found.append(Candidate("poetry", lambda: _poetry(place, project, tree)))
    if (place / "requirements.txt").is_file():
        found.append(Candidate("list", lambda: _listed(place, tree)))
    about = project.get("project")
    poetry = "poetry" in project.get("tool", {})
    if poetry and (about is None or "dependencies" in about.get("dynamic", [])):
        found.append(Candidate("poetry", lambda: _poetry(place, project, tree)))
    elif about is not None:
        found.append(Candidate("project", lambda: _project(place, project, tree)))
        if poetry:
            found.append(Candidate("poetry", lambda: _poetry(place, project, tree)))
    described = (place / name for name in ("environment.yml", "environment.yaml"))
    found += [
        Candidate("conda", functools.partial(_conda, path, tree))
        for path in described
        if path.is_file()
    ]
    if (place / "Pipfile").is_file():
        found.append(
            Candidate("pipenv", lambda: Source(kind="pipenv", origin="Pipfile", folder=place))
        )
    return found


def _listed(place: Path, tree: Path) -> Source:
    path = place / "requirements.txt"
    listed = read(path.read_text("utf-8", "replace"), base=place, tree=tree)
    return Source(kind="list", origin=path.name, folder=place, requirements=listed)


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


def _poetry(place: Path, project: dict[str, Any], tree: Path) -> Source:
    """A project of Poetry; its lock file says all, without one its own lists do."""
    tool = project.get("tool", {}).get("poetry", {})
    lock = place / "poetry.lock"
    locked = hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else ""
    path = str(place.relative_to(tree))
    own = [] if tool.get("package-mode") is False else [Project(path, editable=True)]
    return Source(
        kind="poetry",
        origin=lock.name if locked else "pyproject.toml",
        folder=place,
        requirements=Requirements(projects=own),
        requires_python=_poetry_python(project),
        deciding=[
            locked,
            {
                name: tool.get(name)
                for name in ("dependencies", "dev-dependencies", "group", "extras", "source")
            },
            load(place / "poetry.toml"),
            project.get("dependency-groups"),
        ],
    )


def _poetry_python(project: dict[str, Any]) -> str:
    """The range of Python versions; Poetry's caret is written out: ``^3.9`` is ``>=3.9,<4``."""
    tool = project.get("tool", {}).get("poetry", {})
    written = project.get("project", {}).get("requires-python") or tool.get("dependencies", {}).get(
        "python", ""
    )
    clauses = []
    for clause in str(written).split(","):
        caret = re.fullmatch(r"\s*\^\s*(\d+)((?:\.\d+)*)\s*", clause)
        if caret:
            clauses += [f">={caret[1]}{caret[2]}", f"<{int(caret[1]) + 1}"]
        elif "||" not in clause:
            clauses.append(re.sub(r"~(?=\s*\d+\.\d+)", "~=", clause).strip())
    return ",".join(filter(None, clauses))


def _conda(path: Path, tree: Path) -> Source:
    """An ``environment.yml``: packages and channels of conda, and a list for pip in it."""
    import yaml

    try:
        about = yaml.safe_load(path.read_text("utf-8", "replace")) or {}
        listed = about.get("dependencies") or []
        channels = [str(channel) for channel in about.get("channels") or []]
    except (yaml.YAMLError, AttributeError) as error:
        words = " ".join(str(error).split())
        raise _unreadable(path, f"cannot be read: {words}") from error
    names = [entry for entry in listed if isinstance(entry, str)]
    for_pip = [str(line) for entry in listed if isinstance(entry, dict) for line in entry["pip"]]
    return Source(
        kind="conda",
        origin=path.name,
        folder=path.parent,
        requirements=read("\n".join(for_pip), base=path.parent, tree=tree),
        deciding=[names, channels],
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
