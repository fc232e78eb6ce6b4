"""A task's code and environment in a folder of its own, for a person to enter and look around."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec

from taskyard.agent.run import launch, steps
from taskyard.agent.run.keeper import Launch
from taskyard.agent.run.spec import RunSpec, RunState, Secrets
from taskyard.api.errors import TaskyardError

ACTIVATE, RUN = "activate", "run"
_STORE = ".store"
_OF_A_RUN = ("TASKYARD_", "CLEARML_")
"""Variables by which code reports to its task: what a person tries out is no run of it."""


def build(spec: RunSpec, secrets: Secrets, target: Path, say: Callable[[str], None]) -> Path:
    """Make ``target`` with the folders ``code`` and ``environment``; return its ``activate``.

    Nothing in it is shared with other environments, and no secret is in it. It goes on working
    when the caches are cleared. Raises RunError, and TaskyardError when ``target`` is in use.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TaskyardError(
            f"{target} is there already", hint="Name a folder that is new, or empty."
        )
    target.mkdir(parents=True, exist_ok=True)
    run = steps.Run(folder=target, spec=spec, secrets=secrets, state=RunState(), say=say)
    for name, step in steps.STEPS:
        if name == "environment":
            own = str(target / _STORE)
            run.spec = msgspec.structs.replace(spec, cache=own)
        if detail := step(run):
            say(f"{name}: {detail}")
    what = steps.what_to_start(run, Secrets(), target)
    programs = os.pathsep.join(filter(None, [str(run.bin), run.variables.get("PATH", "")]))
    return _write_scripts(target, what, programs)


def _write_scripts(target: Path, what: Launch, programs: str) -> Path:
    activate, run = target / ACTIVATE, target / RUN
    activate.write_text(activation(what, programs, launch.base_environment(os.environ)))
    words = " ".join(shlex.quote(word) for word in what.argv)
    run.write_text(f'#!/bin/sh\n. {shlex.quote(str(activate))}\nexec {words} "$@"\n')
    run.chmod(0o755)
    return activate


def activation(what: Launch, programs: str, base: dict[str, str]) -> str:
    """A shell script that brings a shell to where the task's code would run."""
    lines = ["# Source this file:  . activate", f"cd {shlex.quote(str(what.folder))} || return 1"]
    for name, value in sorted(what.environment.items()):
        if name in ("PATH", "PWD") or name.startswith(_OF_A_RUN) or base.get(name) == value:
            continue
        lines.append(f"export {name}={shlex.quote(value)}")
    lines.append(f'export PATH={shlex.quote(programs)}:"$PATH"')
    return "\n".join(lines) + "\n"
