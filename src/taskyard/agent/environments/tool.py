"""Starting ``uv``: its output goes line by line to whoever listens, its last words are kept."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from taskyard.agent.environments.addresses import anonymous
from taskyard.api.errors import Cause, RunError


class Result(NamedTuple):
    """How a tool ended: its exit status, the last lines of what it said, all it printed."""

    status: int
    tail: str
    output: str = ""


def uv() -> str:
    """Path of the uv binary: the one installed beside us, else the one on PATH."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise RunError(
            Cause.ENVIRONMENT,
            "uv is not installed on this machine",
            hint="install it beside the agent with `pip install uv`",
        )
    return found


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    cwd: Path | None = None,
    say: Callable[[str], None],
) -> Result:
    """Run to the end, handing each line of output on as it comes.

    The tool outlives neither an exception that passes through here nor, on Linux, this process:
    it would hold locks of its cache that the next attempt waits for.
    """
    tail: deque[str] = deque(maxlen=40)
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=_die_with_us,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                shown = anonymous(line.rstrip())
                tail.append(shown)
                if shown:
                    say(shown)
        except BaseException:
            process.kill()
            raise
    return Result(process.returncode, "\n".join(tail))


def capture(
    command: Sequence[str], environ: Mapping[str, str], *, cwd: Path | None = None
) -> Result:
    """Run to the end for what it prints; what it says beside that is the tail."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        preexec_fn=_die_with_us,
    )
    tail = "\n".join(anonymous(done.stderr).splitlines()[-40:])
    return Result(done.returncode, tail, done.stdout)


def answer(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """The one line a tool prints, or nothing when it fails."""
    result = capture(command, environ)
    return result.output.strip() if result.status == 0 else ""


_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _die_with_us() -> None:
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
