"""Commands that installers bring to ``bin``: made to start the Python that lies beside them.

An installer writes the path of its own interpreter into them. A command of a shared environment
must find the private one of each attempt, wherever that is.
"""

from __future__ import annotations

import os
from pathlib import Path

TRAMPOLINE = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
' '''
"""
"""A shell reads it as a command, Python as a string."""


def relocate(venv: Path) -> None:
    """Rewrite the first lines of all commands that start this environment's own Python.

    What looks for any Python means this one as well: some installers write that for long paths.
    """
    own = os.fsencode(venv / "bin")
    for entry in os.scandir(venv / "bin"):
        if entry.is_symlink() or not entry.is_file():
            continue
        with open(entry.path, "rb") as file:
            begin = file.read(2)
            if begin != b"#!":
                continue
            text = begin + file.read()
        if rest := _without_head(text, own):
            os.chmod(entry.path, 0o755)
            Path(entry.path).write_bytes(TRAMPOLINE.encode() + rest)


def is_relocated(path: Path) -> bool:
    """Whether a command starts the Python beside it."""
    head = TRAMPOLINE.encode()
    with open(path, "rb") as file:
        return file.read(len(head)) == head


def _without_head(text: bytes, own: bytes) -> bytes:
    """What follows the lines that start Python; nothing when they start something else."""
    first, _, rest = text.partition(b"\n")
    if first.startswith((b"#!" + own + b"/python", b"#!/usr/bin/env python")):
        return rest
    # The longer forms, for paths that no kernel takes in a first line: of one line, or of two.
    second, _, rest = rest.partition(b"\n")
    if first != b"#!/bin/sh" or not second.startswith(b"'''exec' ") or own not in second:
        return b""
    if second.rstrip().endswith(b"'''"):
        return rest
    third, _, rest = rest.partition(b"\n")
    return rest if third.startswith(b"' '''") else b""
