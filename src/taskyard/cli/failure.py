"""Errors as people see them on the terminal, and the exit codes they become."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from taskyard.api import errors
from taskyard.api.errors import ApiError, TaskyardError
from taskyard.cli.exits import CONFLICT, FAILED, FORBIDDEN, NOT_FOUND, UNREACHABLE, USAGE

_NOT_FOUND = {
    kind[:2]
    for kind in (
        errors.INVALID_ID,
        errors.INVALID_TASK_ID,
        errors.INVALID_QUEUE_ID,
        errors.INVALID_MODEL_ID,
        errors.INVALID_PROJECT_ID,
        errors.INVALID_WORKER_ID,
        errors.WORKER_NOT_REGISTERED,
    )
}
_CONFLICT = {
    kind[:2]
    for kind in (
        errors.INVALID_TASK_STATUS,
        errors.STATUS_CHANGED,
        errors.TASK_ALREADY_QUEUED,
        errors.TASK_NOT_IN_QUEUE,
        errors.QUEUE_NOT_EMPTY,
        errors.NOT_UNIQUE,
        errors.TASK_CANNOT_BE_DELETED,
        errors.STALE_ATTEMPT,
    )
}


EXTRAS = {"psycopg": ("PostgreSQL", "postgres")}
"""Packages that not everyone installs: what they are for, and the extra that has them."""


class WouldChange(Exception):
    """What a command would have changed, had it not been told to change nothing."""

    def __init__(self, action: str, body: dict[str, Any]) -> None:
        super().__init__(action)
        self.action, self.body = action, body


class WrongUsage(TaskyardError):
    """A command's own words make no sense."""


def missing_extra(name: str | None) -> TaskyardError | None:
    """What to say when the package of this name is missing, if it is one of ``EXTRAS``."""
    if name not in EXTRAS:
        return None
    purpose, extra = EXTRAS[name]
    return TaskyardError(
        f"{purpose} needs the package {name}, which is not installed",
        hint=f"pip install 'taskyard[{extra}]'",
    )


def exit_code(error: TaskyardError) -> int:
    """The documented exit code of an error."""
    from taskyard.client.http import ServerUnreachable

    if isinstance(error, WrongUsage):
        return USAGE
    if isinstance(error, ServerUnreachable):
        return UNREACHABLE
    if isinstance(error, ApiError):
        if error.code in {401, 403}:
            return FORBIDDEN
        if error.kind in _NOT_FOUND or error.code == 404:
            return NOT_FOUND
        if error.kind in _CONFLICT:
            return CONFLICT
        if error.code > 500:
            return UNREACHABLE
    return FAILED


def explain(error: TaskyardError, args: argparse.Namespace) -> int:
    """Print the error in the form asked for; returns the exit code."""
    code = exit_code(error)
    hint, why = error.hint, ""
    refused = isinstance(error, ApiError) and error.code == 401
    if refused and not hint:
        hint = "Check the keys: `taskyard init` makes a new client configuration."
    if refused or code == UNREACHABLE:
        why = getattr(args, "origin", "")
    if getattr(args, "output", None) in {"json", "jsonl"}:
        import json

        what = {"error": {"code": code, "message": error.what, "hint": hint}}
        print(json.dumps(what), file=sys.stderr)
    else:
        print(f"error: {error.what}", file=sys.stderr)
        if why:
            print(f"  why: {why}", file=sys.stderr)
        if hint:
            print(f"  try: {hint}", file=sys.stderr)
    return getattr(args, "own_failure", None) or code
