"""What the machine gets ready for a task before its Python environment, in this order.

Files that the agent's owner wants to be there; packages of the operating system, where the owner
allows them; the task's own set-up script: a real shell script, stopped at its first failing
command.
"""

from __future__ import annotations

import os
import shutil
import string
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from taskyard.agent.run import spec as contract
from taskyard.agent.run.launch import base_environment
from taskyard.agent.run.spec import OwnFile, RunSpec, Secrets
from taskyard.api.errors import Cause, RunError

SCRIPT = "setup.sh"
TAIL_LINES = 20
LOCK_WAIT = 300
"""Seconds to wait for another program that installs packages of the system."""


def perform(spec: RunSpec, secrets: Secrets, *, folder: Path, tree: Path) -> str:
    """Do all of it; what is run writes to the console, and sees the user process's variables.

    Raises RunError (environment) with the last lines of what failed.
    """
    environment = base_environment(os.environ) | spec.variables | secrets.variables
    shell = _Shell(environment, tree, folder / contract.CONSOLE)
    done = []
    if secrets.files:
        write_files(secrets.files, environment)
        done.append(f"{len(secrets.files)} files")
    if names := spec.environment.system_packages:
        done.append(_install(names, shell, allowed=spec.environment.allow_system_packages))
    if spec.environment.setup_script:
        done.append(_run_script(spec.environment.setup_script, shell, folder / SCRIPT))
    return ", ".join(filter(None, done))


def write_files(files: Sequence[OwnFile], environ: Mapping[str, str]) -> None:
    """Write what is not there as it should be. Raises RunError (environment)."""
    for file in files:
        path = Path(_filled(file.path, environ))
        try:
            if path.exists() and (not file.overwrite or path.read_text() == file.contents):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.{os.getpid()}")
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode), "w") as out:
                out.write(file.contents)
            aside.replace(path)
        except OSError as error:
            raise RunError(
                Cause.ENVIRONMENT,
                f"the agent's file {path} cannot be written: {error.strerror}",
                hint="Correct its path in the section `files` of the agent's configuration.",
            ) from error


def _filled(path: str, environ: Mapping[str, str]) -> str:
    """The path with variables filled in, and without ``~``."""
    return os.path.expanduser(string.Template(path).safe_substitute(environ))


class _Shell(NamedTuple):
    """Where commands run, and where their output goes."""

    environment: dict[str, str]
    folder: Path
    console: Path

    def run(self, command: Sequence[str]) -> tuple[int, list[str]]:
        """The exit status, as Python has it, and the last lines when it is not 0."""
        with open(self.console, "a+b") as console:
            begun = console.seek(0, os.SEEK_END)
            code = subprocess.run(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                check=False,
            ).returncode
            if code == 0:
                return 0, []
            console.seek(begun)
            return code, console.read().decode(errors="replace").splitlines()[-TAIL_LINES:]


def _run_script(text: str, shell: _Shell, script: Path) -> str:
    """Run the task's script, which stays in the run folder."""
    script.write_text(text.replace("\r\n", "\n"))
    script.chmod(0o600)
    code, lines = shell.run(["sh", "-e", str(script)])
    if code == 0:
        return f"{len(text.splitlines())} lines"
    raise _failed(
        "the set-up script failed",
        code,
        lines,
        "Its output is in the console. Each command must succeed: add `|| true` where not.",
    )


def _install(names: Sequence[str], shell: _Shell, *, allowed: bool) -> str:
    """Install packages of the system that are not there."""
    missing = [name for name in names if not _is_there(name, shell.environment)]
    if not missing:
        return ""
    shown = " ".join(missing)
    path = shell.environment["PATH"]
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    reason = ""
    if not allowed:
        reason = "this agent installs no packages of the system"
    elif shutil.which("apt-get", path=path) is None:
        reason = "this machine has no apt-get"
    elif root and shutil.which("sudo", path=path) is None:
        reason = "the agent does not run as root"
    if reason:
        raise RunError(
            Cause.ENVIRONMENT,
            f"the task needs {shown}, and {reason}",
            hint="Install them on the machine, allow it in the agent's configuration "
            "(agent.package_manager.system_packages), or run the task in a container.",
        )
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    apt += ["-o", f"DPkg::Lock::Timeout={LOCK_WAIT}"]
    install = [*apt, "install", "--yes", "--no-install-recommends", "--", *missing]
    if shell.run(install)[0] != 0:
        # The lists may be missing or old: then they do not know the package, or its version.
        shell.run([*apt, "update"])
        code, lines = shell.run(install)
        if code != 0:
            hint = "Correct the names of the task's system packages."
            raise _failed(f"apt-get could not install {shown}", code, lines, hint)
    return f"installed {shown}"


def _is_there(name: str, environment: Mapping[str, str]) -> bool:
    try:
        asked = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Status}", "--", name.partition("=")[0]],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return False
    return asked.returncode == 0 and asked.stdout.strip().endswith(" installed")


def _failed(what: str, code: int, lines: list[str], hint: str) -> RunError:
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return RunError(
        Cause.ENVIRONMENT,
        f"{what} ({how})" + (f": {last[:300]}" if last else ""),
        hint=hint,
        tail="\n".join(lines),
    )
