"""What every manager of packages works with: an interpreter, settings, tools and their failures.

Virtual environments are made with uv, whoever fills them: that takes a hundredth of a second.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from taskyard.agent.environments import editable, indexes, interpreters
from taskyard.agent.environments.indexes import Settings
from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.environments.manager import Request
from taskyard.agent.environments.requirements import Project, Requirements, pin_git


class Workshop(msgspec.Struct, frozen=True):
    """One attempt's tools."""

    request: Request
    settings: Settings
    interpreter: Interpreter

    def run(
        self, command: Sequence[str], *, about: str = "", more: Mapping[str, str] | None = None
    ) -> None:
        """Run a tool to its end. Raises RunError (environment, disk full) when it fails."""
        from taskyard.agent.environments import failures, tool

        result = tool.run(
            command,
            {**self.settings.environ, **(more or {})},
            cwd=self.request.source.folder,
            say=self.request.say,
        )
        if result.status != 0:
            raise failures.explain(result.tail, self.request.source.origin, about)

    def capture(self, command: Sequence[str], about: str = "") -> str:
        """Run a tool for what it prints. Raises RunError (environment, disk full)."""
        from taskyard.agent.environments import failures, tool

        result = tool.capture(command, self.settings.environ, cwd=self.request.source.folder)
        if result.status != 0:
            raise failures.explain(result.tail, self.request.source.origin, about)
        return result.output

    def uv(self, *words: str) -> list[str]:
        """A command line of uv's."""
        from taskyard.agent.environments import tool

        offline = ["--offline"] if self.request.wanted.offline else []
        return [tool.uv(), *words, *offline]

    def make_venv(self, venv: Path) -> None:
        """An empty virtual environment that may be moved."""
        options = ["--quiet", "--relocatable", "--no-project", "--python"]
        self.run(self.uv("venv", *options, self.interpreter.executable, str(venv)))

    def install_projects(self, projects: list[Project], private: Path, site: str) -> None:
        """Install projects of the tree into a private layer, without what they depend on."""
        tree = self.request.tree
        rest = [
            project
            for project in projects
            if not editable.add(tree / project.path, private / site, private / "bin")
        ]
        if not rest:
            return
        command = ["pip", "install", "--no-deps", "--python", str(private / "bin" / "python")]
        command += self.settings.arguments
        for project in rest:
            path = f"{tree / project.path}{project.extras}"
            command += ["-e", path] if project.editable else [path]
        self.run(self.uv(*command), about=", ".join(project.path for project in rest))

    def write_lists(self, wanted: Requirements, scratch: Path, *before: str) -> list[str]:
        """Write the lists where an installer can read them, and name them as arguments.

        Addresses may hold tokens, so they travel in files that only the owner can read, and that
        do not become part of the entry.
        """
        packages = [package.text for package in wanted.packages]
        for project in wanted.projects:
            path = f"{self.request.tree / project.path}{project.extras}"
            packages.append(f"-e {path}" if project.editable else path)
        listed = _write(scratch / "requirements.txt", wanted.options + packages)
        arguments = [*before, str(listed)]
        if wanted.constraints:
            texts = [constraint.text for constraint in wanted.constraints]
            arguments += ["-c", str(_write(scratch / "constraints.txt", texts))]
        return arguments


def equip(request: Request) -> Workshop:
    """Settings, and the interpreter that the task or the project asks for.

    Raises RunError (environment) when no interpreter is found.
    """
    wanted, source = request.wanted, request.source
    settings = configure(request)
    if wanted.python_binary:
        return Workshop(request, settings, interpreters.named(wanted.python_binary, request.cache))
    interpreter = interpreters.find(
        wanted.python or source.python,
        spec=source.requires_python,
        cache=request.cache,
        environ=settings.environ,
        offline=wanted.offline,
        say=request.say,
    )
    return Workshop(request, settings, interpreter)


def configure(request: Request) -> Settings:
    """What installers are told; moving git references of the list are pinned on the way."""
    settings = indexes.for_uv(request.environ, request.wanted.index_urls)
    environ = settings.environ
    # Beside the store, so that files can be linked from one to the other.
    environ.setdefault("UV_CACHE_DIR", str(request.cache / "uv"))
    if not request.wanted.offline:
        from taskyard.agent.environments import references

        requirements = request.source.requirements
        pin_git(requirements, lambda url, ref: references.commit(url, ref, environ))
    return settings


def stages(wanted: Requirements, first: Sequence[str], last: Sequence[str]) -> list[Requirements]:
    """The list cut into what is installed one after the other; each holds those before it.

    ``first`` and ``last`` are names of packages; most lists are one stage.
    """
    from taskyard.agent.environments.requirements import package_name

    early = {package_name(name) for name in first}
    late = {package_name(name) for name in last} - early
    cuts = (
        [p for p in wanted.packages if package_name(p.text) in early],
        [p for p in wanted.packages if package_name(p.text) not in late],
        wanted.packages,
    )
    found: list[Requirements] = []
    for packages in cuts:
        if packages and not (found and len(found[-1].packages) == len(packages)):
            found.append(msgspec.structs.replace(wanted, packages=packages))
    return found or [wanted]


def order(wanted: Requirements, first: Sequence[str], last: Sequence[str]) -> list[list[str]]:
    """What of the order of installing counts for this list: the stages' packages."""
    cut = stages(wanted, first, last)
    return [] if len(cut) == 1 else [[p.identity for p in stage.packages] for stage in cut]


def _write(path: Path, lines: list[str]) -> Path:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path
