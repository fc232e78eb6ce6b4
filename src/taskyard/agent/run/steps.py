"""The steps that make an attempt ready to launch, in order.

A step is a function of the run: it reads what it needs from the spec and from what earlier steps
left, does one thing, and returns a detail for people. It fails by raising RunError. A new step is
a function and a line in STEPS.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from taskyard.agent.environments.store import Hold
from taskyard.agent.run import launch
from taskyard.agent.run.keeper import Launch
from taskyard.agent.run.spec import Code, Phase, RunSpec, RunState, Secrets

TREE = "code"
"""The checked-out code, in the run folder."""
PRIVATE = "environment"
"""The private layer of the Python environment, in the run folder."""


@dataclasses.dataclass
class Run:
    """One attempt while it is being prepared."""

    folder: Path
    spec: RunSpec
    secrets: Secrets
    state: RunState
    say: Callable[[str], None]
    """Adds a line to the console. No secrets."""
    entry_point: str = ""
    python: Path | None = None
    """The interpreter for the user's code."""
    bin: Path | None = None
    """Folder of that environment's programs."""
    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    """What that environment adds to the variables of the user's process; ``PATH`` to its end."""
    held: Hold | None = None
    """The shared environment, which must stay as long as the run."""

    @property
    def tree(self) -> Path:
        return self.folder / TREE


Step = Callable[[Run], str]


def source(run: Run) -> str:
    """Check the repository out at the task's commit."""
    from taskyard.agent.run import source as module

    run.entry_point = run.spec.code.entry_point
    run.state.commit = module.fetch(
        run.spec.code,
        git=run.secrets.git,
        cache=Path(run.spec.cache),
        into=run.tree,
        say=run.say,
    )
    return run.state.commit


def patch(run: Run) -> str:
    """Put the uncommitted changes on top, or write the script that came without a repository."""
    from taskyard.agent.run import patch as module

    code = run.spec.code
    if not code.diff:
        return ""
    if _is_script(code):
        run.tree.mkdir(exist_ok=True)
        script = module.standalone(run.tree, code.diff, code.entry_point)
        run.entry_point = str(script.relative_to(run.tree / code.working_dir))
        return "standalone script"
    module.apply(run.tree, code.diff, say=run.say)
    return f"{len(code.diff)} characters"


def _is_script(code: Code) -> bool:
    """Whether the diff is a whole script, which came without a repository."""
    return not code.repository and not code.diff.startswith(("diff ", "submodule "))


def setup(run: Run) -> str:
    """Write the agent's files, install packages of the system, run the task's set-up script."""
    if not _prepares(run):
        return ""
    from taskyard.agent.run import setup as module

    return module.perform(run.spec, run.secrets, folder=run.folder, tree=run.tree)


def _prepares(run: Run) -> bool:
    wanted = run.spec.environment
    return bool(wanted.setup_script or wanted.system_packages or run.secrets.files)


def environment(run: Run) -> str:
    """Find or build the Python environment."""
    import msgspec

    from taskyard.agent.run import environment as module
    from taskyard.agent.run.launch import base_environment

    ready = module.prepare(
        msgspec.structs.replace(run.spec.environment, index_urls=run.secrets.index_urls),
        tree=run.tree,
        working_dir=run.spec.code.working_dir,
        cache=Path(run.spec.cache),
        private=run.folder / PRIVATE,
        say=run.say,
        # The task's own settings of pip and uv count; the agent's keys are nobody's business.
        environ=base_environment(os.environ) | run.spec.variables,
    )
    run.held, run.variables = ready.hold, ready.variables
    run.python, run.bin = ready.python, ready.bin
    state = run.state
    state.packages, state.python, state.environment_key = ready.packages, ready.version, ready.key
    state.conda_packages = ready.conda_packages
    return ready.detail


_AT_ONCE: dict[Step, Callable[[Run], bool]] = {
    source: lambda run: not run.spec.code.repository.strip(),
    patch: lambda run: not run.spec.code.diff or _is_script(run.spec.code),
    setup: lambda run: not _prepares(run),
}


def at_once(step: Step, run: Run) -> bool:
    """Whether the step has next to nothing to do: nobody needs to be told that it has begun."""
    return step in _AT_ONCE and _AT_ONCE[step](run)


STEPS: tuple[tuple[Phase, Step], ...] = (
    ("source", source),
    ("patch", patch),
    ("setup", setup),
    ("environment", environment),
)


def what_to_start(run: Run, secrets: Secrets, checkpoints: Path) -> Launch:
    """The user's process, when all steps are done. Raises RuntimeError when they are not."""
    if run.python is None or run.bin is None:
        raise RuntimeError("no step has said which Python to use")
    return launch.plan(
        run.spec,
        secrets,
        entry_point=run.entry_point,
        tree=run.tree,
        python=run.python,
        bin=run.bin,
        checkpoints=checkpoints,
        base=launch.base_environment(os.environ, run.variables),
    )
