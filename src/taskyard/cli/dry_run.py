"""``--dry-run``: a command asks what it needs, and tells its first change instead of making it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from taskyard.cli.exits import OK
from taskyard.cli.failure import WouldChange
from taskyard.cli.output import print_object
from taskyard.client.session import Session

LONG = 200
"""Characters of a text that are shown to people."""

_READING = ("get_", "explain")


class DryRun(Session):
    """A session that only reads: the first call that would change something raises WouldChange."""

    def raw(
        self, name: str, body: dict[str, Any] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        if name.partition(".")[2].startswith(_READING):
            return super().raw(name, body, timeout=timeout)
        raise WouldChange(name, body or {})

    def make_task(self, name: str, body: dict[str, Any]) -> str:
        raise WouldChange(name, body)


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """The flag of commands that change something."""
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done, and change nothing"
    )


def tell(change: WouldChange, args: argparse.Namespace) -> int:
    """Print what would have been changed in the form asked for; returns the exit code."""
    if not print_object(told(change), args.output):
        print("  ".join(words(told(change))))
    return OK


def told(change: WouldChange) -> dict[str, Any]:
    """The call that would have been made, as ``taskyard api`` takes it."""
    return {"would": change.action, "with": change.body}


def words(told: dict[str, Any]) -> list[str]:
    """What is told by name, for people: without the text of whole patches."""
    return [
        f"{name} {json.dumps(_shortened(value)) if isinstance(value, dict) else value}"
        for name, value in told.items()
    ]


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}... ({len(value):,} characters)"
    return value
