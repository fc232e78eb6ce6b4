"""``taskyard worker``."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator
from typing import Any

from taskyard.api.errors import INVALID_WORKER_ID, ApiError
from taskyard.cli.output import duration, print_id, print_object, seconds_since, show_rows
from taskyard.cli.target import connect
from taskyard.cli.things import add_verbs
from taskyard.client.session import Session

COLUMNS = ["id", "status", "task", "queues", "user", "seen"]
TOLD = {"pause": "paused", "drain": "draining", "stop": "stopping"}


def worker_arguments(parser: argparse.ArgumentParser) -> None:
    texts = {
        "ls": "all workers",
        "show": "all about one",
        "pause": "take no task until resumed",
        "resume": "take tasks again",
        "drain": "finish what runs, take no more, and leave",
        "stop": "end what runs, give it back to its queue, and leave",
    }
    verbs = add_verbs(parser, "worker", "its id, as worker ls tells it", texts)
    for name in ("pause", "resume", "drain", "stop"):
        verbs[name].add_argument("-m", "--message", default="", help="why")


def worker_command(args: argparse.Namespace) -> int:
    session = connect(args)
    if args.verb == "ls":
        return list_workers(args)
    worker = _find(session, args.worker)
    if args.verb == "show":
        reports = session.raw("workers.get_load", {"worker_ids": [args.worker]})["loads"]
        load = reports[0]["load"] if reports else {}
        if not print_object({**worker, "load": load}, args.output):
            _describe(worker, load)
        return 0
    session.raw(f"workers.{args.verb}", {"worker": args.worker, "reason": args.message})
    print_id(args.worker, args)
    return 0


def _find(session: Session, id: str) -> dict[str, Any]:
    """The worker of this id. Raises ApiError(INVALID_WORKER_ID) with the nearest one."""
    workers: list[dict[str, Any]] = session.raw("workers.get_all", {"last_seen": 0})["workers"]
    for worker in workers:
        if worker["id"] == id:
            return worker
    near = difflib.get_close_matches(id, [worker["id"] for worker in workers], 1)
    guess = f"Did you mean {near[0]}? " if near else ""
    error = ApiError(INVALID_WORKER_ID, hint=f"{guess}All workers: taskyard worker ls")
    error.what = f'no worker "{id}"'
    raise error


def _status(worker: dict[str, Any]) -> str:
    told = TOLD.get((worker.get("order") or {}).get("kind", ""))
    if told or worker.get("task"):
        return told or "busy"
    return "unfit" if worker.get("unfit") else "idle"


def rows(session: Session) -> list[dict[str, Any]]:
    """The workers that the server knows, as they are listed; ``seen`` in seconds."""
    return [
        {
            "id": w["id"],
            "status": _status(w),
            "task": (w.get("task") or {}).get("name"),
            "queues": ", ".join(_queues(w)),
            "unfit": w.get("unfit"),
            "user": (w.get("user") or {}).get("name"),
            "ip": w.get("ip"),
            "seen": seconds_since(w.get("last_activity_time")),
        }
        for w in session.raw("workers.get_all", {"last_seen": 0})["workers"]
    ]


def in_cells(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for people."""
    return [{**row, "seen": duration(row["seen"])} for row in found]


def list_workers(args: argparse.Namespace) -> int:
    """Print the workers that the server knows."""
    found = rows(connect(args))
    show_rows(in_cells(found) if args.output in {"table", "wide"} else found, COLUMNS, args)
    return 0


def _queues(worker: dict[str, Any]) -> list[str]:
    return [queue.get("name") or queue["id"] for queue in worker.get("queues") or []]


def _describe(worker: dict[str, Any], load: dict[str, dict[str, float]]) -> None:
    machine, task = worker.get("resources") or {}, worker.get("task") or {}
    order = worker.get("order") or {}
    lines = [
        ("worker", worker["id"]),
        ("status", _status(worker)),
        ("reason", order.get("reason") or worker.get("unfit")),
        ("task", f"{task['id']}  {task.get('name')}" if task else None),
        ("queues", ", ".join(_queues(worker))),
        ("user", (worker.get("user") or {}).get("name")),
        ("host", "  ".join(filter(None, [machine.get("host"), worker.get("ip")]))),
        ("seen", f"{duration(seconds_since(worker.get('last_activity_time')))} ago"),
        *_machine(machine, load),
    ]
    for name, value in lines:
        if value:
            print(f"{name:<10}{value}")


def _machine(
    machine: dict[str, Any], load: dict[str, dict[str, float]]
) -> Iterator[tuple[str, str]]:
    """What a machine has, and how much of it is used. What was zero is not in its load."""
    if cores := machine.get("cpus"):
        busy = sum(load.get("cpu_usage", {}).values()) / cores
        yield "cores", f"{cores}, {busy:.0f} % busy"
    if memory := machine.get("memory"):
        yield "memory", _part(load.get("memory_used", {}).get("total", 0), memory)
    for place, card in enumerate(machine.get("gpus") or []):
        busy = load.get("gpu_usage", {}).get(str(place), 0)
        used = load.get("gpu_memory_used", {}).get(str(place), 0)
        about = f"{card['name']}, {busy:.0f} % busy, {_part(used, card['memory'])}"
        yield f"gpu {card['index']}", about


def _part(used: float, whole: float) -> str:
    """Of an amount in MiB."""
    return f"{used / 1024:.1f} of {whole / 1024:.1f} GiB used"
