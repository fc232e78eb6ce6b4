"""``run`` and ``submit``: code of this folder or of a repository, on another machine."""

from __future__ import annotations

import argparse
import re
from typing import Any

from taskyard.api.errors import TaskyardError
from taskyard.cli.exits import OUR_FAULT
from taskyard.cli.output import note, print_id
from taskyard.cli.submit.body import code_of, requirements_of, settings_of, started_by
from taskyard.cli.submit.entry import entry_of
from taskyard.cli.submit.flags import spread, submit_arguments
from taskyard.cli.target import connect, parse_settings, resolve_queue, resolve_task
from taskyard.client.session import Session

__all__ = [
    "run_arguments",
    "run_command",
    "run_words",
    "submit_arguments",
    "submit_command",
    "submit_words",
]

submit_words = run_words = spread


def run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(own_failure=OUR_FAULT)
    submit_arguments(parser)


def submit_command(args: argparse.Namespace) -> int:
    task = _submit(args, connect(args))
    print_id(task, args)
    return 0


def run_command(args: argparse.Namespace) -> int:
    from taskyard.cli.follow import follow

    session = connect(args)
    task = _submit(args, session)
    note(f"task {task}")
    if args.draft:
        note(f"it is a draft\n  try: taskyard enqueue {task[:8]}")
        return 0
    return follow(session, task)


def _submit(args: argparse.Namespace, session: Session) -> str:
    queue = None if args.draft else resolve_queue(session, args.queue)
    task = _copied(args, session) if args.base_task_id else _created(args, session)
    if queue:
        enqueue = {"task": task, "queue": queue, "verify_watched_queue": True}
        if session.raw("tasks.enqueue", enqueue).get("queue_watched") is False:
            note(
                f"note: no worker serves the queue {args.queue}: the task waits for one\n"
                f"  try: taskyard agent daemon --queue {args.queue}"
            )
    return task


def _created(args: argparse.Namespace, session: Session) -> str:
    entry = entry_of(args)
    code = code_of(args, entry)
    start, parameters = started_by(entry, args.env)
    if wanted := requirements_of(args):
        code["requirements"] = wanted
    project = args.project or (entry.folder.name if not args.repo else _last_part(args.repo))
    body = {
        "name": args.name or entry.name,
        "type": "training",
        "project": _project(session, project, make=not args.dry_run),
        "script": {**code, **start},
        "hyperparams": parameters,
        **settings_of(args),
    }
    return session.make_task("tasks.create", body)


def _copied(args: argparse.Namespace, session: Session) -> str:
    """A copy of ``--base-task-id``, with what else the line says."""
    from taskyard.cli.change import set_parameters

    if args.repo or args.script or args.module or args.command:
        raise TaskyardError(
            "--base-task-id brings its own code", hint="leave out the script, --module and --repo"
        )
    clone: dict[str, Any] = {"task": resolve_task(session, args.base_task_id)}
    if args.name:
        clone["new_task_name"] = args.name
    if args.project:
        clone["new_task_project"] = _project(session, args.project, make=not args.dry_run)
    task = session.make_task("tasks.clone", clone)
    changed = settings_of(args)
    if wanted := requirements_of(args):
        changed["script"] = {"requirements": wanted}
    if changed:
        session.raw("tasks.edit", {"task": task, **changed})
    variables = {f"Environment/{k}": v for k, v in parse_settings(args.env).items()}
    if given := {**parse_settings(args.args), **variables}:
        set_parameters(session, task, given)
    return task


def _last_part(url: str) -> str:
    return re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")


def _project(session: Session, name: str, *, make: bool) -> str:
    """The project's id; made when it is new. Its name when it is new and not to be made."""
    if len(name) < 3:
        name = f"{name}-project"
    query = {"name": f"^{re.escape(name)}$", "only_fields": ["id"], "search_hidden": True}
    found = session.raw("projects.get_all", query)["projects"]
    if found:
        return str(found[0]["id"])
    if not make:
        return name
    return str(session.raw("projects.create", {"name": name, "description": ""})["id"])
