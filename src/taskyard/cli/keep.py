"""The commands that put tasks in order: tag, archive, restore, publish."""

from __future__ import annotations

import argparse
from typing import Any

from taskyard.api.errors import ApiError
from taskyard.cli.each import each_task, many_arguments
from taskyard.cli.failure import WrongUsage
from taskyard.client.session import Session


def tag_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} TASK [TASK ...] [+TAG ...] [--remove TAG ...]"
    many_arguments(parser)
    parser.add_argument("--add", action="append", default=[], metavar="TAG", help="or +TAG")
    parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="take it away")


def tag_command(args: argparse.Namespace) -> int:
    adds = [*args.add, *(word[1:] for word in args.tasks if word.startswith("+"))]
    args.tasks = [word for word in args.tasks if not word.startswith("+")]
    if not (adds or args.remove) or not args.tasks:
        raise WrongUsage("no tag or no task was named", hint="taskyard tag last +good --remove bad")

    def do(session: Session, task: str) -> None:
        body = {"ids": [task], "add_tags": adds, "remove_tags": args.remove}
        session.raw("tasks.update_tags", body)

    return each_task(args, do)


def archive_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)


def archive_command(args: argparse.Namespace) -> int:
    return _each_by_many(args, "tasks.archive_many")


def restore_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)


def restore_command(args: argparse.Namespace) -> int:
    return _each_by_many(args, "tasks.unarchive_many")


def publish_arguments(parser: argparse.ArgumentParser) -> None:
    many_arguments(parser)
    parser.add_argument("--force", action="store_true", help="also one that has not ended well")


def publish_command(args: argparse.Namespace) -> int:
    def do(session: Session, task: str) -> None:
        session.raw("tasks.publish", {"task": task, "force": args.force})

    return each_task(args, do)


def _each_by_many(args: argparse.Namespace, action: str) -> int:
    """Through an action on many tasks, which tells of each that fails in its answer."""

    def do(session: Session, task: str) -> None:
        answer: dict[str, Any] = session.raw(action, {"ids": [task]})
        for failed in answer["failed"]:
            error = failed["error"]
            raise ApiError((*error["codes"], error["msg"]))

    return each_task(args, do)
