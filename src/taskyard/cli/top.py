"""``taskyard top``: workers, queues and live tasks, again and again."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator

from taskyard.cli import ps, queues, workers
from taskyard.cli.output import add_server, print_table, terminal_height, watched
from taskyard.cli.target import connect
from taskyard.client.session import Session

PARTS = ["workers", "queues", "tasks"]
MOST_TASKS = 500


def top_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "part", nargs="?", choices=PARTS, metavar="PART", help="only workers, queues or tasks"
    )
    add_server(parser)


def top_command(args: argparse.Namespace) -> int:
    """On a terminal until Ctrl-C, else once."""
    session = connect(args)
    args.watch = sys.stdout.isatty()
    parts = [args.part] if args.part else PARTS
    with _screen():
        return watched(args, lambda: _show(session, parts))


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    """The terminal's other screen, so that what was on it is there again afterwards."""
    if not sys.stdout.isatty():
        yield
        return
    sys.stdout.write("\033[?1049h")
    try:
        yield
    finally:
        sys.stdout.write("\033[?1049l")
        sys.stdout.flush()


def _show(session: Session, parts: list[str]) -> None:
    tables = {
        "workers": (workers.in_cells(workers.rows(session)), workers.COLUMNS),
        "queues": (queues.rows(session), queues.COLUMNS),
        "tasks": (ps.in_cells(ps.rows(session, ps.live(MOST_TASKS))), ps.COLUMNS),
    }
    status = Counter(str(row["status"]).split(" ")[0] for row in tables["tasks"][0])
    busy = sum(row["status"] == "busy" for row in tables["workers"][0])
    live = (
        ", ".join(f"{number} {word}" for word, number in sorted(status.items())) or "no live task"
    )
    print(
        f"{time.strftime('%H:%M:%S')}  {live}; {busy} of {len(tables['workers'][0])} workers busy"
    )
    lines = max(2, terminal_height() // len(parts) - 3) if sys.stdout.isatty() else None
    for part in parts:
        found, columns = tables[part]
        print()
        print_table(found[:lines], columns)
        if lines and len(found) > lines:
            print(f"and {len(found) - lines} more: taskyard top {part}")
