"""Going through a start once, so that no supervisor does anything for the first time.

The first use of a struct makes its decoder, that of a pattern compiles it, and much more is made
when first needed. What the spawner has made before it forks, all that it forks have.

Still a forked process copies each page of memory that it writes to, and looks up each page of
code that it runs. So what waits to become a supervisor or a keeper rehearses its own part again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from taskyard.agent.environments import layer, store
from taskyard.agent.environments.manager import Plan
from taskyard.agent.machine import memory, processes
from taskyard.agent.run import environment, keeper, launch, patch, standing
from taskyard.agent.run import folder as folders
from taskyard.agent.run.redaction import hidden_texts, redact
from taskyard.agent.run.spec import Code, PhaseState, Process, RunSpec, RunState, Secrets


@contextmanager
def stage() -> Iterator[Path]:
    """A folder to rehearse in, which goes away."""
    with tempfile.TemporaryDirectory(prefix="taskyard-") as made:
        yield Path(made)


def rehearse(stage: Path) -> None:
    """Do what a supervisor does before a task's code, and its keeper, but start no process.

    The first time on a stage takes longer: there the interpreter is asked what it is.
    """
    with _run(stage) as folder:
        spec, secrets = folders.read_spec(folder), folders.read_secrets(folder)
        tree = folder / "code"
        tree.mkdir()
        standing.look(folder)
        folders.read_stop(folder)
        redact("", hidden_texts(secrets))
        folders.write_state(folder, RunState(phases=[PhaseState(name="source", started=1.0)]))
        folders.write_state(folder, folders.read_state(folder), hasty=True)
        patch.standalone(tree, spec.code.diff, spec.code.entry_point)
        _furnish(spec, folder, tree)
        _launch(spec, secrets, folder, tree)
    rehearse_keeping(stage)


def rehearse_keeping(stage: Path) -> None:
    """Do the keeper's part only."""
    with _run(stage) as folder:
        keeper.read_order(keeper.write_order(folder, keeper.Launch(["true"], folder, os.environ)))
        own = os.getpid()
        process = Process(
            boot_id=processes.boot_id(), keeper=own, keeper_start=processes.start_time(own)
        )
        folders.write_process(folder, process)
        folders.write_process(folder, process)
        msgspec.json.decode(msgspec.json.encode(process), type=Process)
        memory.kills()


@contextmanager
def _run(stage: Path) -> Iterator[Path]:
    """The folder of a run that only seems to be one."""
    code = Code(diff="pass\n", entry_point="main.py")
    spec = RunSpec(task="rehearsal", attempt=os.getpid(), cache=str(stage), code=code)
    folder = folders.create(stage / "runs", spec, Secrets())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _furnish(spec: RunSpec, folder: Path, tree: Path) -> None:
    request, manager = environment.ask(
        spec.environment,
        tree=tree,
        working_dir=".",
        cache=Path(spec.cache),
        say=lambda _: None,
    )
    plan = manager.plan(request)
    if not isinstance(plan, Plan) or plan.interpreter is None:
        return
    interpreter = plan.interpreter

    def build(made: Path) -> store.Manifest:
        (made / store.VENV).mkdir()
        return store.Manifest(
            key=plan.key,
            inputs=plan.inputs,
            python=interpreter.version,
            site=interpreter.site,
            packages="",
        )

    entry, hold, _ = store.acquire(request.cache, plan.key, build, request.say)
    layer.create(folder / "environment", entry, interpreter)
    hold.release()


def _launch(spec: RunSpec, secrets: Secrets, folder: Path, tree: Path) -> None:
    launch.plan(
        spec,
        secrets,
        entry_point=spec.code.entry_point,
        tree=tree,
        python=tree / "python",
        bin=tree,
        checkpoints=folder,
        base=launch.base_environment(os.environ),
    )
