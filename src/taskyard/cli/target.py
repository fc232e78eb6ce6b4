"""Who a command talks to, and which tasks its words mean.

Commands call actions by name with plain objects: importing the typed structs of all services
would take longer than the call.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import Any

from taskyard.api.errors import INVALID_PROJECT_ID, INVALID_QUEUE_ID, INVALID_TASK_ID, ApiError
from taskyard.cli.failure import WrongUsage
from taskyard.client.config import find
from taskyard.client.session import Session

Task = dict[str, Any]

_ID = re.compile(r"[0-9a-f]{32}")
_PREFIX = re.compile(r"[0-9a-f]{4,31}")

TASK_FIELDS = [
    "id",
    "name",
    "status",
    "status_reason",
    "status_message",
    "project.name",
    "execution.queue",
    "user",
    "created",
    "started",
    "completed",
    "last_update",
    "last_worker",
    "last_iteration",
    "tags",
    "type",
]


def connect(args: argparse.Namespace) -> Session:
    """A session with the configured server."""
    profile = find(url=getattr(args, "server", "") or "")
    # For messages: people have several servers, and several places that may name one.
    args.origin = f"{profile.url} is from: {profile.origin}"
    kind = Session
    if getattr(args, "dry_run", False):
        from taskyard.cli.dry_run import DryRun

        kind = DryRun
    return kind(profile.url, profile.access_key, profile.secret_key)


def words_from(given: list[str]) -> list[str]:
    """The words of the command line; ``-`` stands for those on standard input."""
    return [word for g in given for word in (sys.stdin.read().split() if g == "-" else [g])]


def resolve_tasks(session: Session, given: list[str]) -> list[str]:
    """The ids meant by ids, unique prefixes of four characters or more, names, and ``last``."""
    return [resolve_task(session, word) for word in words_from(given)]


def resolve_task(session: Session, word: str) -> str:
    """The id of the one task meant. Raises ApiError(INVALID_TASK_ID) for none or several."""
    if _ID.fullmatch(word):
        return word
    if word == "last":
        found = _query(session, order_by=["-created"], page_size=1)
        if not found:
            raise _no_task(word, "There is no task yet: make one with `taskyard run`.")
        return str(found[0]["id"])
    found = []
    if _PREFIX.fullmatch(word):
        found = _query(session, _any_={"fields": ["id"], "pattern": f"^{word}"}, page_size=10)
    if not found:
        found = _query(session, name=f"^{re.escape(word)}$", page_size=10)
    if not found:
        raise _no_task(word, "taskyard ps -a lists all tasks.")
    if len(found) > 1:
        listed = ", ".join(f"{t['id'][:12]} ({t['name']})" for t in found)
        raise _no_task(word, f"Give more of the id: {listed}", several=True)
    return str(found[0]["id"])


def _query(session: Session, **query: Any) -> list[Task]:
    body = {"only_fields": ["id", "name"], "search_hidden": True, "page": 0, **query}
    tasks: list[Task] = session.raw("tasks.get_all", body)["tasks"]
    return tasks


def _no_task(word: str, hint: str, *, several: bool = False) -> ApiError:
    error = ApiError(INVALID_TASK_ID, hint=hint)
    error.what = f'"{word}" means several tasks' if several else f'no task "{word}"'
    return error


def resolve_queue(session: Session, word: str) -> str:
    """The id of a queue by id or name. Raises ApiError(INVALID_QUEUE_ID) with the nearest name."""
    queues = all_queues(session)
    for queue in queues:
        if word in (queue["id"], queue["name"]):
            return str(queue["id"])
    names = [q["name"] for q in queues]
    near = difflib.get_close_matches(word, names, 1)
    error = ApiError(
        INVALID_QUEUE_ID,
        hint=(f"Did you mean {near[0]}? " if near else "")
        + f"All queues: taskyard queue ls. Make it: taskyard queue create {word}",
    )
    error.what = f'no queue named "{word}"'
    raise error


def resolve_project(session: Session, name: str) -> str:
    """The id of a project by its whole name or id. Raises ApiError(INVALID_PROJECT_ID)."""
    if _ID.fullmatch(name):
        return name
    query = {"name": f"^{re.escape(name)}$", "only_fields": ["id"], "search_hidden": True}
    found = session.raw("projects.get_all", query)["projects"]
    if not found:
        error = ApiError(INVALID_PROJECT_ID, hint="All projects: taskyard project ls")
        error.what = f'no project "{name}"'
        raise error
    return str(found[0]["id"])


def all_queues(session: Session) -> list[dict[str, Any]]:
    query = {"only_fields": ["id", "name"], "search_hidden": True, "page": 0, "page_size": 500}
    queues: list[dict[str, Any]] = session.raw("queues.get_all", query)["queues"]
    return queues


def parse_settings(words: list[str]) -> dict[str, str]:
    """``lr=0.2`` words as a mapping. Raises TaskyardError for a word that is none."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise WrongUsage(f"{word!r} is not of the form name=value", hint="--set lr=0.2")
        found[name] = value
    return found
