"""A repository that is served, and a machine that fetches from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from taskyard.agent.run.source import fetch
from taskyard.agent.run.spec import Code
from tests.beds.repositories import git

USER, PASSWORD = "ada", "pass:word with@signs/%41"
LOOPBACK = {"127.0.0.1": (USER, PASSWORD)}


@dataclass
class Bed:
    """A repository that is served, and a machine's cache."""

    work: Path
    """The clone in which commits are made; it pushes to what is served."""
    served: Path
    cache: Path
    runs: Path
    said: list[str]

    def push(self, *refs: str) -> None:
        git(self.work, "push", "--quiet", "--force", "origin", *(refs or ("main",)))

    def fetch(
        self, code: Code, name: str = "run", *, hosts: dict[str, tuple[str, str]] | None = None
    ) -> str:
        return fetch(
            code, git=hosts or {}, cache=self.cache, into=self.runs / name, say=self.said.append
        )


def commit(folder: Path, **files: str) -> str:
    """Write files (``name__py`` is ``name.py``), commit all, and return the hash."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=change")
    return git(folder, "rev-parse", "HEAD")
