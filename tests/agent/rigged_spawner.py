"""A spawner whose supervisors go through steps that fail, stall and tell secrets on demand.

It runs as a program of its own, so it uses nothing of the tests.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

from taskyard.agent.machine import memory_group
from taskyard.agent.run import steps
from taskyard.agent.run.spawner import serve
from taskyard.agent.run.steps import Run
from taskyard.agent.run.supervisor import Steps, supervise
from taskyard.api.errors import Cause, RunError


def _source(run: Run) -> str:
    run.tree.mkdir()
    run.entry_point = run.spec.code.entry_point
    (run.tree / (run.entry_point or "unnamed")).write_text(run.spec.code.diff)
    return ""


def _patch(run: Run) -> str:
    match run.spec.name:
        case "refused":
            raise RunError(Cause.GIT, "no such commit", hint="push it", tail="fatal: bad object")
        case "tells secrets":
            secret = run.secrets.variables["TOKEN"]
            run.say(f"using {secret}")
            raise RunError(Cause.GIT, f"cannot log in with {secret}", tail=f"tried {secret}")
        case "fault":
            raise KeyError(run.secrets.variables.get("TOKEN", "nothing"))
        case "disk full":
            raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")
        case "slow tool":
            run.say("tool starts")
            subprocess.run([sys.executable, "-c", _STUBBORN_TOOL], check=True)
    return ""


_STUBBORN_TOOL = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("/proc/self/comm", "w").write("stubborntool")
time.sleep(600)
"""


def _environment(run: Run) -> str:
    run.python = Path(sys.executable)
    run.bin = run.python.parent
    return ""


STEPS: Steps = (
    ("source", _source),
    ("patch", _patch),
    ("setup", steps.setup),
    ("environment", _environment),
)


if __name__ == "__main__":
    if os.environ.get("TEST_NO_GROUPS"):
        memory_group.make = lambda *_: None
    serve(lambda folder: supervise(folder, STEPS))
