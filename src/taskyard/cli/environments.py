"""``taskyard env ls|show|gc|build|warm``: the environments that agents keep on this machine."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from taskyard.agent.data import data_folder
from taskyard.agent.environments import bytecode, store
from taskyard.api.errors import TaskyardError
from taskyard.cli.failure import WrongUsage
from taskyard.cli.output import duration, note, print_object, show_rows

GIGABYTE = 1 << 30


def command(args: argparse.Namespace) -> int:
    """Do what the verb says. Raises TaskyardError, RunError."""
    if args.data:
        os.environ["TASKYARD_AGENT_DATA"] = args.data
    return _VERBS[args.verb](args)


def list_environments(args: argparse.Namespace) -> int:
    """Print the environments, the longest unused first."""
    rows = [
        {
            "id": entry.path.name,
            "manager": _manager(entry),
            "python": entry.manifest.python,
            "packages": len(_packages(entry)),
            "size": f"{entry.manifest.bytes / 1e6:.0f} MB",
            "bytes": entry.manifest.bytes,
            "unused": duration(time.time() - entry.used),
            "in_use": store.in_use(data_folder(), entry.path.name),
        }
        for entry in store.list_entries(data_folder())
    ]
    show_rows(rows, ["id", "manager", "python", "packages", "size", "unused"], args)
    return 0


def show_environment(args: argparse.Namespace) -> int:
    """Print what an environment holds, and what decided it."""
    for name in args.names or _wrong("show"):
        entry = _find(name)
        packages = _packages(entry)
        told = {
            "id": entry.path.name,
            "path": str(entry.path),
            "manager": _manager(entry),
            "python": entry.manifest.python,
            "bytes": entry.manifest.bytes,
            "created": time.strftime("%F %T", time.localtime(entry.manifest.created)),
            "used": time.strftime("%F %T", time.localtime(entry.used)),
            "in_use": store.in_use(data_folder(), entry.path.name),
            "compiled": (entry.path / store.COMPILED).exists(),
            "packages": packages,
            "projects": [project.path for project in entry.manifest.projects],
        }
        inputs = msgspec.to_builtins(entry.manifest.inputs)
        if print_object({**told, "inputs": inputs}, args.output):
            continue
        for key, value in told.items():
            if not isinstance(value, list):
                print(f"{key:9} {value}")
        print("packages", *packages, sep="\n  ")
    return 0


def collect_environments(args: argparse.Namespace) -> int:
    """Drop the longest unused environments until the rest fits."""
    data = data_folder()
    # 0 would be no limit to the store, and means "keep nothing" here.
    most = max(1, int(args.max_gb * GIGABYTE))
    dropped = store.collect(data, max_bytes=most, min_free=0)
    bytecode.collect(data)
    for key in dropped:
        print(key)
    note(f"dropped {len(dropped)}")
    return 0


def build_environment(args: argparse.Namespace) -> int:
    """Make the environment of a project's folder, byte-code and all; print its id."""
    from taskyard.agent import configuration
    from taskyard.agent.run import environment

    if len(args.names) > 1:
        raise WrongUsage("build makes the environment of one folder")
    tree = Path(args.names[0] if args.names else ".")
    if not tree.is_dir():
        raise TaskyardError(f"there is no folder {tree}")
    agent = configuration.read(offline=args.standalone_mode)
    wanted = msgspec.structs.replace(
        agent.environment,
        packages="\n".join(args.packages),
        manager=args.package_manager,
        python=args.python,
        index_urls=agent.index_urls,
    )
    with tempfile.TemporaryDirectory(prefix="taskyard-") as layer:
        ready = environment.prepare(
            wanted,
            tree=tree,
            working_dir=".",
            cache=data_folder(),
            private=Path(layer) / "environment",
            say=note,
        )
    bytecode.finish(data_folder(), ready.key)
    note(ready.detail)
    print(ready.key)
    return 0


def warm_environments(args: argparse.Namespace) -> int:
    """Make the environments of tasks before an agent takes them; print their ids."""
    from taskyard.agent import assignment, configuration
    from taskyard.agent.run.spec import RunState
    from taskyard.agent.run.steps import Run, environment, patch, source
    from taskyard.cli.target import connect, resolve_task
    from taskyard.client.config import find

    tasks = args.names or _wrong("warm")
    session, profile = connect(args), find(url=args.server)
    agent = configuration.read(offline=args.standalone_mode)
    for name in tasks:
        task = resolve_task(session, name)
        document = session.raw("tasks.get_by_id", {"task": task})["task"]
        cache = data_folder()
        spec = assignment.run_spec(
            document, 1, worker="", profile=profile, cache=cache, configuration=agent
        )
        secrets = assignment.secrets(profile, {}, agent)
        with tempfile.TemporaryDirectory(prefix="taskyard-") as folder:
            run = Run(folder=Path(folder), spec=spec, secrets=secrets, state=RunState(), say=note)
            for step in (source, patch, environment):
                step(run)
        if run.state.environment_key:
            bytecode.finish(cache, run.state.environment_key)
            print(run.state.environment_key)
    return 0


def _find(name: str) -> store.Entry:
    """The environment whose id begins like this. Raises TaskyardError."""
    found = [e for e in store.list_entries(data_folder()) if e.path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = "no environment" if not found else f"{len(found)} environments"
    raise TaskyardError(
        f"{what} on this machine with an id that begins with {name!r}",
        hint="`taskyard env ls` shows them.",
    )


def _manager(entry: store.Entry) -> str:
    """Who made it."""
    named = entry.manifest.inputs.get("manager", "")
    return str(named[0] if isinstance(named, list) else named)


def _packages(entry: store.Entry) -> list[str]:
    lines = f"{entry.manifest.packages}{entry.manifest.conda_packages}".splitlines()
    return [line for line in lines if not line.startswith("#")]


def _wrong(verb: str) -> list[str]:
    raise WrongUsage(f"env {verb} needs a name")


_VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "ls": list_environments,
    "list": list_environments,
    "show": show_environment,
    "gc": collect_environments,
    "build": build_environment,
    "warm": warm_environments,
}
