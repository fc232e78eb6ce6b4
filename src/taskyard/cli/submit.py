"""``run`` and ``submit``: the code of the folder one stands in, on another machine."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from taskyard.api import arguments
from taskyard.api.errors import TaskyardError
from taskyard.cli.exits import OUR_FAULT
from taskyard.cli.output import add_answer, note
from taskyard.cli.sizes import size
from taskyard.cli.target import connect, parse_settings, resolve_queue
from taskyard.client.session import Session

SHELLS = {".sh": "sh", ".bash": "bash", ".zsh": "zsh"}
REQUIREMENTS = (
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "environment.yml",
    "environment.yaml",
)


def run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(own_failure=OUR_FAULT)
    submit_arguments(parser)


def submit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} [--queue Q] [options] script.py [its own arguments]"
    parser.add_argument("--queue", default="default", help="the queue to put it on")
    parser.add_argument("--name", help="the task's name; else the script's")
    parser.add_argument("--project", default="", help="the task's project; else the folder's name")
    parser.add_argument(
        "-m",
        "--module",
        nargs=argparse.REMAINDER,
        metavar="MODULE ...",
        help="run a module, with what follows as its arguments: as python -m does",
    )
    parser.add_argument(
        "--folder", type=Path, default=None, help="the code's folder; else this one"
    )
    parser.add_argument(
        "--packages",
        action="append",
        metavar="REQ",
        help="a package, and no list of the repository's; may be given several times",
    )
    parser.add_argument("--requirements", type=Path, help="a requirements file to record")
    parser.add_argument("--python", default="", metavar="VERSION", help="such as 3.11")
    parser.add_argument(
        "--package-manager",
        choices=["uv", "pip", "poetry", "conda", "image"],
        help="what is to make the environment; else the agent or the project's files say",
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="K=V", help="an environment variable"
    )
    parser.add_argument("--setup-script", type=Path, help="a shell script to run before all else")
    parser.add_argument(
        "--retry", type=int, default=0, metavar="N", help="run again after a lost worker, N times"
    )
    parser.add_argument(
        "--retry-on",
        action="append",
        metavar="CAUSE",
        help="causes to run again for, such as git or out of memory; else infrastructure",
    )
    parser.add_argument(
        "--retry-delay",
        type=float,
        default=0,
        metavar="SECONDS",
        help="before the first retry; each later one waits twice as long",
    )
    parser.add_argument(
        "--time-limit", type=float, default=0, metavar="SECONDS", help="end it after that long"
    )
    parser.add_argument(
        "--quiet-limit",
        type=float,
        default=0,
        metavar="SECONDS",
        help="end it when it writes nothing for that long",
    )
    parser.add_argument(
        "--memory", type=size, default=0, metavar="SIZE", help="end it above that, such as 512M"
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=None,
        metavar="SECONDS",
        help="between asking it to end and ending it (30)",
    )
    parser.add_argument(
        "--tags", action="append", default=[], metavar="TAG", help="a tag; may be given again"
    )
    parser.add_argument("--priority", type=int, default=0, help="higher goes first in its queue")
    parser.add_argument("--draft", action="store_true", help="do not enqueue it")
    add_answer(parser)
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="script.py ...",
        help="a Python or shell script, or a notebook, and its own arguments",
    )


def submit_command(args: argparse.Namespace) -> int:
    task = _submit(args, connect(args))
    print(json.dumps({"id": task}) if args.output == "json" else task)
    return 0


def run_command(args: argparse.Namespace) -> int:
    from taskyard.cli.follow import follow

    session = connect(args)
    task = _submit(args, session)
    note(f"task {task}")
    if args.draft:
        note(f"it is a draft\n  try: taskyard enqueue {task[:8]}")
        return 0
    return follow(session, task)


def _submit(args: argparse.Namespace, session: Session) -> str:
    from taskyard.sdk.capture import capture

    queue = None if args.draft else resolve_queue(session, args.queue)
    folder = (args.folder or Path.cwd()).absolute()
    entry, binary, words = entry_of(args, folder)
    captured = capture(folder, entry)
    for remark in captured.notes:
        note(f"note: {remark}")
    packages = _packages(args, folder, is_python=binary.startswith("python"))
    wanted = {"pip": packages} if packages else {}
    if args.package_manager:
        wanted["manager"] = args.package_manager
    template, values = arguments.parse(words)
    project = args.project or folder.name
    body: dict[str, Any] = {
        "name": args.name or entry,
        "type": "training",
        "project": _project(session, project),
        "tags": args.tags,
        "script": {
            "repository": captured.repository,
            "branch": captured.branch,
            "version_num": captured.commit,
            "working_dir": captured.working_dir,
            "entry_point": captured.entry_point,
            "binary": binary,
            "diff": captured.diff,
            "arguments": template,
            **({"requirements": wanted} if wanted else {}),
        },
        "hyperparams": _hyperparams(values, parse_settings(args.env)),
    }
    if args.setup_script:
        body["container"] = {"setup_shell_script": _read(args.setup_script)}
    if args.retry:
        causes = args.retry_on or ["infrastructure"]
        body["retry"] = {"max": args.retry, "causes": causes, "delay": args.retry_delay}
    if limits := _limits(args):
        body["limits"] = limits
    if args.priority:
        body["priority"] = args.priority
    task = str(session.raw("tasks.create", body)["id"])
    if queue:
        enqueue = {"task": task, "queue": queue, "verify_watched_queue": True}
        if session.raw("tasks.enqueue", enqueue).get("queue_watched") is False:
            note(
                f"note: no worker serves the queue {args.queue}: the task waits for one\n"
                f"  try: taskyard agent daemon --queue {args.queue}"
            )
    return task


def _limits(args: argparse.Namespace) -> dict[str, float]:
    given = {"time": args.time_limit, "quiet": args.quiet_limit, "memory": args.memory}
    limits = {name: value for name, value in given.items() if value}
    return limits if args.grace is None else {**limits, "grace": args.grace}


def entry_of(args: argparse.Namespace, folder: Path) -> tuple[str, str, list[str]]:
    """Entry point (``-m module`` for a module), binary and the words after it."""
    binary = f"python{args.python}" if args.python else "python"
    words = list(args.command)
    if words[:1] == ["--"]:
        words.pop(0)
    if words[:1] in (["python"], ["python3"]):
        words.pop(0)
    module = args.module
    if module is None and words[:1] == ["-m"]:
        module = words[1:]
    if module is not None:
        if not module:
            raise TaskyardError(
                "-m without a module", hint="taskyard run -m package.module --lr 0.1"
            )
        return f"-m {module[0]}", binary, module[1:]
    if not words:
        raise TaskyardError("no script was named", hint="taskyard run train.py --lr 0.1")
    script = words.pop(0)
    if not (folder / script).is_file():
        raise TaskyardError(f"no file {script} in {folder}", hint=_near(folder, script))
    return script, SHELLS.get(Path(script).suffix, binary), words


def _near(folder: Path, script: str) -> str:
    import difflib

    names = [f.name for f in folder.glob("*") if f.suffix in {".py", ".ipynb", *SHELLS}]
    if near := difflib.get_close_matches(script, names, 1):
        return f"Did you mean {near[0]}?"
    return "Name the script to run, then its own flags."


def _packages(args: argparse.Namespace, folder: Path, *, is_python: bool) -> str:
    if args.packages:
        return "\n".join(args.packages)
    if args.requirements:
        return _read(args.requirements)
    here = [folder, *folder.parents]
    for place in here:
        if any((place / name).is_file() for name in REQUIREMENTS):
            return ""
        if (place / ".git").exists():
            break
    if not is_python:
        return ""
    note(
        "note: no requirements.txt, pyproject.toml or environment.yml here: the task has the"
        " standard library only. --packages names more"
    )
    return ""


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TaskyardError(f"cannot read {file}: {why}") from error


def _project(session: Session, name: str) -> str:
    """The project's id; made when it is new."""
    if len(name) < 3:
        name = f"{name}-project"
    query = {"name": f"^{re.escape(name)}$", "only_fields": ["id"], "search_hidden": True}
    found = session.raw("projects.get_all", query)["projects"]
    if found:
        return str(found[0]["id"])
    return str(session.raw("projects.create", {"name": name, "description": ""})["id"])


def _hyperparams(values: dict[str, str], environment: dict[str, str]) -> dict[str, Any]:
    sections = {arguments.SECTION: values, "Environment": environment}
    return {
        section: {
            name: {"section": section, "name": name, "value": value}
            for name, value in items.items()
        }
        for section, items in sections.items()
        if items
    }
