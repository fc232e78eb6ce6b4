"""A bed of real runs: real processes, with small steps in place of git and package managers.

Run as a program this module is a spawner whose supervisors take those steps.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from taskyard.agent.executors import Observation
from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.machine import memory_group, processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import spec as contract
from taskyard.agent.run import steps
from taskyard.agent.run.spawner import Spawner, serve
from taskyard.agent.run.spec import Code, Environment, Limits, Outcome, RunSpec, Secrets
from taskyard.agent.run.steps import Run
from taskyard.agent.run.supervisor import Steps, supervise
from taskyard.api.errors import Cause, RunError

DEADLINE = 30.0
SPAWNER = [sys.executable, __file__]

WAITS = """
import pathlib, time
print("up", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.01)
print("done")
"""
"""Code that runs until :func:`go_on`."""

T = TypeVar("T")


def until(look: Callable[[], T], what: str) -> T:
    """Return the first true answer; fail after a generous while."""
    deadline = time.monotonic() + DEADLINE
    while not (answer := look()):
        assert time.monotonic() < deadline, f"still waiting for: {what}"
        time.sleep(0.01)
    return answer


class Runs:
    """Makes runs and follows them."""

    def __init__(self, root: Path, spawner: Spawner) -> None:
        self.root = root / "runs"
        self.spawner = spawner
        self.executor = ProcessExecutor(spawner)
        self._attempt = 0

    def make(
        self,
        code: str,
        *,
        name: str = "",
        entry_point: str = "main.py",
        setup_script: str = "",
        variables: dict[str, str] | None = None,
        secrets: Secrets | None = None,
        grace: float = 20.0,
        **limits: float,
    ) -> Path:
        """Make a run folder whose code is the given script; ``name`` picks a step's behaviour."""
        self._attempt += 1
        spec = RunSpec(
            task="task",
            attempt=self._attempt,
            name=name,
            code=Code(diff=code, entry_point=entry_point),
            environment=Environment(setup_script=setup_script),
            variables=variables or {},
            limits=Limits(grace=grace, **limits),  # type: ignore[arg-type]
            cache=str(self.root.parent / "cache"),
        )
        return folders.create(self.root, spec, secrets or Secrets())

    def begin(self, code: str, **more: object) -> Path:
        folder = self.make(code, **more)  # type: ignore[arg-type]
        self.executor.start(folder)
        return folder

    def outcome(self, folder: Path) -> Outcome:
        return self.seen_over(folder).outcome

    def seen_over(self, folder: Path) -> Observation:
        def over() -> Observation | None:
            seen = self.executor.poll(folder)
            return seen if seen.over else None

        seen = until(over, f"the end of the run; its console: {console(folder)}")
        assert seen is not None
        return seen

    def run(self, code: str, **more: object) -> Outcome:
        return self.outcome(self.begin(code, **more))


def console(folder: Path) -> str:
    return (folder / contract.CONSOLE).read_text(errors="replace")


def written(folder: Path, text: str) -> str:
    """Wait until the run has written something; return all that it wrote."""
    return until(lambda: console(folder) if text in console(folder) else "", f"{text!r} written")


def go_on(folder: Path) -> None:
    """Let the code WAITS come to its end."""
    (folder / steps.TREE / "go").touch()


def gone(pid: int) -> bool:
    return not processes.living([pid])


def kill_supervisor(folder: Path) -> None:
    state = folders.read_state(folder)
    os.kill(state.supervisor, 9)
    until(
        lambda: not processes.alive(state.supervisor, state.supervisor_start),
        "the supervisor's end",
    )


@contextmanager
def bed(root: Path) -> Iterator[Runs]:
    """Runs below ``root``; what is left of them at the end is killed."""
    runs = Runs(root, Spawner(SPAWNER))
    try:
        yield runs
    finally:
        for folder in folders.all_runs(runs.root):
            _end(folder)
        runs.executor.close()


def _end(folder: Path) -> None:
    state, process = folders.read_state(folder), folders.read_process(folder)
    for pid, start in (
        (state.supervisor, state.supervisor_start),
        *(((process.keeper, process.keeper_start),) if process else ()),
        (state.pid, state.pid_start),
    ):
        if processes.alive(pid, start):
            processes.send([pid, *processes.descendants(pid)], signal.SIGKILL)


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
