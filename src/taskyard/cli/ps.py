"""``taskyard ps``: what runs, what waits and why."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from taskyard.api.states import SHOWN, Status
from taskyard.cli.failure import WrongUsage
from taskyard.cli.output import (
    add_output,
    add_watch,
    duration,
    note,
    seconds_since,
    show_rows,
    watched,
)
from taskyard.cli.target import TASK_FIELDS, connect, resolve_project, resolve_queue
from taskyard.client.session import Session

ACTIVE = [Status.QUEUED, Status.IN_PROGRESS]
COLUMNS = ["id", "status", "task", "queue", "where", "age", "step"]
WIDE = [*COLUMNS, "project", "user", "tags"]


def ps_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser)
    add_watch(parser)
    parser.add_argument("-a", "--all", action="store_true", help="ended ones and drafts, too")
    parser.add_argument("--archived", action="store_true", help="those in the archive, too")
    parser.add_argument("-n", type=int, default=50, metavar="N", help="the newest N")
    parser.add_argument("--status", default="", help="only these, with commas between")
    parser.add_argument("--project", default="", help="only this project's")
    parser.add_argument("--queue", default="", help="only this queue's")
    parser.add_argument("--user", default="", help="only this user's; me: your own")
    parser.add_argument(
        "-l", "--tag", action="append", default=[], help="only with this tag; may be given again"
    )


def ps_command(args: argparse.Namespace) -> int:
    session = connect(args)
    query = _query(session, args)
    return watched(args, lambda: _show(session, query, args))


def live(most: int) -> dict[str, Any]:
    """The query for what runs and waits: so many at the most, what changed last first."""
    return {
        "only_fields": [*TASK_FIELDS, "execution.queue.name", "user.name"],
        "order_by": ["-last_update"],
        "page": 0,
        "page_size": most,
        "status": [status.value for status in ACTIVE],
    }


def _query(session: Session, args: argparse.Namespace) -> dict[str, Any]:
    query = live(min(args.n, 500))
    if args.status:
        query["status"] = [_status(word) for word in args.status.split(",")]
    elif args.all:
        del query["status"]
    if args.project:
        query["project"] = [resolve_project(session, args.project)]
    if args.queue:
        query["execution.queue"] = [resolve_queue(session, args.queue)]
    if args.user:
        query["user"] = [_user(session, args.user)]
    if not args.archived:
        query["system_tags"] = ["-archived"]
    if args.tag:
        query["tags"] = ["__$all", *args.tag]
    return query


def _show(session: Session, query: dict[str, Any], args: argparse.Namespace) -> None:
    found = rows(session, query, why=not (args.quiet or args.output == "name"))
    if args.output not in {"table", "wide"} or args.quiet or args.json or args.format:
        show_rows(found, COLUMNS, args)
        return
    wide = args.output == "wide"
    show_rows(in_cells(found, wide=wide), WIDE if wide else COLUMNS, args)
    plain = not (args.status or args.project or args.queue or args.user or args.tag)
    if not found and plain and not args.all:
        note("nothing runs or waits; taskyard ps -a shows what has ended")


def rows(session: Session, query: dict[str, Any], *, why: bool = True) -> list[dict[str, Any]]:
    """The tasks that a query finds, as they are listed; ``age`` in seconds.

    ``why``: ask of each that is live what it waits for.
    """
    found = [_row(task) for task in session.raw("tasks.get_all_ex", query)["tasks"]]
    if why:
        _say_why(session, found)
    return found


def in_cells(found: list[dict[str, Any]], *, wide: bool = False) -> list[dict[str, Any]]:
    """Rows for people."""
    # On a terminal a long reason would push what follows it out of the window.
    most = 60 if sys.stdout.isatty() and not wide else None
    return [
        {
            **row,
            "id": row["id"][:8],
            "status": f"{row['status']} #{row['position']}" if row["position"] else row["status"],
            "where": (row["where"] or "")[:most],
            "age": duration(row["age"]),
            "tags": ", ".join(row["tags"]),
        }
        for row in found
    ]


def _say_why(session: Session, rows: list[dict[str, Any]]) -> None:
    """Fill in what tasks wait for, and what those do that are being prepared."""
    live = {row["id"]: row for row in rows if row["status"] in {SHOWN[s] for s in ACTIVE}}
    if not live:
        return
    found = session.raw("tasks.explain_many", {"ids": list(live)})["explanations"]
    for told in found:
        row = live[told["task"]]
        row["status"] = told["state"]
        row["position"] = told.get("position")
        if told["state"] != SHOWN[Status.IN_PROGRESS]:
            row["where"] = told["reason"]["text"]


def _status(word: str) -> str:
    """The API's name of a status, by that or by the word that people see."""
    for status, shown in SHOWN.items():
        if word in (status.value, shown):
            return status.value
    raise WrongUsage(f"no status {word!r}", hint="Statuses: " + ", ".join(sorted(SHOWN.values())))


def _user(session: Session, name: str) -> str:
    if name == "me":
        return str(session.raw("users.get_current_user")["user"]["id"])
    users = session.raw("users.get_all_ex", {"only_fields": ["id", "name"]})["users"]
    for user in users:
        if name in (user["id"], user["name"]):
            return str(user["id"])
    raise WrongUsage(f"no user {name!r}", hint="Users: " + ", ".join(u["name"] for u in users))


def _row(task: dict[str, Any]) -> dict[str, Any]:
    status = Status(task["status"])
    queue = (task.get("execution") or {}).get("queue") or {}
    since = task.get("started") if status == Status.IN_PROGRESS else task.get("created")
    reason = task.get("status_message") or task.get("status_reason") or ""
    return {
        "id": task["id"],
        "status": SHOWN[status],
        "task": task.get("name"),
        "queue": queue.get("name") if isinstance(queue, dict) else queue,
        "where": task.get("last_worker") if status == Status.IN_PROGRESS else reason,
        "age": seconds_since(since),
        "step": task.get("last_iteration") or None,
        "project": (task.get("project") or {}).get("name"),
        "user": (task.get("user") or {}).get("name"),
        "tags": task.get("tags") or [],
        "created": task.get("created"),
        "started": task.get("started"),
        "completed": task.get("completed"),
        "position": None,
    }
