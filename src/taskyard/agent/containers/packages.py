"""Installing a task's packages in a builder, on top of what its image has or apart from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from taskyard.agent.containers import inside
from taskyard.agent.containers.builder import Builder
from taskyard.agent.environments import failures
from taskyard.agent.environments.manager import Request
from taskyard.agent.environments.requirements import Project, read
from taskyard.agent.environments.tool import Result
from taskyard.api.errors import RunError

LISTED = "requirements.txt"
CONSTRAINTS = "constraints.txt"
RESOLVED = "resolved.txt"
REST = "rest.txt"

_PINNED = re.compile(r"([A-Za-z0-9][\w.-]*)==([^\s;]+)\s*$")


class Built(NamedTuple):
    """What came out."""

    projects: list[Project]
    """The tree's own, left out."""
    provided: str
    """What was asked for and the image has already, one a line."""


class Installer:
    """Fills ``scratch/venv``. The host knows the folder as ``scratch``, the builder as ``seen``."""

    def __init__(
        self,
        builder: Builder,
        request: Request,
        *,
        manager: str,
        python: str,
        scratch: Path,
        seen: str,
        on_top_of: str,
        arguments: list[str],
    ) -> None:
        """``on_top_of`` lists what the image has and the code will see; empty: nothing."""
        self._builder, self._request = builder, request
        self._manager, self._python = manager, python
        self._scratch, self._seen = scratch, seen
        pins = filter(None, map(_PINNED.match, on_top_of.splitlines()))
        self._image_has = {_name(pin[1]): pin[2] for pin in pins}
        self._arguments = arguments
        tree = request.tree
        self._cwd = str(Path(inside.CODE) / request.source.folder.relative_to(tree))

    def build(self) -> Built:
        """Raises RunError (environment, disk full)."""
        seed = ["--seed"] if self._manager == "pip" else []
        venv = ["venv", "--quiet", "--relocatable", "--no-project", "--python", self._python]
        self._uv([*venv, *seed, f"{self._seen}/venv"])
        if self._request.source.kind == "lock":
            built = Built(self._sync(), "")
        elif self._request.source.kind == "nothing":
            built = Built([], "")
        else:
            built = self._resolve_and_add()
        # Nobody can write to it later on. What does not compile is not the environment's fault.
        compile_all = ["-m", "compileall", "-q", f"{self._seen}/venv/lib"]
        self._builder.capture([self._python, *compile_all], "/", {})
        return built

    def _sync(self) -> list[Project]:
        python = ["--python", self._python]
        target = {"UV_PROJECT_ENVIRONMENT": f"{self._seen}/venv"}
        self._uv(["sync", "--frozen", "--no-install-local", *python, *self._arguments], target)
        listing = ["export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", *python]
        return self._projects(self._ask_uv(listing))

    def _resolve_and_add(self) -> Built:
        source = self._request.source
        wanted = source.requirements
        options = [line for line in wanted.options if line != "--prefer-binary"]
        early = ["--prerelease", "allow"] if "--pre" in options else []
        options = [line for line in options if line != "--pre"]
        if source.kind == "project":
            lists = ["pyproject.toml"]
        else:
            own = [f"-e {inside.CODE}/{p.path}{p.extras}" for p in wanted.projects]
            texts = [self._translated(package.text) for package in wanted.packages]
            lists = [self._write(LISTED, [*map(self._translated, options), *texts, *own])]
        if wanted.constraints:
            texts = [self._translated(constraint.text) for constraint in wanted.constraints]
            lists += ["-c", self._write(CONSTRAINTS, texts)]
        # Versions that stand in the file already are taken again, where that is possible.
        image_has = [f"{name}=={_public(v)}" for name, v in self._image_has.items()]
        self._write(RESOLVED, image_has)
        hashes = ["--generate-hashes"] if any("--hash" in p.text for p in wanted.packages) else []
        command = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", *early, *hashes]
        command += ["--python", self._python, "-o", f"{self._seen}/{RESOLVED}", *lists]
        self._uv([*command, *self._arguments])
        listing = (self._scratch / RESOLVED).read_text()
        projects = list(dict.fromkeys([*wanted.projects, *self._projects(listing)]))
        provided, rest = self._split(listing)
        if rest:
            self._add(self._write(REST, [*map(self._translated, options), *rest]))
        return Built(projects, "".join(f"{line}\n" for line in provided))

    def _split(self, listing: str) -> tuple[list[str], list[str]]:
        """What the image has, and what is to be installed."""
        provided, rest = [], []
        for line in listing.replace("\\\n", " ").splitlines():
            pin = _PINNED.match(line.partition(" --hash")[0].strip())
            has = self._image_has.get(_name(pin[1]), "") if pin else ""
            if pin and has and _public(has) == _public(pin[2]):
                provided.append(f"{_name(pin[1])}=={has}")
            elif line.strip() and not self._projects(line):
                rest.append(line)
        return provided, rest

    def _add(self, listed: str) -> None:
        if self._manager == "pip":
            pip = [f"{self._seen}/venv/bin/python", "-m", "pip", "install", "--no-deps", "-r"]
            self._check(self._builder.run([*pip, listed], self._cwd, {}))
            return
        target = ["--python", f"{self._seen}/venv/bin/python", "--no-deps"]
        self._uv(["pip", "install", *target, "-r", listed, *self._arguments])

    def _projects(self, listing: str) -> list[Project]:
        tree = self._request.tree
        host = listing.replace(inside.CODE, str(tree))
        return read(host, base=self._request.source.folder, tree=tree).projects

    def _translated(self, text: str) -> str:
        """What is written for the host, with the tree where the container sees it."""
        return text.replace(str(self._request.tree), inside.CODE)

    def _write(self, name: str, lines: list[str]) -> str:
        """Write a list where the builder reads it; addresses in it may have passwords."""
        path = self._scratch / name
        path.touch(mode=0o600)
        path.write_text("".join(f"{line}\n" for line in lines))
        return f"{self._seen}/{name}"

    def _uv(self, command: list[str], more: Mapping[str, str] | None = None) -> None:
        self._check(self._builder.run(self._command(command), self._cwd, dict(more or {})))

    def _ask_uv(self, command: list[str]) -> str:
        done = self._builder.capture(self._command(command), self._cwd, {})
        self._check(done)
        return done.output

    def _command(self, command: list[str]) -> list[str]:
        offline = ["--offline"] if self._request.wanted.offline else []
        return [inside.UV, *command, *offline]

    def _check(self, done: Result) -> None:
        if done.status != 0:
            raise _failure(done.tail, self._request.source.origin)


def _failure(tail: str, origin: str) -> RunError:
    return failures.explain(tail, origin)


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _public(version: str) -> str:
    return version.partition("+")[0]
