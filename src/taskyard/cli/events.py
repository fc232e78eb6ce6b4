"""``taskyard events``: what happened to tasks, when, by whom and why."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from typing import Any

from taskyard.cli.output import EVERY, add_output, show_rows
from taskyard.cli.target import connect, resolve_task
from taskyard.client.session import Session

COLUMNS = ["time", "task", "what", "by", "where", "why"]

Row = dict[str, Any]


def events_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser)
    parser.add_argument("task", nargs="?", default="", help="only of this task")
    parser.add_argument("-n", type=int, default=50, metavar="N", help="the latest N")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on with what happens from now on"
    )


def events_command(args: argparse.Namespace) -> int:
    session = connect(args)
    query: Row = {"task": resolve_task(session, args.task)} if args.task else {}
    found = _read(session, {**query, "size": args.n})
    if not args.follow:
        show_rows(found, COLUMNS, args)
        return 0
    # One line for each, as it comes: no table has its widths before its rows.
    args.output = "jsonl" if args.output in {"json", "jsonl"} else args.output
    if args.output == "table" and not (args.format or args.json or args.quiet):
        args.format = "{time}  {task}  {what}  {by}  {where}  {why}"
    last = 0
    while True:
        show_rows(found, COLUMNS, args)
        sys.stdout.flush()
        last = found[-1]["number"] if found else last
        time.sleep(EVERY)
        found = _read(session, {**query, "after": last, "size": 1000})


def _read(session: Session, query: Row) -> list[Row]:
    """What happened, the first thing first."""
    return [_row(line) for line in session.raw("tasks.get_journal", query)["lines"]][::-1]


def _row(line: Row) -> Row:
    task = line["task"]
    at = datetime.fromisoformat(line["at"]).astimezone()
    why = [line["reason"], line["message"].split("\n")[0]]
    return {
        "number": line["id"],
        "id": task["id"],
        "at": line["at"],
        "time": at.strftime("%Y-%m-%d %H:%M:%S"),
        "task": task.get("name") or task["id"][:8],
        "what": line["what"],
        "by": (line.get("by") or {}).get("name") or "the server",
        "where": line.get("worker") or line.get("queue") or "",
        "why": ": ".join(word for word in why if word),
    }
