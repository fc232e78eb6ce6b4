"""What the host tells a container: a script in plain POSIX shell, and variables in a file.

Variables travel in a file, because arguments of a process and of a container can be read by
everybody who may ask the engine. Only this container has it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from taskyard.agent.containers import inside

FOLDER = "container"
"""In the run folder: what becomes ``inside.RUN``."""
REPORT = "report"
"""In the run folder: what becomes ``inside.REPORT``."""
START = "start.sh"
PREPARE = "prepare.sh"
VARIABLES = "variables.sh"

READY = "ready"
"""In the report, once the preparation is through."""
FAILED = "failed"
"""In the report: the exit code of a preparation that failed."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_SYSTEM_PACKAGES = """\
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends {packages}
elif command -v apk >/dev/null; then
    apk add --no-cache {packages}
elif command -v microdnf >/dev/null; then
    microdnf install -y {packages}
elif command -v dnf >/dev/null; then
    dnf install -y {packages}
elif command -v zypper >/dev/null; then
    zypper --non-interactive install {packages}
else
    echo "this image has no package manager that could install: {packages}" >&2
    exit 1
fi
"""


def create(folder: Path) -> tuple[Path, Path]:
    """Make the two folders of a run that its container shares; they may be there already."""
    told, report = folder / FOLDER, folder / REPORT
    for place in (told, report):
        place.mkdir(mode=0o755, exist_ok=True)
    return told, report


def preparation(setup_script: str, packages: Sequence[str]) -> str:
    """The set-up script and the installation of system packages as one script; may be empty."""
    script = setup_script.replace("\r\n", "\n")
    if script and not script.endswith("\n"):
        script += "\n"
    if packages:
        script += _SYSTEM_PACKAGES.format(packages=" ".join(map(shlex.quote, packages)))
    return script


def variables(environment: Mapping[str, str]) -> tuple[str, list[str]]:
    """A script that exports variables, and the names that no shell takes."""
    unfit = [name for name in environment if not _NAME.fullmatch(name)]
    lines = [
        f"export {name}={shlex.quote(value)}\n"
        for name, value in environment.items()
        if _NAME.fullmatch(name)
    ]
    return "".join(lines), unfit


def start(
    argv: Sequence[str],
    folder: str,
    *,
    binaries: str,
    python_path: Sequence[str],
    prepares: bool,
) -> str:
    """The script that a container runs: prepares it, and becomes the task's own process.

    ``folder`` is the working directory, ``binaries`` goes first on PATH. All output is one
    stream, so that its order is the same whenever it is read again.
    """
    code = shlex.quote(":".join(python_path))
    lines = ["exec 2>&1", f". {inside.RUN}/{VARIABLES}"]
    lines.append(f'export PYTHONPATH={code}"${{PYTHONPATH:+:$PYTHONPATH}}"')
    if binaries:
        lines.append(f'export PATH="{binaries}:$PATH"')
    lines.append(f"cd {shlex.quote(folder)} || exit 125")
    if prepares:
        lines += [
            f"sh -e {inside.RUN}/{PREPARE}",
            "code=$?",
            f'if [ "$code" != 0 ]; then echo "$code" >{inside.REPORT}/{FAILED}; exit "$code"; fi',
            f": >{inside.REPORT}/{READY}",
        ]
    lines.append("exec " + " ".join(map(shlex.quote, argv)))
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file for the container, whatever its user's number is.

    Others of the machine cannot come to it: the run folder is closed to them.
    """
    path.write_text(text)
    path.chmod(0o644)
