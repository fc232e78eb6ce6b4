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

from taskyard.agent.environments import (
    bytecode,
    choice,
    conda,
    image,
    interpreters,
    layer,
    pip,
    poetry,
    sources,
    store,
    uv,
)
from taskyard.agent.environments.failures import disk_full
from taskyard.agent.environments.manager import Found, Manager, Plan, Request
from taskyard.agent.environments.requirements import Project
from taskyard.agent.run.launch import working_folder
from taskyard.agent.run.spec import Environment

MANAGERS: dict[str, Manager] = {
    "uv": uv,
    "pip": pip,
    "poetry": poetry,
    "conda": conda,
    "image": image,
}
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
    conda_packages: str = ""
    """What conda has installed, and from which channels."""
    version: str
    """Full version of Python."""
    detail: str
    """One line for people."""
    variables: dict[str, str] = {}
    """For the code's process. ``PATH`` comes after ``bin``, before the machine's."""
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
    request, manager = ask(
        wanted, tree=tree, working_dir=working_dir, cache=cache, say=say, environ=environ
    )
    try:
        return _prepare(manager, request, private)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full() from error
        raise


def ask(
    wanted: Environment,
    *,
    tree: Path,
    working_dir: str,
    cache: Path,
    say: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
) -> tuple[Request, Manager]:
    """Choose the list of packages and the manager. Raises RunError (environment, user code)."""
    folder = working_folder(tree, working_dir)
    tree = tree.resolve()
    found = sources.candidates(wanted, folder, tree)
    chosen = choice.choose(
        wanted.manager, wanted.preferred_manager, [candidate.kind for candidate in found]
    )
    if chosen.note:
        say(chosen.note)
    request = Request(
        wanted=wanted,
        source=found[chosen.index].load(),
        tree=tree,
        cache=cache,
        environ=os.environ if environ is None else environ,
        say=say,
    )
    return request, MANAGERS[chosen.manager]


def _prepare(manager: Manager, request: Request, private: Path) -> Ready:
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
        cache,
        key,
        lambda folder: _build(plan, key, folder, cache, tree),
        request.say,
        in_place=plan.in_place,
    )
    interpreter = entry.manifest.own or plan.interpreter
    assert interpreter is not None
    try:
        if not (entry.path / store.COMPILED).exists():
            bytecode.start(cache, key)
        system = request.wanted.system_site_packages
        layer.create(private, entry, interpreter, system_site_packages=system)
        projects = entry.manifest.projects
        plan.install(projects, private, entry.manifest.site)
    except BaseException:
        hold.release()
        raise
    packages = entry.manifest.packages + "".join(f"{_written(project)}\n" for project in projects)
    count = packages.count("\n") + entry.manifest.conda_packages.count("[")
    origin = f"{count} packages from {plan.origin}" if count else "no packages"
    version = entry.manifest.python
    return Ready(
        python=private / "bin" / "python",
        bin=private / "bin",
        key=key,
        reused=reused,
        packages=packages,
        conda_packages=entry.manifest.conda_packages,
        version=version,
        detail=f"Python {version}, {origin}, {'used before' if reused else 'built'}",
        variables=plan.variables(entry.path / store.VENV),
        hold=hold,
    )


def _build(plan: Plan, key: str, folder: Path, cache: Path, tree: Path) -> store.Manifest:
    from importlib import metadata

    from taskyard.agent.environments.frozen import freeze

    projects = plan.build(folder)
    venv = folder / store.VENV
    own = None if plan.interpreter else interpreters.inside(venv)
    interpreter = own or plan.interpreter
    assert interpreter is not None
    site = venv / interpreter.site
    by_conda, folders = conda.installed(venv)
    distributions = [
        distribution
        for distribution in metadata.distributions(path=[str(site)])
        if str(distribution._path) not in folders  # type: ignore[attr-defined]
    ]
    # Packages of conda's may hold code that no list of theirs names.
    if bytecode.restore(site, cache, interpreter.tag) and own is None:
        (folder / store.COMPILED).touch()
    return store.Manifest(
        key=key,
        inputs=plan.inputs,
        python=interpreter.version,
        own=own,
        site=interpreter.site,
        packages=freeze(distributions, tree),
        conda_packages=by_conda,
        projects=projects,
        commands=layer.commands(venv),
        data=[] if own else layer.data(venv),
    )


def _written(project: Project) -> str:
    path = project.path if project.path.startswith(("/", ".")) else f"./{project.path}"
    return f"{'-e ' if project.editable else ''}{path}{project.extras}"
