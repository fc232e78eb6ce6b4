"""``taskyard worker``."""

from __future__ import annotations

import argparse
from typing import Any

from taskyard.api.errors import INVALID_WORKER_ID, ApiError
from taskyard.cli.output import add_output, add_server, duration, seconds_since, show_rows
from taskyard.cli.target import connect


def worker_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("ls", help="all workers")
    add_output(listed)
    for name, text in {
        "pause": "take no task until resumed",
        "resume": "take tasks again",
        "drain": "finish what runs, take no more, and leave",
        "stop": "end what runs, give it back to its queue, and leave",
    }.items():
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("worker", metavar="WORKER", help="its id, as worker ls tells it")
        verb.add_argument("-m", "--message", default="", help="why")
        add_server(verb)


def worker_command(args: argparse.Namespace) -> int:
    if args.verb == "ls":
        return list_workers(args)
    try:
        connect(args).raw(f"workers.{args.verb}", {"worker": args.worker, "reason": args.message})
    except ApiError as error:
        if error.kind[:2] == INVALID_WORKER_ID[:2]:
            error.what = f'no worker "{args.worker}"'
            error.hint = "All workers: taskyard worker ls"
        raise
    print(args.worker)
    return 0


def _status(worker: dict[str, Any]) -> str:
    order = (worker.get("order") or {}).get("kind", "")
    told = {"pause": "paused", "drain": "draining", "stop": "stopping"}.get(order)
    if told or worker.get("task"):
        return told or "busy"
    return "unfit" if worker.get("unfit") else "idle"


def list_workers(args: argparse.Namespace) -> int:
    """Print the workers that the server knows."""
    workers = connect(args).raw("workers.get_all", {"last_seen": 0})["workers"]
    rows = [
        {
            "id": w["id"],
            "status": _status(w),
            "task": (w.get("task") or {}).get("name"),
            "queues": ", ".join(q.get("name") or q["id"] for q in w.get("queues") or []),
            "unfit": w.get("unfit"),
            "user": (w.get("user") or {}).get("name"),
            "ip": w.get("ip"),
            "seen": seconds_since(w.get("last_activity_time")),
        }
        for w in workers
    ]
    if not hasattr(args, "quiet"):
        args.quiet = False
    if args.output in {"table", "wide"}:
        rows = [{**row, "seen": duration(row["seen"])} for row in rows]
    show_rows(rows, ["id", "status", "task", "queues", "user", "seen"], args)
    return 0
