"""How results are printed: tables for people, JSON and CSV for programs, colours on terminals."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from taskyard.cli.failure import WrongUsage

Row = Mapping[str, Any]
FORMS = ["table", "wide", "json", "jsonl", "yaml", "csv", "name"]
EVERY = 2.0
"""Seconds between two looks of ``--watch``."""

_COLOURS = {
    "running": "34",
    "preparing": "35",
    "queued": "33",
    "completed": "32",
    "failed": "31",
    "lost": "31",
    "aborted": "90",
    "draft": "90",
    "idle": "32",
    "busy": "34",
}


def add_server(parser: argparse.ArgumentParser) -> None:
    """The flag of every command that talks to a server."""
    parser.add_argument("--server", default="", help="the server's address")


def add_answer(parser: argparse.ArgumentParser) -> None:
    """The flags of commands that tell of one thing."""
    add_server(parser)
    parser.add_argument(
        "-o",
        "--output",
        default="table",
        choices=["table", "json", "yaml"],
        help="form of the output",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """The flags every listing has."""
    parser.add_argument("-o", "--output", default="table", choices=FORMS, help="form of the output")
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")
    parser.add_argument("--json", metavar="FIELDS", help="JSON with these fields: id,status")
    parser.add_argument("--format", metavar="TEXT", help="a line for each, such as '{id} {status}'")
    add_server(parser)


def add_watch(parser: argparse.ArgumentParser) -> None:
    """The flag of listings that change."""
    parser.add_argument("-w", "--watch", action="store_true", help="again every two seconds")


def watched(args: argparse.Namespace, show: Callable[[], None]) -> int:
    """Show once, or with ``--watch`` until Ctrl-C: on a terminal always from the top."""
    while args.watch:
        if sys.stdout.isatty():
            sys.stdout.write("\033[H\033[2J")
        show()
        sys.stdout.flush()
        time.sleep(EVERY)
    show()
    return 0


def show_rows(rows: Sequence[Row], columns: Sequence[str], args: argparse.Namespace) -> None:
    """Print rows as asked. ``columns`` are shown in tables; the other forms hold all there is."""
    if getattr(args, "format", None):
        _print_formatted(rows, args.format)
        return
    if getattr(args, "json", None):
        names = args.json.split(",")
        _check_fields(rows, names)
        rows = [{name: row.get(name) for name in names} for row in rows]
        args.output = args.output if args.output in {"jsonl", "yaml"} else "json"
    form = "name" if args.quiet else args.output
    if form in {"json", "yaml"}:
        print_object(list(rows), form)
    elif form == "jsonl":
        for row in rows:
            print_object(row, form)
    elif form == "csv":
        import csv

        names = list(rows[0]) if rows else list(columns)
        writer = csv.DictWriter(sys.stdout, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({k: _plain(v) for k, v in row.items()} for row in rows)
    elif form == "name":
        for row in rows:
            print(row["id"])
    else:
        print_table(rows, columns, wide=form == "wide")


def print_object(value: Any, form: str) -> bool:
    """Print ``value`` if the form is one for programs; says whether it is."""
    if form == "json":
        print(json.dumps(value, indent=2, default=str))
    elif form == "jsonl":
        print(json.dumps(value, default=str))
    elif form == "yaml":
        import yaml

        print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), end="")
    else:
        return False
    return True


def print_id(id: str, args: argparse.Namespace) -> None:
    """Tell what was made or changed."""
    if not print_object({"id": id}, args.output):
        print(id)


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _check_fields(rows: Sequence[Row], names: Sequence[str]) -> None:
    """Raise WrongUsage for a field that no row has."""
    unknown = [name for name in names if rows and name not in rows[0]]
    if unknown:
        raise WrongUsage(f"there is no field {unknown[0]!r}", hint="Fields: " + ", ".join(rows[0]))


def _print_formatted(rows: Sequence[Row], text: str) -> None:
    for row in rows:
        try:
            print(text.format_map(row))
        except (KeyError, IndexError) as error:
            _check_fields(rows, [str(error).strip("'")])
            raise WrongUsage(f"--format {text!r} cannot be used: {error}") from error
        except ValueError as error:
            raise WrongUsage(f"--format {text!r} cannot be used: {error}") from error


def print_table(rows: Sequence[Row], columns: Sequence[str], *, wide: bool = False) -> None:
    """Aligned columns; on a terminal, cut to its width unless ``wide``."""
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    heads = [name.upper().replace("_", " ") for name in columns]
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(columns))]
    limit = terminal_width() if sys.stdout.isatty() and not wide else 0
    for number, line in enumerate([heads, *cells]):
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        text = "  ".join(padded).rstrip()
        if limit and len(text) > limit:
            text = text[: limit - 1] + "…"
        print(_coloured(text, line, columns) if number else text)


def _coloured(text: str, line: list[str], columns: Sequence[str]) -> str:
    if "status" not in columns or not colours_wanted():
        return text
    status = line[list(columns).index("status")]
    code = _COLOURS.get(status.split(" ")[0])
    return text.replace(status, f"\033[{code}m{status}\033[0m", 1) if code else text


def terminal_width() -> int:
    """Columns; 0 where there is no terminal."""
    return _terminal()[0]


def terminal_height() -> int:
    """Lines; 0 where there is no terminal."""
    return _terminal()[1]


def _terminal() -> tuple[int, int]:
    try:
        return os.get_terminal_size()
    except OSError:
        return 0, 0


def colours_wanted() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return sys.stdout.isatty()


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return " ".join(str(value).split())


def seconds_since(moment: str | None) -> float | None:
    """Seconds since an ISO time of the API."""
    if not moment:
        return None
    return time.time() - datetime.fromisoformat(moment).timestamp()


def duration(seconds: float | None) -> str:
    """Two units at the most: ``2m 04s``."""
    if seconds is None:
        return ""
    left = max(0, int(seconds))
    if left < 60:
        return f"{left}s"
    if left < 3600:
        return f"{left // 60}m {left % 60:02d}s"
    if left < 86400:
        return f"{left // 3600}h {left % 3600 // 60:02d}m"
    return f"{left // 86400}d {left % 86400 // 3600:02d}h"


def local_time(moment: str | None) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def utc_time(milliseconds: float) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def note(text: str) -> None:
    """A word to the person that is not data."""
    print(text, file=sys.stderr, flush=True)


def confirm(question: str, args: argparse.Namespace, line: str) -> None:
    """Ask before something is destroyed. Without a terminal and ``-y`` raises SystemExit(2)."""
    if args.yes or args.dry_run:
        return
    if not sys.stdin.isatty():
        note(f"error: {question}: this needs a yes\n  try: {line} -y")
        raise SystemExit(2)
    note(f"{question}? [y/N] ")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise SystemExit(1)
