"""The commands that look at one task: show, explain, wait."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from taskyard.api.errors import TaskyardError
from taskyard.api.states import FINAL, SHOWN, Status
from taskyard.cli.exits import OUR_FAULT, TIMED_OUT
from taskyard.cli.output import add_answer, add_server, local_time, note, print_object
from taskyard.cli.target import connect, resolve_task, resolve_tasks
from taskyard.client.session import Session


def show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    add_answer(parser)


def show_command(args: argparse.Namespace) -> int:
    session = connect(args)
    task = resolve_task(session, args.task)
    found = session.raw("tasks.get_all_ex", {"id": [task], "search_hidden": True})["tasks"]
    if not found:
        raise TaskyardError(f"no task {task}", hint="taskyard ps -a lists all tasks")
    document = found[0]
    attempts = session.raw("attempts.get_all", {"task": task})["attempts"]
    if print_object({**document, "attempts": attempts}, args.output):
        return 0
    _describe(document, session.url)
    for attempt in attempts:
        _describe_attempt(attempt)
    return 0


def _describe(task: dict[str, Any], url: str) -> None:
    status = SHOWN[Status(task["status"])]
    why = ": ".join(w for w in (task.get("status_reason"), task.get("status_message")) if w)
    script = task.get("script") or {}
    lines = [
        ("task", f"{task['id']}  {task.get('name')}"),
        ("status", f"{status}{f'  ({why})' if why else ''}"),
        ("project", (task.get("project") or {}).get("name")),
        ("queue", ((task.get("execution") or {}).get("queue") or {}).get("name")),
        ("worker", task.get("last_worker")),
        ("created", local_time(task.get("created"))),
        ("started", local_time(task.get("started"))),
        ("ended", local_time(task.get("completed"))),
        (
            "code",
            f"{script.get('repository') or 'no repository'} {script.get('version_num') or ''}",
        ),
        ("entry", f"{script.get('working_dir') or '.'}: {script.get('entry_point') or ''}"),
        ("changes", f"{len(script['diff'].splitlines())} lines" if script.get("diff") else None),
        ("page", f"{url}/tasks/{task['id']}"),
    ]
    for name, value in lines:
        if value:
            print(f"{name:<10}{value}")
    for section, items in (task.get("hyperparams") or {}).items():
        print(section)
        for name, item in items.items():
            print(f"  {name} = {item.get('value')}")


def _describe_attempt(attempt: dict[str, Any]) -> None:
    cause = f"  {attempt['cause']}" if attempt.get("cause") else ""
    print(f"attempt {attempt['attempt']}  {attempt['state']}{cause}  on {attempt['worker']}")
    for phase in attempt.get("phases") or []:
        took = (phase.get("ended") or time.time()) - phase["started"]
        print(f"  {phase['name']:<12}{took:8.2f}s  {phase.get('detail', '')}")
    if attempt.get("hint"):
        print(f"  try: {attempt['hint']}")


def explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="id, prefix, name or last")
    add_answer(parser)


def explain_command(args: argparse.Namespace) -> int:
    session = connect(args)
    answer = session.raw("tasks.explain", {"task": resolve_task(session, args.task)})
    if print_object(answer, args.output):
        return 0
    reason = answer.get("reason") or {}
    print(reason.get("text") or answer.get("state"))
    for name, value in answer.items():
        told = name in {"reason", "hint"} or (name == "state" and reason.get("text"))
        if not told and value not in (None, "", [], {}):
            shown = ", ".join(value) if isinstance(value, list) else value
            print(f"  {name.replace('_', ' '):<17}{shown}")
    if answer.get("hint"):
        print(f"  try: {answer['hint']}")
    return 0


def wait_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tasks", nargs="+", metavar="TASK", help="id, prefix, name, last or -")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after that long")
    parser.add_argument("--any", action="store_true", help="until the first of them ends")
    add_server(parser)
    parser.add_argument(
        "-o", "--output", default="table", choices=["table", "jsonl"], help="form of the output"
    )
    parser.set_defaults(own_failure=OUR_FAULT)


def wait_command(args: argparse.Namespace) -> int:
    session = connect(args)
    session.patience = 600.0
    waiting = resolve_tasks(session, args.tasks)
    end = time.monotonic() + args.timeout if args.timeout is not None else None
    worst, pause = 0, 0.1
    while waiting:
        done = _ended(session, waiting)
        for task in done:
            worst = _tell(session, task, args) or worst
        waiting = [t for t in waiting if t not in done]
        if not waiting or (args.any and done):
            break
        if end is not None and time.monotonic() >= end:
            note(f"error: {len(waiting)} of the tasks have not ended in {args.timeout:g} s")
            return TIMED_OUT
        pause = min(pause * 1.2, 2.0)
        time.sleep(pause if end is None else max(0.0, min(pause, end - time.monotonic())))
    return worst


def _ended(session: Session, tasks: list[str]) -> list[str]:
    query = {"id": tasks, "only_fields": ["id", "status"], "search_hidden": True}
    found = session.raw("tasks.get_all", query)["tasks"]
    gone = set(tasks) - {t["id"] for t in found}
    if gone:
        raise TaskyardError(f"no task {sorted(gone)[0]}", hint="Was it deleted?")
    return [t["id"] for t in found if Status(t["status"]) in FINAL]


def _tell(session: Session, task: str, args: argparse.Namespace) -> int:
    from taskyard.cli.follow import ended

    code = ended(session, task)
    if args.output == "jsonl":
        print(json.dumps({"id": task, "exit_code": code}))
    else:
        print(f"{task}  exit code {code}")
    return code
