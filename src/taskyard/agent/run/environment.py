"""The step ``environment``: make ready what the code needs installed.

An environment that this machine has built before is ready within milliseconds: its key is
computed without starting a process, and the attempt's private layer over it is a few links.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from taskyard.agent.environments import bytecode, image, layer, store, uv
from taskyard.agent.environments.failures import disk_full
from taskyard.agent.environments.manager import Found, Manager, Plan, Request
from taskyard.agent.environments.requirements import Project
from taskyard.agent.run.launch import working_folder
from taskyard.agent.run.spec import Environment
from taskyard.api.errors import Cause, RunError

MANAGERS: dict[str, Manager] = {"uv": uv, "image": image}
"""By the name a task asks for."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """An environment to run code in."""

    python: Path
    bin: Path
    """To be put first on PATH."""
    key: str
    """Name in the store; empty when the environment is none of it."""
    reused: bool
    """Whether it was there already."""
    packages: str
    """What is installed, one requirement a line; projects of the tree relative to it."""
    version: str
    """Full version of Python."""
    detail: str
    """One line for people."""
    hold: store.Hold
    """Keep it until the run has ended: releasing it lets the store drop the environment."""


def prepare(
    wanted: Environment,
    *,
    tree: Path,
    working_dir: str,
    cache: Path,
    private: Path,
    say: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
) -> Ready:
    """Make the environment ready, building it when no attempt has asked for its like before.

    ``tree`` is the checked-out code and ``working_dir`` a folder in it; ``private`` becomes the
    attempt's own layer and must not exist or be empty; ``say`` gets lines for the task's log;
    ``environ`` is what package managers see (default: this process's own).
    Raises RunError: environment (the message names the package or the Python version), disk full,
    user code (no such working directory).
    """
    request = Request(
        wanted=wanted,
        tree=tree.resolve(),
        folder=working_folder(tree, working_dir),
        cache=cache,
        environ=os.environ if environ is None else environ,
        say=say,
    )
    try:
        return _prepare(request, private)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full() from error
        raise


def _prepare(request: Request, private: Path) -> Ready:
    wanted = request.wanted
    manager = MANAGERS.get(wanted.manager)
    if manager is None:
        raise RunError(
            Cause.ENVIRONMENT,
            f"there is no package manager `{wanted.manager}` here",
            hint=f"this agent knows: {', '.join(sorted(MANAGERS))}",
        )
    if reason := manager.fits(request):
        raise RunError(
            Cause.ENVIRONMENT,
            f"`{wanted.manager}` cannot build this environment: {reason}",
            hint="record the packages in the task, add a requirements.txt, or name another manager",
        )
    plan = manager.plan(request)
    if isinstance(plan, Found):
        return Ready(
            python=plan.python,
            bin=plan.python.parent,
            key="",
            reused=True,
            packages=plan.packages,
            version=plan.version,
            detail=f"Python {plan.version} of the image, as it is",
            hold=store.Hold(),
        )
    return _from_store(plan, request, private)


def _from_store(plan: Plan, request: Request, private: Path) -> Ready:
    key, cache, tree = plan.key, request.cache, request.tree
    entry, hold, reused = store.acquire(
        cache, key, lambda aside: _build(plan, key, aside, cache, tree), request.say
    )
    try:
        if not (entry.path / store.COMPILED).exists():
            bytecode.start(cache, key)
        layer.create(private, entry, plan.interpreter)
        projects = entry.manifest.projects
        plan.install(projects, private)
    except BaseException:
        hold.release()
        raise
    packages = entry.manifest.packages + "".join(f"{_written(project)}\n" for project in projects)
    count = packages.count("\n")
    origin = f"{count} packages from {plan.origin}" if count else "no packages"
    version = plan.interpreter.version
    return Ready(
        python=private / "bin" / "python",
        bin=private / "bin",
        key=key,
        reused=reused,
        packages=packages,
        version=version,
        detail=f"Python {version}, {origin}, {'used before' if reused else 'built'}",
        hold=hold,
    )


def _build(plan: Plan, key: str, aside: Path, cache: Path, tree: Path) -> store.Manifest:
    from importlib.metadata import distributions

    from taskyard.agent.environments.frozen import freeze

    projects = plan.build(aside)
    venv = aside / store.VENV
    site = venv / plan.interpreter.site
    bytecode.restore(site, cache, plan.interpreter.tag)
    return store.Manifest(
        key=key,
        inputs=plan.inputs,
        python=plan.interpreter.version,
        site=plan.interpreter.site,
        packages=freeze(distributions(path=[str(site)]), tree),
        projects=projects,
        commands=layer.commands(venv),
        data=layer.data(venv),
    )


def _written(project: Project) -> str:
    path = project.path if project.path.startswith(("/", ".")) else f"./{project.path}"
    return f"{'-e ' if project.editable else ''}{path}{project.extras}"
