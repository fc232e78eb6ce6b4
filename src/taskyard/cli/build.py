"""``taskyard agent build``: a task's code and environment, for a person to enter."""

from __future__ import annotations

import argparse
from pathlib import Path

from taskyard.cli import machine
from taskyard.cli.output import note


def build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", required=True, metavar="T", help="the task")
    parser.add_argument(
        "--target", type=Path, metavar="FOLDER", help="a new folder; else ./task-<id>"
    )
    parser.add_argument(
        "--python-version", default="", metavar="VERSION", help="another one than the task's"
    )
    parser.add_argument(
        "--install-globally",
        action="store_true",
        help="let the code see what the interpreter has installed itself",
    )
    machine.machine_arguments(parser)
    machine.no_containers_argument(parser)


def build_command(args: argparse.Namespace) -> int:
    import msgspec

    from taskyard.agent import assignment, workbench
    from taskyard.agent.data import data_folder
    from taskyard.cli.target import connect, resolve_task
    from taskyard.client.config import find

    machine.refuse_containers(args)
    machine.obey(args)
    session, profile = connect(args), find(url=args.server)
    task = resolve_task(session, args.id)
    document = session.raw("tasks.get_by_id", {"task": task})["task"]
    agent = machine.configuration(args)
    spec = assignment.run_spec(
        document,
        1,
        worker="",
        profile=profile,
        cache=data_folder(),
        configuration=agent,
    )
    wanted = spec.environment
    spec.environment = msgspec.structs.replace(
        wanted,
        python=args.python_version or wanted.python,
        system_site_packages=args.install_globally or wanted.system_site_packages,
    )
    secrets = assignment.secrets(profile, machine.git_credentials(args), agent)
    target = args.target or Path(f"task-{task[:8]}")
    activate = workbench.build(spec, secrets, target, note)
    print(activate.parent)
    note(f"enter it: . {activate}\nrun it:   {activate.parent / workbench.RUN}")
    return 0
