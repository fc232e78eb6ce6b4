"""Git as somebody types it who makes a repository for a test."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Contents go in and come out as they are, whatever the machine's settings say.
OPTIONS = (
    *("-c", "user.name=Ada", "-c", "user.email=ada@example.com"),
    *("-c", "core.autocrlf=false", "-c", "core.safecrlf=false"),
)


def git(folder: Path, *words: str) -> str:
    """What git prints in this folder, without the end of its last line."""
    command = ["git", *OPTIONS, *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")
