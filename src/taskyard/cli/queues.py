"""``taskyard queue``."""

from __future__ import annotations

import argparse
from typing import Any

from taskyard.cli.output import confirm, duration, print_id, seconds_since, show_rows
from taskyard.cli.target import connect, resolve_queue
from taskyard.cli.things import add_verbs
from taskyard.client.session import Session

COLUMNS = ["name", "waiting", "workers", "next", "paused"]


def queue_arguments(parser: argparse.ArgumentParser) -> None:
    texts = {
        "ls": "all queues",
        "show": "what waits there, in order",
        "create": "make a queue",
        "clear": "take all tasks off it",
        "delete": "delete it",
        "pause": "hand out nothing until it is resumed",
        "resume": "hand out tasks again",
        "rename": "give it another name",
    }
    verbs = add_verbs(parser, "queue", "its name or id", texts)
    for name in ("clear", "delete"):
        verbs[name].add_argument("-y", "--yes", action="store_true", help="do not ask")
    verbs["pause"].add_argument("-m", "--message", default="", help="why")
    verbs["rename"].add_argument("name", metavar="NEW_NAME", help="the name it gets")


def queue_command(args: argparse.Namespace) -> int:
    session = connect(args)
    if args.verb == "ls":
        show_rows(rows(session), COLUMNS, args)
        return 0
    if args.verb == "create":
        print_id(session.raw("queues.create", {"name": args.queue})["id"], args)
        return 0
    queue = resolve_queue(session, args.queue)
    if args.verb == "show":
        return _show(session, queue, args)
    if args.verb in {"clear", "delete"}:
        waiting = session.raw("queues.get_num_entries", {"queue": queue})["num"]
        question = f"{args.verb.capitalize()} {args.queue}: {waiting} waiting tasks become drafts"
        if waiting:
            confirm(question, args, f"taskyard queue {args.verb} {args.queue}")
    body: dict[str, Any] = {"queue": queue}
    action = {"clear": "clear_queue", "rename": "update"}.get(args.verb, args.verb)
    if args.verb == "delete":
        body["force"] = True
    elif args.verb == "pause":
        body["reason"] = args.message
    elif args.verb == "rename":
        body["name"] = args.name
    session.raw(f"queues.{action}", body)
    print_id(queue, args)
    return 0


def rows(session: Session) -> list[dict[str, Any]]:
    """All queues, as they are listed."""
    queues = session.raw("queues.get_all_ex", {"page": 0, "page_size": 500})["queues"]
    return [
        {
            "id": q["id"],
            "name": q["name"],
            "waiting": len(q.get("entries") or []),
            "workers": len(q.get("workers") or []),
            "next": _task_name(q["entries"][0]) if q.get("entries") else None,
            "paused": "paused" if q.get("paused") else None,
        }
        for q in queues
    ]


def _show(session: Session, queue: str, args: argparse.Namespace) -> int:
    found = session.raw("queues.get_all_ex", {"id": [queue]})["queues"][0]
    entries = [
        {
            "position": number,
            "id": e["task"]["id"] if isinstance(e["task"], dict) else e["task"],
            "task": _task_name(e),
            "waiting": seconds_since(e.get("added")),
        }
        for number, e in enumerate(found.get("entries") or [], 1)
    ]
    if args.output in {"table", "wide"}:
        entries = [{**row, "waiting": duration(row["waiting"])} for row in entries]
    show_rows(entries, ["position", "id", "task", "waiting"], args)
    return 0


def _task_name(entry: dict[str, Any]) -> str:
    task = entry["task"]
    return str(task.get("name") or task["id"]) if isinstance(task, dict) else str(task)
