"""The manager ``uv``: fast, reads lock files, brings Python versions itself."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from taskyard.agent.environments import editable, indexes, interpreters, sources
from taskyard.agent.environments.addresses import anonymous
from taskyard.agent.environments.indexes import Settings
from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.environments.manager import Plan, Request
from taskyard.agent.environments.requirements import Project, Requirements, pin_git, read
from taskyard.agent.environments.sources import Source
from taskyard.agent.environments.store import VENV


def fits(request: Request) -> str:
    """Not for a project whose dependencies only Poetry can read."""
    if sources.choose(request).origin != sources.NOTHING:
        return ""
    for folder in (request.folder, request.tree):
        if "poetry" in sources.load(folder / "pyproject.toml").get("tool", {}):
            return "its pyproject.toml describes the project for Poetry only"
    return ""


def plan(request: Request) -> Plan:
    """What uv would install. Raises RunError (environment)."""
    wanted = request.wanted
    settings = indexes.for_uv(request.environ, wanted.index_urls)
    environ = settings.environ
    # Beside the store, so that files can be linked from one to the other.
    environ.setdefault("UV_CACHE_DIR", str(request.cache / "uv"))
    source = sources.choose(request)
    if not wanted.offline:
        pin_git(source.requirements, lambda url, ref: _commit(url, ref, environ))
    interpreter = interpreters.find(
        wanted.python or source.python,
        spec=source.requires_python,
        cache=request.cache,
        environ=environ,
        offline=wanted.offline,
        say=request.say,
    )
    uv = _Uv(request, settings, interpreter, source)
    return Plan(
        interpreter=interpreter,
        origin=source.origin,
        inputs={
            "manager": "uv",
            "source": sources.identity(source, request.tree),
            "indexes": settings.deciding(),
        },
        build=uv.build,
        install=uv.install,
    )


class _Uv:
    """One plan's way to start uv."""

    def __init__(
        self,
        request: Request,
        settings: Settings,
        interpreter: Interpreter,
        source: Source,
    ) -> None:
        self._request = request
        self._environ = settings.environ
        self._sources = settings.arguments
        self._interpreter = interpreter
        self._source = source

    def build(self, aside: Path) -> list[Project]:
        """Fill ``aside/venv``; returns the tree's own projects, which are left out of it."""
        venv = aside / VENV
        python = self._interpreter.executable
        self._run(
            ["venv", "--quiet", "--relocatable", "--no-project", "--python", python, str(venv)]
        )
        if self._source.kind == "lock":
            return self._sync(venv)
        with tempfile.TemporaryDirectory(dir=aside) as scratch:
            if self._source.kind == "list" and not self._source.requirements.projects:
                self._add(self._source.requirements, venv, Path(scratch))
                return []
            return self._resolve_and_add(venv, Path(scratch))

    def install(self, projects: list[Project], private: Path) -> None:
        """Install projects of the tree into a private layer."""
        site = private / self._interpreter.site
        rest = [
            project
            for project in projects
            if not editable.add(self._request.tree / project.path, site, private / "bin")
        ]
        if not rest:
            return
        command = ["pip", "install", "--no-deps", "--python", str(private / "bin" / "python")]
        command += self._sources
        for project in rest:
            path = f"{self._request.tree / project.path}{project.extras}"
            command += ["-e", path] if project.editable else [path]
        self._run(command, about=", ".join(project.path for project in rest))

    def _sync(self, venv: Path) -> list[Project]:
        python = ["--python", self._interpreter.executable]
        target = {"UV_PROJECT_ENVIRONMENT": str(venv)}
        self._run(["sync", "--frozen", "--no-install-local", *python, *self._sources], more=target)
        listing = ["export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", *python]
        return self._read(self._print(listing)).projects

    def _resolve_and_add(self, venv: Path, scratch: Path) -> list[Project]:
        """Resolve with the tree's projects, then install all but them."""
        projects = list(self._source.requirements.projects)
        python = ["--python", self._interpreter.executable]
        command = ["pip", "compile", "--no-header", "--no-annotate", *python, *self._sources]
        named = ", ".join(project.path for project in projects)
        if self._source.kind == "project":
            lists = ["pyproject.toml"]
        else:
            lists = self._files(self._source.requirements, scratch)
        resolved = self._read(self._print([*command, *lists], named))
        known = {project.path for project in projects}
        projects += [project for project in resolved.projects if project.path not in known]
        resolved.projects.clear()
        resolved.options = self._source.requirements.options
        self._add(resolved, venv, scratch, "--no-deps")
        return projects

    def _add(self, wanted: Requirements, venv: Path, scratch: Path, *options: str) -> None:
        if not wanted.packages and not wanted.options:
            return
        command = ["pip", "install", "--python", str(venv / "bin" / "python"), *self._sources]
        self._run([*command, *options, *self._files(wanted, scratch, "-r")])

    def _files(self, wanted: Requirements, scratch: Path, *before: str) -> list[str]:
        """Write the lists where uv can read them, and name them as arguments.

        Addresses may hold tokens, so they travel in files that only the owner can read, and that
        do not become part of the entry.
        """
        options = [option for option in wanted.options if option not in _ARGUMENTS]
        arguments = [word for option in wanted.options for word in _ARGUMENTS.get(option, ())]
        packages = [package.text for package in wanted.packages]
        for project in wanted.projects:
            path = f"{self._request.tree / project.path}{project.extras}"
            packages.append(f"-e {path}" if project.editable else path)
        listed = _write(scratch / "requirements.txt", options + packages)
        arguments = [*arguments, *before, str(listed)]
        if wanted.constraints:
            texts = [constraint.text for constraint in wanted.constraints]
            arguments += ["-c", str(_write(scratch / "constraints.txt", texts))]
        return arguments

    def _read(self, listing: str) -> Requirements:
        return read(listing, base=self._source.folder, tree=self._request.tree)

    def _run(
        self, command: Sequence[str], *, about: str = "", more: Mapping[str, str] | None = None
    ) -> None:
        from taskyard.agent.environments import failures, tool

        result = tool.run(
            self._command(command),
            {**self._environ, **(more or {})},
            cwd=self._source.folder,
            say=self._request.say,
        )
        if result.status != 0:
            raise failures.explain(result.tail, self._source.origin, about)

    def _print(self, command: Sequence[str], about: str = "") -> str:
        from taskyard.agent.environments import failures, tool

        full = self._command(command)
        result = tool.capture(full, self._environ, cwd=self._source.folder)
        if result.status != 0:
            raise failures.explain(result.tail, self._source.origin, about)
        return result.output

    def _command(self, command: Sequence[str]) -> list[str]:
        from taskyard.agent.environments import tool

        offline = ["--offline"] if self._request.wanted.offline else []
        return [tool.uv(), *command, *offline]


# Options of pip's lists that uv takes on its command line only.
_ARGUMENTS: dict[str, tuple[str, ...]] = {"--pre": ("--prerelease", "allow"), "--prefer-binary": ()}


def _write(path: Path, lines: list[str]) -> Path:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path


def _commit(url: str, ref: str, environ: Mapping[str, str]) -> str:
    """The commit a git reference stands for now; nothing when the remote does not tell."""
    from taskyard.agent.environments import tool

    shown = anonymous(url)
    if shown != url:
        # Arguments of a process can be read by everybody on the machine, its variables cannot.
        environ = {
            **environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{url}.insteadOf",
            "GIT_CONFIG_VALUE_0": shown,
        }
    result = tool.capture(["git", "ls-remote", "--", shown, ref, f"{ref}^{{}}"], environ)
    found: dict[str, str] = {}
    for line in result.output.splitlines():
        commit, _, name = line.partition("\t")
        found[name] = commit
    names = (ref, f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}")
    return next((found[name] for name in names if name in found), "")
