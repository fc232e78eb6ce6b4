"""What ``tasks.create`` is sent: where the code comes from, and what else the flags say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from taskyard.api import arguments
from taskyard.api.errors import TaskyardError
from taskyard.cli.output import note
from taskyard.cli.submit.entry import Entry, meant_for_us
from taskyard.cli.submit.flags import OURS
from taskyard.cli.target import parse_settings

Body = dict[str, Any]

_LISTS_OF_PACKAGES = (
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "environment.yml",
    "environment.yaml",
)
_NO_PACKAGES = "# none"
"""A list with nothing in it: an empty text would mean that the code's own list counts."""


def code_of(args: argparse.Namespace, entry: Entry) -> Body:
    """The ``script`` section: a repository's code as it is there, or this folder's as it is here.

    Raises TaskyardError when the folder cannot be captured.
    """
    if args.repo:
        return {
            "repository": args.repo,
            "branch": args.branch or "",
            "version_num": args.commit or "",
            "working_dir": entry.folder.as_posix(),
            "entry_point": entry.point,
        }
    if args.branch or args.commit:
        raise TaskyardError(
            "--branch and --commit are of a repository, and a folder is sent as it stands",
            hint="name the repository with --repo, or check that commit out here",
        )
    from taskyard.sdk.capture import capture

    captured = capture(entry.folder, entry.point)
    for remark in captured.notes:
        note(f"note: {remark}")
    for flag in meant_for_us(entry, OURS):
        note(f"note: {flag} is passed to {entry.point}; before its name it would be taskyard's")
    if entry.binary.startswith("python") and not _lists_packages(args, entry.folder):
        note(
            "note: no requirements.txt, pyproject.toml or environment.yml here: the task has the"
            " standard library only. --packages names more"
        )
    return {
        "repository": captured.repository,
        "branch": captured.branch,
        "version_num": captured.commit,
        "working_dir": captured.working_dir,
        "entry_point": captured.entry_point,
        "diff": captured.diff,
    }


def started_by(entry: Entry, environment: list[str]) -> tuple[Body, Body]:
    """The rest of the ``script`` section, and the parameters: the words and the variables."""
    template, values = arguments.parse(entry.words)
    sections = {arguments.SECTION: values, "Environment": parse_settings(environment)}
    parameters = {
        section: {
            name: {"section": section, "name": name, "value": value}
            for name, value in items.items()
        }
        for section, items in sections.items()
        if items
    }
    return {"binary": entry.binary, "arguments": template}, parameters


def requirements_of(args: argparse.Namespace) -> Body:
    """The ``requirements`` of the ``script`` section; empty when the code's own list counts."""
    listed = "\n".join(args.packages)
    if args.force_no_requirements:
        listed = _NO_PACKAGES
    elif args.requirements and not listed:
        listed = _read(args.requirements)
    wanted = {"pip": listed, "manager": args.package_manager}
    return {name: value for name, value in wanted.items() if value}


def settings_of(args: argparse.Namespace) -> Body:
    """The fields that are not about code, parameters or packages; only those that were given."""
    container = {
        "image": args.docker,
        "arguments": args.docker_args,
        "setup_shell_script": _setup_script(args),
    }
    limits = {"time": args.time_limit, "quiet": args.quiet_limit, "memory": args.memory}
    given = {name: value for name, value in limits.items() if value}
    if args.grace is not None:
        given["grace"] = args.grace
    fields: Body = {
        "type": args.task_type,
        "tags": args.tags,
        "output_dest": args.output_uri,
        "priority": args.priority,
        "container": {name: value for name, value in container.items() if value},
        "limits": given,
    }
    if args.retry:
        causes = args.retry_on or ["infrastructure"]
        fields["retry"] = {"max": args.retry, "causes": causes, "delay": args.retry_delay}
    return {name: value for name, value in fields.items() if value}


def _setup_script(args: argparse.Namespace) -> str:
    if args.setup_script:
        return _read(args.setup_script)
    given = args.docker_bash_setup_script or ""
    is_file = given and "\n" not in given and Path(given).is_file()
    return _read(Path(given)) if is_file else given


def _lists_packages(args: argparse.Namespace, folder: Path) -> bool:
    if args.packages or args.requirements or args.force_no_requirements:
        return True
    for place in (folder, *folder.parents):
        if any((place / name).is_file() for name in _LISTS_OF_PACKAGES):
            return True
        if (place / ".git").exists():
            break
    return False


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TaskyardError(f"cannot read {file}: {why}") from error
