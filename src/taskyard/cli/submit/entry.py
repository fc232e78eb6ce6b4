"""What of a command line is the script, and which words are its own."""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from taskyard.api.errors import TaskyardError
from taskyard.cli.target import parse_settings

_SHELLS = {".sh": "sh", ".bash": "bash", ".zsh": "zsh"}


class Entry(NamedTuple):
    """What is started, from where, and with which words."""

    point: str
    """A path from ``folder``, or ``-m module``."""
    folder: Path
    """For code of a repository, from its root."""
    binary: str
    words: list[str]

    @property
    def name(self) -> str:
        return self.point.removeprefix("-m ")


def entry_of(args: argparse.Namespace) -> Entry:
    """The entry point that the flags or the words after them name.

    Raises TaskyardError when none is named, or when it is not in the folder.
    """
    root = Path() if args.repo else (args.folder or Path.cwd()).absolute()
    folder = root / (args.cwd or "")
    point, words = _named(args)
    binary = args.binary or (f"python{args.python}" if args.python else "python")
    if point.startswith("-m "):
        return Entry(point, folder, binary, words)
    if args.script and args.cwd:
        point = os.path.relpath(root / point, folder)
    if not args.repo and not (folder / point).is_file():
        raise TaskyardError(f"no file {point} in {folder}", hint=_near(folder, point))
    return Entry(point, folder, args.binary or _SHELLS.get(Path(point).suffix, binary), words)


def meant_for_us(entry: Entry, flags: Iterable[str]) -> list[str]:
    """Flags of ours that stand after the script, and that the script's text does not know."""
    if entry.point.startswith("-m "):
        return []
    try:
        text = (entry.folder / entry.point).read_text(errors="replace")
    except OSError:
        return []
    given = {word.partition("=")[0] for word in entry.words}
    return sorted(flag for flag in given & set(flags) if flag.strip("-") not in text)


def _named(args: argparse.Namespace) -> tuple[str, list[str]]:
    words = list(args.command)
    if words[:1] == ["--"]:
        words.pop(0)
    if words[:1] in (["python"], ["python3"]):
        words.pop(0)
    settings = parse_settings(args.args)
    after = [word for name, value in settings.items() for word in (f"--{name}", value)]
    if args.script:
        return args.script, [*words, *after]
    module = args.module
    if module is None and words[:1] == ["-m"]:
        module = words[1:]
    if module is not None:
        if not module:
            raise TaskyardError(
                "-m without a module", hint="taskyard run -m package.module --lr 0.1"
            )
        return f"-m {module[0]}", [*module[1:], *after]
    if not words:
        raise TaskyardError("no script was named", hint="taskyard run train.py --lr 0.1")
    return words[0], [*words[1:], *after]


def _near(folder: Path, script: str) -> str:
    names = [f.name for f in folder.glob("*") if f.suffix in {".py", ".ipynb", *_SHELLS}]
    if near := difflib.get_close_matches(script, names, 1):
        return f"Did you mean {near[0]}?"
    return "Name the script to run, then its own flags."
