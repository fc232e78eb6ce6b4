"""The parameters of a draft in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from taskyard.api.errors import TaskyardError
from taskyard.cli.failure import WrongUsage

HEAD = """\
# Parameters of {name} ({id}): change values and save. A line may be added; one that is taken
# away leaves its parameter as it is. Values go on in the next line after a backslash.
"""


def edited(task: dict[str, Any]) -> dict[str, str]:
    """Have a task's parameters edited; gives those that are new or have another value.

    Raises TaskyardError when the editor fails, WrongUsage for a line that is no setting.
    """
    before = {
        f"{section}/{name}": str(item.get("value") or "")
        for section, items in (task.get("hyperparams") or {}).items()
        for name, item in items.items()
    }
    after = parse(_through_editor(HEAD.format(**task) + render(before)))
    return {name: value for name, value in after.items() if before.get(name) != value}


def render(settings: dict[str, str]) -> str:
    """One ``name = value`` a line."""
    return "".join(f"{name} = {_escaped(value)}\n" for name, value in settings.items())


def parse(text: str) -> dict[str, str]:
    """The inverse of :func:`render`. Raises WrongUsage for a line that is no setting."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        while _continues(line):
            line = line[:-1] + "\n" + next(lines, "")
        name, equals, value = line.partition(" = ")
        if not equals and line.endswith(" ="):
            name, equals = line[:-2], "="
        if not equals or not name.strip():
            raise WrongUsage(f"{line!r} is not of the form name = value")
        found[name.strip()] = value.replace("\\\\", "\\")
    return found


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\\n")


def _continues(line: str) -> bool:
    """Whether an odd number of backslashes ends the line."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _through_editor(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="taskyard-edit-") as folder:
        file = Path(folder) / "parameters.txt"
        file.write_text(text)
        try:
            code = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
        except OSError as error:
            raise TaskyardError(
                f"the editor {editor!r} cannot be started: {error.strerror}",
                hint="Set EDITOR, or use taskyard edit TASK --set name=value.",
            ) from error
        if code != 0:
            raise TaskyardError(f"the editor {editor!r} ended with {code}: nothing was changed")
        return file.read_text()
