"""The task's own set-up script: a real shell script, stopped at its first failing command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from taskyard.agent.run import spec as contract
from taskyard.agent.run.launch import base_environment
from taskyard.agent.run.spec import RunSpec, Secrets
from taskyard.api.errors import Cause, RunError

SCRIPT = "setup.sh"
TAIL_LINES = 20


def perform(spec: RunSpec, secrets: Secrets, *, folder: Path, tree: Path) -> str:
    """Run the script in the code's top folder; its output goes to the console.

    It sees the variables that the user's process will see. The script stays in the run folder.
    Raises RunError (environment) with its last lines when it fails.
    """
    script = folder / SCRIPT
    script.write_text(spec.environment.setup_script.replace("\r\n", "\n"))
    script.chmod(0o600)
    environment = base_environment(os.environ) | spec.variables | secrets.variables
    with open(folder / contract.CONSOLE, "a+b") as console:
        begun = console.seek(0, os.SEEK_END)
        code = subprocess.run(
            ["sh", "-e", str(script)],
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            check=False,
        ).returncode
        if code == 0:
            return f"{len(spec.environment.setup_script.splitlines())} lines"
        console.seek(begun)
        lines = console.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    raise RunError(
        Cause.ENVIRONMENT,
        f"the set-up script failed ({how})" + (f": {last[:300]}" if last else ""),
        hint="Its output is in the console. Each command must succeed: add `|| true` where not.",
        tail="\n".join(lines),
    )
