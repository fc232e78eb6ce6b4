"""The manager ``image``: use the interpreter that runs the agent, with what it has installed."""

from __future__ import annotations

import sys
from pathlib import Path

from taskyard.agent.environments import interpreters
from taskyard.agent.environments.frozen import freeze
from taskyard.agent.environments.manager import Found, Request
from taskyard.api.errors import Cause, RunError


def plan(request: Request) -> Found:
    """The agent's own interpreter. Raises RunError (environment) when another version is asked."""
    from importlib import metadata

    version = ".".join(map(str, sys.version_info[:3]))
    asked = interpreters.number(request.wanted.python)
    if asked and not interpreters.matches(version, ".".join(asked.split(".")[:2])):
        raise RunError(
            Cause.ENVIRONMENT,
            f"the task asks for Python {asked}, and the image has {version}",
            hint="leave the version empty, or let `uv` manage the environment",
        )
    if request.wanted.packages.strip():
        request.say("the environment is used as it is: the recorded packages are not installed")
    return Found(Path(sys.executable), version, freeze(metadata.distributions(), request.tree))
