"""``taskyard logs``: what a task printed."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from taskyard.cli.failure import WrongUsage
from taskyard.cli.output import add_server, utc_time
from taskyard.cli.target import connect, resolve_task
from taskyard.client.session import Session

Line = dict[str, Any]
"""``text`` and ``timestamp`` (milliseconds); ``line``, its number, where it is known."""

PAGE = 5000
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_UNITS = (86_400, 3_600, 60, 1)


def logs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the task ends")
    parser.add_argument("--tail", type=int, default=None, metavar="N", help="the last N lines only")
    parser.add_argument("-t", "--timestamps", action="store_true", help="when each line came")
    parser.add_argument("--grep", default="", metavar="RE", help="only lines that match")
    parser.add_argument(
        "--since", default="", metavar="WHEN", help="only lines from then on: 5m, 1h30m, or a time"
    )
    runs = parser.add_mutually_exclusive_group()
    runs.add_argument("--attempt", type=int, metavar="N", help="only what run N printed")
    runs.add_argument("--previous", action="store_true", help="only the run before the last")
    add_server(parser)
    parser.add_argument(
        "-o", "--output", default="table", choices=["table", "jsonl"], help="form of the output"
    )


def logs_command(args: argparse.Namespace) -> int:
    wanted = _pattern(args.grep)
    since = moment(args.since, time.time()) if args.since else 0
    session = connect(args)
    task = resolve_task(session, args.task)
    attempt = _previous(session, task) if args.previous else args.attempt
    if args.follow and attempt is not None:
        raise WrongUsage("-f follows the run that goes on", hint="Leave --attempt out.")
    if args.follow:
        lines = _followed(session, task, 0 if args.tail is None else -args.tail)
        lines = (line for line in lines if wanted.search(line["text"]))
    elif args.grep or since:
        lines = _found(session, task, args.grep, attempt, since)
    else:
        lines = _read(session, task, attempt, args.tail)
    if args.tail is not None and not args.follow:
        lines = iter(list(lines)[-args.tail :] if args.tail else [])
    for line in lines:
        if line["timestamp"] >= since:
            _print(line, args)
    return 0


def _pattern(words: str) -> re.Pattern[str]:
    try:
        return re.compile(words)
    except re.error as error:
        raise WrongUsage(f"--grep {words!r} is no regular expression: {error}") from error


def moment(words: str, now: float) -> int:
    """A time as people say it, in milliseconds since 1970: so long before ``now``, or a date.

    Raises WrongUsage for what is neither.
    """
    span = _SPAN.fullmatch(words)
    if span and any(span.groups()):
        ago = sum(int(n or 0) * unit for n, unit in zip(span.groups(), _UNITS, strict=True))
        return int((now - ago) * 1000)
    try:
        return int(datetime.fromisoformat(words).timestamp() * 1000)
    except ValueError:
        raise WrongUsage(
            f"{words!r} is no time", hint="Such as 90s, 5m, 1h30m, 2d or 2026-11-23T20:00"
        ) from None


def _previous(session: Session, task: str) -> int:
    attempts = session.raw("attempts.get_all", {"task": task})["attempts"]
    if len(attempts) < 2:
        raise WrongUsage("the task has no run before the last", hint=f"taskyard show {task[:8]}")
    return int(attempts[-2]["attempt"])


def _read(session: Session, task: str, attempt: int | None, tail: int | None) -> Iterator[Line]:
    first = 0 if tail is None else -tail
    if tail == 0:
        return
    while True:
        body = {"task": task, "first": first, "limit": PAGE, "attempt": attempt}
        lines = session.raw("events.read_log", body)["lines"]
        yield from lines
        if len(lines) < PAGE:
            return
        first = lines[-1]["line"] + 1


def _found(
    session: Session, task: str, pattern: str, attempt: int | None, since: int
) -> Iterator[Line]:
    """The lines that match, found by the server: only they travel."""
    body: dict[str, Any] = {"task": task, "pattern": pattern, "regex": True, "limit": PAGE}
    body |= {"since": since, "attempt": attempt, "first": 0}
    while True:
        answer = session.raw("events.search_log", body)
        yield from answer["hits"]
        if len(answer["hits"]) == PAGE:
            body["first"] = answer["hits"][-1]["line"] + 1
        elif not answer["complete"]:
            body["first"] = answer["searched"]
        else:
            return


def _followed(session: Session, task: str, after: int) -> Iterator[Line]:
    """The lines from one place on, until the task has ended."""
    from taskyard.cli.follow import WAIT, pieces_after

    begun = ""
    while True:
        answer = pieces_after(session, task, after, wait=WAIT)
        for piece in answer["lines"]:
            *whole, last = (begun + piece["text"]).split("\n")
            begun = last if piece.get("partial") else ""
            for text in [*whole, *([] if piece.get("partial") else [last])]:
                yield {"timestamp": piece["timestamp"], "text": text}
        sys.stdout.flush()
        after = answer["next"]
        if not answer["lines"] and answer["over"]:
            if begun:
                yield {"timestamp": int(time.time() * 1000), "text": begun}
            return


def _print(line: Line, args: argparse.Namespace) -> None:
    if args.output == "jsonl":
        print(json.dumps({"timestamp": line["timestamp"], "text": line["text"]}))
    else:
        print(f"{utc_time(line['timestamp'])} " if args.timestamps else "", line["text"], sep="")
