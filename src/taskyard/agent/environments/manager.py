"""What a package manager is to the agent: one module that answers one question.

``plan(request)``: what would be installed, for which interpreter, and how to build it? The plan's
key is the digest of everything that decides the outcome, so equal keys may share one environment.
A manager that installs nothing answers with what is there already (:class:`Found`). Which lists
of packages it can read stands in :mod:`taskyard.agent.environments.choice`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.environments.requirements import Project
from taskyard.agent.environments.sources import Source
from taskyard.agent.run.spec import Environment

LAYOUT = 2
"""Part of every key: raise it when the folders of the store change shape."""


class Request(msgspec.Struct, frozen=True):
    """One attempt's wish for an environment."""

    wanted: Environment
    source: Source
    """The list of packages that was chosen."""
    tree: Path
    """The checked-out code."""
    cache: Path
    environ: Mapping[str, str]
    """What the tools see: index settings, certificates, proxies."""
    say: Callable[[str], None]


def _no_variables(_: Path) -> dict[str, str]:
    return {}


class Plan(msgspec.Struct, frozen=True):
    """An environment that can be built, and what decides what comes out."""

    interpreter: Interpreter | None
    """None: the environment brings one of its own."""
    origin: str
    """Where the list of packages comes from, in words for people."""
    inputs: dict[str, Any]
    build: Callable[[Path], list[Project]]
    """Build a virtual environment at the path; returns the tree's own projects left out of it."""
    install: Callable[[list[Project], Path, str], None]
    """Install the tree's own projects into the private layer at the path, without dependencies.
    Its folder of packages comes last, relative to the layer."""
    in_place: bool = False
    """Build where the environment will be used: its files name the folder they lie in."""
    variables: Callable[[Path], dict[str, str]] = _no_variables
    """What the code needs in its environment, given the folder of the built one. ``PATH`` is what
    is to come after the private layer's own programs."""

    @property
    def key(self) -> str:
        """Name of the environment in the store: 32 hexadecimal digits."""
        deciding = {
            "layout": LAYOUT,
            "python": self.interpreter.identity if self.interpreter else [],
            "inputs": self.inputs,
        }
        text = msgspec.json.encode(deciding, order="deterministic")
        return hashlib.sha256(text).hexdigest()[:32]


class Found(msgspec.Struct, frozen=True):
    """An environment that exists already and is used as it is."""

    python: Path
    version: str
    packages: str


class Manager(Protocol):
    """What a module in this package has to offer to be named in ``Environment.manager``."""

    def plan(self, request: Request) -> Plan | Found:
        """Raises RunError (environment) when no interpreter or no such package list is found."""
