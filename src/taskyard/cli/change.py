"""The commands that change tasks: clone, edit, enqueue, dequeue, move, abort, retry and so on."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from taskyard.api import arguments
from taskyard.api.errors import TaskyardError
from taskyard.api.states import SHOWN, Status
from taskyard.cli.dry_run import add_dry_run
from taskyard.cli.each import conflict, each_task, many_arguments
from taskyard.cli.output import add_answer, confirm, note, print_id
from taskyard.cli.target import connect, parse_settings, resolve_queue, resolve_task
from taskyard.client.session import Session


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter: lr=0.2 or Section/name=value",
    )


def clone_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    _add_set(parser)
    parser.add_argument("--name", help="the copy's name")
    parser.add_argument("--project", help="the copy's project")
    parser.add_argument("--queue", help="enqueue the copy there")
    add_dry_run(parser)
    add_answer(parser)


def clone_command(args: argparse.Namespace) -> int:
    session = connect(args)
    source = resolve_task(session, args.task)
    queue = resolve_queue(session, args.queue) if args.queue else None
    wanted = parse_settings(args.set)
    body: dict[str, Any] = {"task": source}
    if args.name:
        body["new_task_name"] = args.name
    if args.project:
        body["new_project_name"] = args.project
    copy = session.make_task("tasks.clone", body)
    if wanted:
        set_parameters(session, copy, wanted)
    if queue:
        session.raw("tasks.enqueue", {"task": copy, "queue": queue})
    print_id(copy, args)
    return 0


def set_parameters(session: Session, task: str, wanted: dict[str, str]) -> None:
    """Set parameters of a draft; one that is new becomes an option of its command line."""
    document = session.raw("tasks.get_by_id", {"task": task})["task"]
    known = document.get("hyperparams") or {}
    script = document.get("script") or {}
    template = script.get("arguments")
    items = []
    for word, value in wanted.items():
        section, name = place_of(word, known)
        items.append({"section": section, "name": name, "value": value})
        is_new = name not in known.get(section, {})
        if section == arguments.SECTION and is_new and template is not None:
            template = arguments.add(template, name)
            note(f"note: {name} is new: --{name} is added to the task's command line")
    session.raw("tasks.edit_hyper_params", {"task": task, "hyperparams": items})
    if template is not None and template != script.get("arguments"):
        session.raw("tasks.edit", {"task": task, "script": {"arguments": template}})


def place_of(word: str, known: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """Section and name of a parameter. Raises TaskyardError when several sections have it."""
    section, slash, name = word.partition("/")
    if slash and (section in known or section == arguments.SECTION):
        return section, name
    having = [s for s, items in known.items() if word in items]
    if arguments.SECTION in having or not having:
        return arguments.SECTION, word
    if len(having) > 1:
        raise TaskyardError(
            f"{word} is a parameter of several sections",
            hint="Name one: " + " or ".join(f"--set {s}/{word}=..." for s in having),
        )
    return having[0], word


def edit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    _add_set(parser)
    parser.add_argument("--name", help="a new name")
    add_dry_run(parser)
    add_answer(parser)


def edit_command(args: argparse.Namespace) -> int:
    session = connect(args)
    task = resolve_task(session, args.task)
    wanted = parse_settings(args.set)
    if not (wanted or args.name):
        from taskyard.cli.editor import edited

        if not sys.stdin.isatty():
            raise TaskyardError("nothing to change", hint=f"taskyard edit {args.task} --set lr=0.2")
        wanted = edited(session.raw("tasks.get_by_id", {"task": task})["task"])
    if wanted:
        set_parameters(session, task, wanted)
    if args.name:
        session.raw("tasks.update", {"task": task, "name": args.name})
    print_id(task, args)
    return 0


def enqueue_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    parser.add_argument("--queue", default="default", help="the queue to put them on (default)")
    parser.add_argument("--top", action="store_true", help="before all that waits there")


def enqueue_command(args: argparse.Namespace) -> int:
    queue = resolve_queue(connect(args), args.queue)

    def do(session: Session, task: str) -> None:
        session.raw("tasks.enqueue", {"task": task, "queue": queue})
        if args.top:
            session.raw("queues.move_task_to_front", {"task": task, "queue": queue})

    return each_task(args, do)


def dequeue_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)


def dequeue_command(args: argparse.Namespace) -> int:
    def do(session: Session, task: str) -> None:
        if not session.raw("tasks.dequeue", {"task": task}).get("dequeued"):
            note(f"{task[:8]} was on no queue")

    return each_task(args, do)


def move_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--queue", help="to the end of another queue")
    where.add_argument("--top", action="store_true", help="before all others of its queue")
    where.add_argument("--bottom", action="store_true", help="behind all others")
    where.add_argument("--before", metavar="OTHER", help="right before another task of its queue")
    where.add_argument("--to", type=int, metavar="N", help="to the Nth place of its queue, from 1")
    where.add_argument("--up", type=int, metavar="N", help="N places forward")
    where.add_argument("--down", type=int, metavar="N", help="N places back")


def move_command(args: argparse.Namespace) -> int:
    target = resolve_queue(connect(args), args.queue) if args.queue else None
    other = resolve_task(connect(args), args.before) if args.before else None
    moved: dict[str, list[str]] = {}

    def do(session: Session, task: str) -> dict[str, Any] | None:
        document = session.raw("tasks.get_by_id", {"task": task})["task"]
        if document["status"] != Status.QUEUED:
            raise conflict(
                f"{task[:8]} is {SHOWN[Status(document['status'])]}: it waits on no queue",
                f"taskyard enqueue {task[:8]} --queue {args.queue or 'default'}",
            )
        if target:
            session.raw("tasks.enqueue", {"task": task, "queue": target})
            return None
        queue = document["execution"]["queue"]
        if args.up is not None or args.down is not None:
            action = "move_task_forward" if args.up is not None else "move_task_backward"
            body = {"task": task, "queue": queue, "count": args.up or args.down or 0}
            return {"position": session.raw(f"queues.{action}", body)["position"] + 1}
        # Together with those before it, so that they keep the order in which they were named.
        group = moved.setdefault(queue, [])
        group.append(task)
        body = {"queue": queue, "tasks": group, **_aim(session, queue, args, other)}
        return {"position": session.raw("queues.move_tasks", body)["position"] + len(group)}

    return each_task(args, do)


def _aim(
    session: Session, queue: str, args: argparse.Namespace, other: str | None
) -> dict[str, Any]:
    """Where ``queues.move_tasks`` is to put tasks."""
    if other is None:
        return {} if args.bottom else {"ahead": 0 if args.top else max(0, args.to - 1)}
    if not session.raw("queues.get_stands", {"queue": queue, "tasks": [other]})["stood"]:
        raise conflict(f"{other[:8]} does not wait in the same queue", "taskyard queue show QUEUE")
    return {"before": [other]}


def abort_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    parser.add_argument("--force", action="store_true", help="mark it aborted without its agent")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def abort_command(args: argparse.Namespace) -> int:
    if len(args.tasks) > 1:
        confirm(f"Abort {len(args.tasks)} tasks", args, "taskyard abort " + " ".join(args.tasks))

    def do(session: Session, task: str) -> None:
        if args.force:
            session.raw("tasks.stopped", {"task": task, "force": True})
        else:
            session.raw("tasks.stop", {"task": task})

    return each_task(args, do)


def retry_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    parser.add_argument("--queue", help="instead of the one it was on")


def retry_command(args: argparse.Namespace) -> int:
    chosen = resolve_queue(connect(args), args.queue) if args.queue else None

    def do(session: Session, task: str) -> None:
        queue = chosen or _last_queue(session, task)
        status = session.raw("tasks.get_by_id", {"task": task})["task"]["status"]
        if status not in {"failed", "stopped"}:
            raise conflict(
                f"{task[:8]} is {SHOWN[Status(status)]}: only failed and aborted tasks are retried",
                f"taskyard clone {task[:8]} --queue default, to run the same once more",
            )
        # Not a reset: what the attempt before printed and reported stays.
        session.raw("tasks.enqueue", {"task": task, "queue": queue})

    return each_task(args, do)


def _last_queue(session: Session, task: str) -> str:
    document = session.raw("tasks.get_by_id", {"task": task})["task"]
    if queue := (document.get("execution") or {}).get("queue"):
        return str(queue)
    return resolve_queue(session, "default")


def reset_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    parser.add_argument("--force", action="store_true", help="published ones, too")


def reset_command(args: argparse.Namespace) -> int:
    def do(session: Session, task: str) -> None:
        session.raw("tasks.reset", {"task": task, "force": args.force})

    return each_task(args, do)


def delete_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    parser.add_argument("--force", action="store_true", help="running and published ones, too")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def delete_command(args: argparse.Namespace) -> int:
    count = len(args.tasks)
    what = f"Delete {count} task{'s' if count > 1 else ''} and all that was reported"
    confirm(what, args, "taskyard delete " + " ".join(args.tasks))

    def do(session: Session, task: str) -> None:
        status = session.raw("tasks.get_by_id", {"task": task})["task"]["status"]
        if status in {"in_progress", "published"} and not args.force:
            raise conflict(
                f"{task[:8]} is {SHOWN[Status(status)]}",
                f"taskyard abort {task[:8]} first, or --force",
            )
        # A person who says delete means it: the archive is the page's safety net, not a gate.
        session.raw("tasks.delete", {"task": task, "force": True})

    return each_task(args, do)
