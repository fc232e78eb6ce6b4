"""The commands that look at what tasks gave: metrics, artifacts, diff."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from taskyard.api.errors import TaskyardError
from taskyard.cli.output import add_output, note, show_rows
from taskyard.cli.target import connect, resolve_task
from taskyard.client.session import Session

Task = dict[str, Any]


def metrics_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    parser.add_argument("names", nargs="*", metavar="METRIC", help="only these")
    parser.add_argument("--points", action="store_true", help="every point, not the last ones")
    add_output(parser)


def metrics_command(args: argparse.Namespace) -> int:
    session = connect(args)
    task = resolve_task(session, args.task)
    if args.points:
        columns = ["id", "step", "value"]
        rows = _points(session, task)
    else:
        columns = ["id", "last", "min", "min_step", "max", "max_step"]
        rows = _last_values(session, task)
    if args.names:
        rows = [r for r in rows if r["metric"] in args.names or r["id"] in args.names]
    if not rows:
        note("no metrics" + (" of these names" if args.names else " were reported yet"))
    show_rows(rows, columns, args)
    return 0


def _last_values(session: Session, task: str) -> list[dict[str, Any]]:
    document = session.raw("tasks.get_by_id", {"task": task})["task"]
    return [
        {
            "id": f"{value['metric']}/{value['variant']}",
            "metric": value["metric"],
            "variant": value["variant"],
            "last": value.get("value"),
            "min": value.get("min_value"),
            "min_step": value.get("min_value_iteration"),
            "max": value.get("max_value"),
            "max_step": value.get("max_value_iteration"),
        }
        for variants in (document.get("last_metrics") or {}).values()
        for value in variants.values()
    ]


def _points(session: Session, task: str) -> list[dict[str, Any]]:
    answer = session.raw("events.scalar_metrics_iter_histogram", {"task": task, "samples": 100_000})
    return [
        {
            "id": f"{metric}/{variant}",
            "metric": metric,
            "variant": variant,
            "step": step,
            "value": value,
        }
        for metric, variants in answer.items()
        for variant, series in variants.items()
        for step, value in zip(series["x"], series["y"], strict=True)
    ]


def artifacts_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    parser.add_argument("name", nargs="?", metavar="NAME", help="download this one")
    parser.add_argument(
        "-O", "--into", type=Path, default=None, metavar="FILE", help="where to; - for the output"
    )
    add_output(parser)


def artifacts_command(args: argparse.Namespace) -> int:
    session = connect(args)
    document = session.raw("tasks.get_by_id", {"task": resolve_task(session, args.task)})["task"]
    rows = [
        {
            "id": artifact["key"],
            "type": artifact.get("type"),
            "size": artifact.get("content_size"),
            "address": artifact.get("uri"),
            "hash": artifact.get("hash"),
        }
        for artifact in (document.get("execution") or {}).get("artifacts") or []
    ]
    if args.name is None:
        show_rows(rows, ["id", "type", "size", "address"], args)
        return 0
    found = [row for row in rows if row["id"] == args.name]
    if not found:
        names = ", ".join(str(row["id"]) for row in rows) or "none"
        raise TaskyardError(f"no artifact {args.name!r}", hint=f"Its artifacts: {names}")
    return _download(session, str(found[0]["address"]), args)


def _download(session: Session, address: str, args: argparse.Namespace) -> int:
    ours = f"{session.url}/files/"
    if not address.startswith(ours):
        raise TaskyardError(
            f"{address} is not on this server", hint="Fetch it with the tool of that place."
        )
    content = session.get_file(address.removeprefix(ours))
    if str(args.into) == "-":
        sys.stdout.buffer.write(content)
        return 0
    into = args.into or Path(address.rpartition("/")[2])
    into.write_bytes(content)
    print(into)
    return 0


def diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    parser.add_argument("other", nargs="?", metavar="OTHER", help="else the one it was cloned from")
    add_output(parser)


def diff_command(args: argparse.Namespace) -> int:
    session = connect(args)
    new = _document(session, resolve_task(session, args.task))
    if not (args.other or new.get("parent")):
        raise TaskyardError(
            f"{args.task} was not cloned from a task", hint="Name the task to compare it with."
        )
    other = resolve_task(session, args.other) if args.other else new["parent"]
    rows = differences(_document(session, other), new)
    if not rows:
        note("no difference in parameters, code, packages, container or last metrics")
    show_rows(rows, ["id", "before", "after"], args)
    return 0


def _document(session: Session, task: str) -> Task:
    document: Task = session.raw("tasks.get_by_id", {"task": task})["task"]
    return document


def differences(before: Task, after: Task) -> list[dict[str, Any]]:
    """What differs between two tasks, a row each, in the order a person asks for it."""
    old, new = _flat(before), _flat(after)
    return [
        {"id": name, "before": old.get(name), "after": new.get(name)}
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _flat(task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section, items in (task.get("hyperparams") or {}).items():
        for name, item in items.items():
            found[f"{section}/{name}"] = item.get("value")
    for name, item in (task.get("configuration") or {}).items():
        found[f"configuration {name}"] = item.get("value")
    script = task.get("script") or {}
    for name in ("repository", "branch", "version_num", "working_dir", "entry_point", "binary"):
        found[name] = script.get(name) or None
    found["changes"] = _amount(script.get("diff"))
    for package in str((script.get("requirements") or {}).get("pip") or "").splitlines():
        found[f"package {package.partition('=')[0].strip()}"] = package
    for name, value in (task.get("container") or {}).items():
        found[f"container {name}"] = value or None
    for variants in (task.get("last_metrics") or {}).values():
        for value in variants.values():
            found[f"metric {value['metric']}/{value['variant']}"] = value.get("value")
    return found


def _amount(diff: str | None) -> str | None:
    """A diff in a cell: how long, and its digest, for two of one length are seldom the same."""
    import hashlib

    if not diff:
        return None
    digest = hashlib.sha256(diff.encode()).hexdigest()[:8]
    return f"{len(diff.splitlines())} lines ({digest})"
