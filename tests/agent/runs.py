"""A bed of real runs: real processes, with small steps in place of git and package managers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskyard.agent.executors import Observation
from taskyard.agent.executors.process import ProcessExecutor
from taskyard.agent.machine import processes
from taskyard.agent.run import folder as folders
from taskyard.agent.run import spec as contract
from taskyard.agent.run import steps
from taskyard.agent.run.spawner import Spawner
from taskyard.agent.run.spec import Code, Environment, Limits, Outcome, RunSpec, Secrets
from tests.beds.waiting import until

SPAWNER = [sys.executable, str(Path(__file__).with_name("rigged_spawner.py"))]

WAITS = """
import pathlib, time
print("up", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.01)
print("done")
"""
"""Code that runs until :func:`go_on`."""


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
