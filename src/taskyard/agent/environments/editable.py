"""Installing a plain project of the tree without a build: its folder goes on the path.

An editable install of a project with static metadata, a usual layout and a pure build back end
is a path, a metadata folder and its commands. Writing these takes a millisecond where a build
takes a second, every time. Whatever is not plain is left to the real build.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from taskyard.agent.environments.commands import TRAMPOLINE
from taskyard.agent.environments.sources import load

_BACK_ENDS = (
    "setuptools.build_meta",
    "hatchling.build",
    "flit_core.buildapi",
    "poetry.core.masonry.api",
    "pdm.backend",
    "uv_build",
)
# Where a back end is told of other layouts, build hooks or compiled parts.
_TAILORED = (
    ("setuptools",),
    ("hatch", "build"),
    ("flit",),
    ("poetry", "packages"),
    ("poetry", "include"),
    ("poetry", "exclude"),
    ("poetry", "build"),
    ("poetry", "plugins"),
    ("pdm", "build"),
    ("uv", "build-backend"),
    ("cibuildwheel",),
)
_ESSENTIAL = {"name", "version", "scripts", "gui-scripts", "entry-points"}

_COMMAND = (
    TRAMPOLINE
    + """import sys
from {module} import {first}
sys.exit({attribute}())
"""
)


def add(folder: Path, site: Path, binaries: Path) -> bool:
    """Install the project at ``folder`` when it is plain; whether that was so."""
    pyproject = load(folder / "pyproject.toml")
    path = _plain(folder, pyproject)
    if path is None:
        return False
    project = _described(pyproject)
    distribution = re.sub(r"[-_.]+", "_", project["name"]).lower()
    (site / f"__editable__{distribution}.pth").write_text(f"{path}\n", "utf-8")
    about = site / f"{distribution}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(_metadata(project), "utf-8")
    (about / "INSTALLER").write_text("taskyard\n")
    (about / "RECORD").write_text("")
    (about / "entry_points.txt").write_text(_entry_points(project), "utf-8")
    (about / "direct_url.json").write_text(
        f'{{"url": "{folder.resolve().as_uri()}", "dir_info": {{"editable": true}}}}'
    )
    commands = {**project.get("scripts", {}), **project.get("gui-scripts", {})}
    for name, target in commands.items():
        module, _, attribute = re.sub(r"\s*\[.*", "", target).partition(":")
        text = _COMMAND.format(
            module=module.strip(),
            first=attribute.strip().partition(".")[0],
            attribute=attribute.strip(),
        )
        (binaries / name).write_text(text, "utf-8")
        (binaries / name).chmod(0o755)
    return True


def _plain(folder: Path, pyproject: dict[str, Any]) -> Path | None:
    """What goes on the path; nothing when the project needs its build."""
    project, system = _described(pyproject), pyproject.get("build-system", {})
    tools = pyproject.get("tool", {})
    tailored = any(_reach(tools, names) for names in _TAILORED)
    scripted = any((folder / name).exists() for name in ("setup.py", "setup.cfg"))
    dynamic = _ESSENTIAL & set(project.get("dynamic", []))
    if tailored or scripted or dynamic or system.get("build-backend") not in _BACK_ENDS:
        return None
    if "backend-path" in system or not {"name", "version"} <= project.keys():
        return None
    module = re.sub(r"[-.]+", "_", project["name"])
    for path in (folder / "src", folder):
        for name in (module, module.lower()):
            if (path / name / "__init__.py").is_file() or (path / f"{name}.py").is_file():
                return path
    return None


def _described(pyproject: dict[str, Any]) -> dict[str, Any]:
    """What the project says of itself, in the standard's words or in Poetry's own."""
    by_poetry = pyproject.get("tool", {}).get("poetry", {})
    if "project" in pyproject or not by_poetry:
        return dict(pyproject.get("project", {}))
    plain = all(isinstance(target, str) for target in by_poetry.get("scripts", {}).values())
    known = {name: by_poetry[name] for name in ("name", "version", "scripts") if name in by_poetry}
    return known if plain else {}


def _reach(tools: dict[str, Any], names: tuple[str, ...]) -> bool:
    here: Any = tools
    for name in names:
        if name not in here:
            return False
        here = here[name]
    return True


def _metadata(project: dict[str, Any]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Dist: {dependency}" for dependency in project.get("dependencies", [])]
    if "requires-python" in project:
        lines.append(f"Requires-Python: {project['requires-python']}")
    return "\n".join(lines) + "\n"


def _entry_points(project: dict[str, Any]) -> str:
    groups = dict(project.get("entry-points", {}))
    groups["console_scripts"] = project.get("scripts", {})
    groups["gui_scripts"] = project.get("gui-scripts", {})
    parts = []
    for group, points in groups.items():
        if points:
            lines = "".join(f"{name} = {target}\n" for name, target in points.items())
            parts.append(f"[{group}]\n{lines}")
    return "\n".join(parts)
