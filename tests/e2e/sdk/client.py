"""Programs with the unmodified SDK, run as its users run them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.beds.server import Running
from tests.beds.waiting import until

SCRIPTS = Path(__file__).parent / "scripts"
PROGRAMS = Path(__file__).parents[3] / ".cache" / "clients" / "bin"
PATIENCE = 90.0
"""Seconds until a script that still runs counts as hanging."""


@dataclass
class Outcome:
    """How a program ended, what it printed and what it told through ``told.tell``."""

    code: int
    output: str
    told: dict[str, Any]


class Sdk:
    """A user's machine: a home, a cache and a working folder that is no git checkout."""

    def __init__(self, yard: Running, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self._told = folder / "told.json"
        self._home = folder
        self._environment = environment(yard, folder)

    def script(self, name: str, *arguments: str, check: bool = True, **variables: str) -> Outcome:
        """Run a script from a copy: what the SDK finds around it becomes part of the task."""
        copy = self.folder / name
        shutil.copy(SCRIPTS / name, copy)
        return self.program("python", name, *arguments, check=check, **variables)

    def default_reporting(self) -> None:
        """Let the SDK report from a process of its own, as it does unless told otherwise."""
        (self._home / "clearml.conf").write_text("")

    def wait_told(self) -> dict[str, Any]:
        """What the program that runs tells first, from another thread."""

        def told() -> dict[str, Any]:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                found: dict[str, Any] = json.loads(self._told.read_text())
                return found
            return {}

        return until(told, "what the program tells", seconds=PATIENCE)

    def program(self, name: str, *arguments: str, check: bool = True, **variables: str) -> Outcome:
        """Run a program of the SDK's environment to its end."""
        self._told.unlink(missing_ok=True)
        process = subprocess.Popen(
            [str(PROGRAMS / name), *arguments],
            cwd=self.folder,
            env={**self._environment, "TOLD": str(self._told), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # Python then prints where its threads are
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            check = True
        if check and process.returncode != 0:
            words = " ".join([name, *arguments])
            raise AssertionError(f"{words} ended with {process.returncode}\n{output}")
        told = json.loads(self._told.read_text()) if self._told.exists() else {}
        return Outcome(process.returncode, output, told)


def environment(yard: Running, home: Path) -> dict[str, str]:
    """What ``taskyard env`` exports, and a home without a configuration of the machine's user."""
    settings = home / "clearml.conf"
    # The reporting subprocess waits out whole periods at each flush: 20 seconds for a script.
    settings.write_text("sdk.development.report_use_subprocess: false\n")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLEARML_", "TRAINS_", "TASKYARD_", "PYTEST_"))
    }
    # Set, it makes each of the hundred scripts compile the SDK again.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{PROGRAMS}{os.pathsep}{kept['PATH']}",
        "PYTHONPATH": str(SCRIPTS / "lib"),
        "PYTHONFAULTHANDLER": "1",
        "MPLBACKEND": "agg",
        "CLEARML_API_HOST": yard.url,
        "CLEARML_WEB_HOST": yard.url,
        "CLEARML_FILES_HOST": f"{yard.url}/files",
        "CLEARML_API_ACCESS_KEY": yard.access_key,
        "CLEARML_API_SECRET_KEY": yard.secret_key,
        "CLEARML_CONFIG_FILE": str(settings),
        "CLEARML_CACHE_DIR": str(home / "cache"),
        "CLEARML_SUPPRESS_UPDATE_MESSAGE": "1",
    }
