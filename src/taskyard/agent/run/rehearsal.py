"""Going through a start once, so that no supervisor does anything for the first time.

The first use of a struct makes its decoder, that of a pattern compiles it, and much more is made
when first needed. What the spawner has made before it forks, all that it forks have.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from taskyard.agent.environments import indexes
from taskyard.agent.machine import memory, processes
from taskyard.agent.run import environment, launch, patch, standing
from taskyard.agent.run import folder as folders
from taskyard.agent.run.redaction import hidden_texts, redact
from taskyard.agent.run.spec import Code, PhaseState, Process, RunSpec, RunState, Secrets


def rehearse() -> None:
    """Do what comes before a task's code, without a process, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="taskyard-") as made:
        code = Code(diff="pass\n", entry_point="main.py")
        spec = RunSpec(task="rehearsal", attempt=1, cache=made, code=code)
        folder = folders.create(Path(made), spec, Secrets())
        tree = folder / "code"
        tree.mkdir()
        standing.look(folder)
        folders.read_stop(folder)
        spec, secrets = folders.read_spec(folder), folders.read_secrets(folder)
        redact("", hidden_texts(secrets))
        folders.write_state(folder, RunState(phases=[PhaseState(name="source", started=1.0)]))
        folders.write_state(folder, folders.read_state(folder), hasty=True)
        patch.standalone(tree, code.diff, code.entry_point)
        _choose_environment(spec, tree)
        _launch(spec, secrets, folder, tree)


def _choose_environment(spec: RunSpec, tree: Path) -> None:
    environment.ask(
        spec.environment,
        tree=tree,
        working_dir=".",
        cache=Path(spec.cache),
        say=lambda _: None,
    )
    indexes.for_uv(os.environ).deciding()


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
    own = os.getpid()
    process = Process(
        boot_id=processes.boot_id(), keeper=own, keeper_start=processes.start_time(own)
    )
    folders.write_process(folder, process)
    msgspec.json.decode(msgspec.json.encode(process), type=Process)
    memory.kills()
