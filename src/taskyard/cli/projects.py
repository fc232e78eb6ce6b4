"""``taskyard project``."""

from __future__ import annotations

import argparse
from typing import Any

from taskyard.cli.output import local_time, print_id, show_rows
from taskyard.cli.target import connect, resolve_project
from taskyard.cli.things import add_verbs
from taskyard.client.session import Session


def project_arguments(parser: argparse.ArgumentParser) -> None:
    texts = {
        "ls": "all projects, with how many tasks they have",
        "create": "make a project; a path makes those above it",
        "rename": "give it another name; a path moves it",
        "delete": "delete it, if nothing is in it",
    }
    verbs = add_verbs(parser, "project", "its whole name, such as llm/finetune", texts)
    verbs["rename"].add_argument("name", metavar="NEW_NAME", help="the whole name it gets")


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
        print_id(session.raw("projects.create", body)["id"], args)
        return 0
    project = resolve_project(session, args.project)
    if args.verb == "delete":
        session.raw("projects.delete", {"project": project})
    else:
        _rename(session, project, args)
    print_id(project, args)
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
