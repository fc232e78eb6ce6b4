"""One command for many tasks: how it names them, and how it tells of each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from taskyard.api.errors import INVALID_TASK_STATUS, ApiError
from taskyard.api.states import SHOWN, Status, may_move
from taskyard.cli import dry_run
from taskyard.cli.failure import WouldChange, explain
from taskyard.cli.output import add_server, print_object
from taskyard.cli.target import connect, resolve_tasks
from taskyard.client.session import Session

BECOMES = {
    "tasks.enqueue": Status.QUEUED,
    "tasks.stop": Status.STOPPED,
    "tasks.publish": Status.PUBLISHED,
    "tasks.reset": Status.CREATED,
}
"""The status that these actions lead to, which the table of moves may forbid."""

Do = Callable[[Session, str], dict[str, Any] | None]


def many_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tasks", nargs="+", metavar="TASK", help="id, prefix, name, last or -")
    add_server(parser)
    dry_run.add_dry_run(parser)
    parser.add_argument(
        "-o",
        "--output",
        default="table",
        choices=["table", "json", "jsonl", "yaml"],
        help="form of the output",
    )


def each_task(args: argparse.Namespace, do: Do) -> int:
    """Do it to every task; one that fails does not keep the others from it.

    ``do`` may tell something about the task besides its id. Gives the exit code.
    """
    session = connect(args)
    worst, done = 0, []
    for task in resolve_tasks(session, args.tasks):
        try:
            told = _told(session, task, do)
        except ApiError as error:
            worst = explain(error, args)
            continue
        done.append({"id": task, **told})
        if args.output == "jsonl":
            print_object(done[-1], args.output)
        elif args.output == "table":
            print("  ".join([task, *dry_run.words(told)]))
    if args.output in {"json", "yaml"}:
        print_object(done, args.output)
    return worst


def _told(session: Session, task: str, do: Do) -> dict[str, Any]:
    try:
        return do(session, task) or {}
    except WouldChange as change:
        _check_allowed(session, task, change)
        return dry_run.told(change)


def _check_allowed(session: Session, task: str, change: WouldChange) -> None:
    """Raise ApiError where the server would refuse the change for the task's status."""
    new = BECOMES.get(change.action)
    if new is None or change.body.get("force"):
        return
    old = Status(session.raw("tasks.get_by_id", {"task": task})["task"]["status"])
    if not may_move(old, new):
        raise conflict(
            f"{task[:8]} is {SHOWN[old]}: it cannot become {SHOWN[new]}",
            f"taskyard show {task[:8]} tells how it stands",
        )


def conflict(what: str, hint: str) -> ApiError:
    """The refusal of something that the task's state does not allow."""
    error = ApiError(INVALID_TASK_STATUS, hint=hint)
    error.what = what
    return error
