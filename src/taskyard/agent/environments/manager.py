"""What a package manager is to the agent: one module that answers two questions.

``fits(request)``: can this manager do what the task asks for, or say clearly why not?
``plan(request)``: what would be installed, for which interpreter, and how to build it? The plan's
key is the digest of everything that decides the outcome, so equal keys may share one environment.
A manager that installs nothing answers with what is there already (:class:`Found`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.environments.requirements import Project
from taskyard.agent.run.spec import Environment

LAYOUT = 1
"""Part of every key: raise it when the folders of the store change shape."""


class Request(msgspec.Struct, frozen=True):
    """One attempt's wish for an environment."""

    wanted: Environment
    tree: Path
    """The checked-out code."""
    folder: Path
    """The working directory inside the tree: looked at first, then the tree."""
    cache: Path
    environ: Mapping[str, str]
    """What the tools see: index settings, certificates, proxies."""
    say: Callable[[str], None]


class Plan(msgspec.Struct, frozen=True):
    """An environment that can be built, and what decides what comes out."""

    interpreter: Interpreter
    origin: str
    """Where the list of packages comes from, in words for people."""
    inputs: dict[str, Any]
    build: Callable[[Path], list[Project]]
    """Build a virtual environment at the path; returns the tree's own projects left out of it."""
    install: Callable[[list[Project], Path], None]
    """Install the tree's own projects into the private layer at the path, without dependencies."""

    @property
    def key(self) -> str:
        """Name of the environment in the store: 32 hexadecimal digits."""
        deciding = {
            "layout": LAYOUT,
            "python": self.interpreter.identity,
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

    def fits(self, request: Request) -> str:
        """Empty when the manager can do it, else the reason why not, in words for people."""

    def plan(self, request: Request) -> Plan | Found:
        """Raises RunError (environment) when no interpreter or no such package list is found."""
