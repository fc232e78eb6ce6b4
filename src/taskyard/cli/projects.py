"""``taskyard project``."""

from __future__ import annotations

import argparse
from typing import Any

from taskyard.cli.output import add_output, local_time, show_rows
from taskyard.cli.target import connect, resolve_project
from taskyard.client.session import Session


def project_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    add_output(verbs.add_parser("ls", help="all projects, with how many tasks they have"))
    for name, text in {
        "create": "make a project; a path makes those above it",
        "rename": "give it another name; a path moves it",
        "delete": "delete it, if nothing is in it",
    }.items():
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("project", metavar="PROJECT", help="its whole name, such as llm/finetune")
        if name == "rename":
            verb.add_argument("name", metavar="NEW_NAME", help="the whole name it gets")
        add_output(verb)


def project_command(args: argparse.Namespace) -> int:
    session = connect(args)
    if args.verb == "ls":
        query = {"include_stats": True, "page": 0, "page_size": 500, "order_by": ["name"]}
        rows = [
            {
                "id": p["id"],
                "name": p["name"],
                "tasks": sum(_tasks(p).values()),
                "running": _tasks(p).get("in_progress", 0),
                "updated": p.get("last_update"),
            }
            for p in session.raw("projects.get_all_ex", query)["projects"]
        ]
        if args.output in {"table", "wide"}:
            rows = [{**row, "updated": local_time(row["updated"])} for row in rows]
        show_rows(rows, ["name", "tasks", "running", "updated"], args)
        return 0
    if args.verb == "create":
        body = {"name": args.project, "description": ""}
        print(session.raw("projects.create", body)["id"])
        return 0
    project = resolve_project(session, args.project)
    if args.verb == "delete":
        session.raw("projects.delete", {"project": project})
    else:
        _rename(session, project, args)
    print(project)
    return 0


def _tasks(project: dict[str, Any]) -> dict[str, int]:
    """How many tasks a project has of each status, those in the archive left out."""
    stats = project.get("stats") or {}
    counts: dict[str, int] = (stats.get("active") or {}).get("status_count") or {}
    return counts


def _rename(session: Session, project: str, args: argparse.Namespace) -> None:
    """A name that begins with another path is another place."""
    parent, _, _ = args.name.rpartition("/")
    if parent != args.project.rpartition("/")[0]:
        session.raw("projects.move", {"project": project, "new_location": parent})
    session.raw("projects.update", {"project": project, "name": args.name})
