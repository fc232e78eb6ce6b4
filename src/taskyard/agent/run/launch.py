"""What exactly to start: command line, working directory and environment of the user's process.

No process is started here. A task names a *binary* (``python`` unless it says otherwise), an
*entry point* relative to its working directory, and arguments:

- ``train.py`` is run by the environment's Python, ``-m package.module`` as a module;
- ``*.ipynb`` is a notebook: its cells are executed in order (:mod:`taskyard.agent.run.notebook`);
- ``*.sh`` is run by a shell, even where the binary was left at ``python``;
- any other binary (``bash``, ``torchrun``, ``accelerate launch``) is looked up on the run's PATH.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from taskyard.agent.run.keeper import Launch
from taskyard.agent.run.spec import NOTEBOOK, Code, RunSpec, Secrets
from taskyard.api.errors import Cause, RunError

_PYTHON = re.compile(r"(?:.*/)?python(?:\d+(?:\.\d+)*)?(?:\.exe)?")

_OWN = re.compile(
    # The agent's own settings and keys: a task gets its own, by name, in the spec.
    r"(?:TASKYARD|CLEARML|TRAINS|ALG)_.*"
    # The agent's interpreter.
    r"|VIRTUAL_ENV.*|CONDA_(?:PREFIX|DEFAULT_ENV|SHLVL|PROMPT_MODIFIER).*"
    r"|PYTHON(?:HOME|PATH|STARTUP|EXECUTABLE|SAFEPATH|USERBASE|PLATLIBDIR)|__PYVENV_LAUNCHER__"
    # Git, when the agent itself was started by a hook or with a password helper.
    r"|GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|COMMON_DIR|PREFIX|ASKPASS|CONFIG.*)"
    # The service manager's talk with the agent.
    r"|NOTIFY_SOCKET|LISTEN_(?:FDS|PID|FDNAMES)|INVOCATION_ID|JOURNAL_STREAM|WATCHDOG_(?:PID|USEC)"
    r"|MAINPID|CREDENTIALS_DIRECTORY|SYSTEMD_EXEC_PID|MEMORY_PRESSURE_.*"
    # The shell that the agent was typed into.
    r"|_|PWD|OLDPWD|SHLVL"
)
NOTEBOOK_RUNNER = Path(__file__).with_name("notebook.py")
"""A program for any interpreter."""
Find = Callable[[str], str | None]
_NEAR_LIMIT = 2000
"""Files looked at for a name like the one that is missing."""


def plan(
    spec: RunSpec,
    secrets: Secrets,
    *,
    entry_point: str,
    tree: Path,
    python: Path,
    bin: Path,
    checkpoints: Path,
    base: Mapping[str, str],
) -> Launch:
    """Say what to start. ``base`` is the environment that every task of this agent starts from.

    ``python`` and ``bin`` are the interpreter and the folder of programs of the task's Python
    environment. Raises RunError (user code) when there is nothing to start as the task has it.
    """
    folder = working_folder(tree, spec.code.working_dir)
    environment = {**base, **spec.variables, **secrets.variables}
    environment |= {
        "PATH": os.pathsep.join(filter(None, [str(bin), environment.get("PATH", os.defpath)])),
        "PYTHONPATH": os.pathsep.join(
            dict.fromkeys(filter(None, [str(folder), str(tree), environment.get("PYTHONPATH", "")]))
        ),
        "PYTHONUNBUFFERED": "1",
        "PWD": str(folder),
        "TASKYARD_TASK_ID": spec.task,
        "TASKYARD_ATTEMPT": str(spec.attempt),
        "TASKYARD_CHECKPOINT_DIR": str(checkpoints),
    }
    if (bin.parent / "pyvenv.cfg").is_file():
        environment["VIRTUAL_ENV"] = str(bin.parent)
    code = spec.code
    argv = command(
        code,
        entry_point,
        folder=folder,
        python=python,
        find=functools.partial(shutil.which, path=environment["PATH"]),
        executed=tree.parent / NOTEBOOK,
    )
    return Launch(argv=argv, folder=folder, environment=environment, memory=spec.limits.memory)


def base_environment(
    environ: Mapping[str, str], more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what of the agent's environment a task may see.

    Machine settings pass (proxies, libraries, locale, devices). The agent's own keys, its
    interpreter and its service manager's variables do not. ``more`` is what the task's Python
    environment brings; its ``PATH`` comes before the machine's.
    """
    passed = {name: value for name, value in environ.items() if not _OWN.fullmatch(name)}
    own = {str(Path(sys.prefix) / "bin")} if sys.prefix != sys.base_prefix else set()
    if "VIRTUAL_ENV" in environ:
        own.add(str(Path(environ["VIRTUAL_ENV"]) / "bin"))
    path = environ.get("PATH", os.defpath).split(os.pathsep)
    passed |= more or {}
    first = (more or {}).get("PATH", "")
    passed["PATH"] = os.pathsep.join([first] * bool(first) + [p for p in path if p not in own])
    return passed


def working_folder(tree: Path, working_dir: str) -> Path:
    """Return the working directory. Raises RunError when it is missing or outside the code."""
    folder = (tree / (working_dir or ".")).resolve()
    if not folder.is_relative_to(tree.resolve()):
        raise RunError(
            Cause.USER_CODE,
            f"the working directory {working_dir!r} leads out of the repository",
            hint="Give it relative to the repository's top folder.",
        )
    if not folder.is_dir():
        raise RunError(
            Cause.USER_CODE,
            f"the repository has no folder {working_dir!r} to work in",
            hint="Correct the task's working directory, or commit the folder.",
        )
    return folder


def command(
    code: Code, entry_point: str, *, folder: Path, python: Path, find: Find, executed: Path
) -> list[str]:
    """Return the command line.

    ``find`` looks programs up by name, ``executed`` is where a notebook goes with its outputs.
    """
    binary = _words(code.binary, "binary") or ["python"]
    by_python = _PYTHON.fullmatch(binary[0]) is not None
    if by_python and entry_point.endswith(".sh"):
        by_python, binary = False, ["bash" if find("bash") else "sh"]
    start = [str(python), "-u", *binary[1:]] if by_python else _program(binary, folder, find)
    if by_python and entry_point.startswith("-m"):
        words = _words(entry_point[2:], "entry point")
        if not words:
            raise RunError(Cause.USER_CODE, "the entry point is -m without a module's name")
        return [*start, "-m", *words, *code.arguments]
    if not entry_point:
        if by_python:
            raise RunError(
                Cause.USER_CODE,
                "the task has no entry point",
                hint="Name the script to run, relative to the working directory.",
            )
        return [*start, *code.arguments]
    if not (folder / entry_point).is_file():
        raise _missing(folder, entry_point)
    if by_python and entry_point.endswith(".ipynb"):
        return [*start, str(NOTEBOOK_RUNNER), entry_point, str(executed), *code.arguments]
    return [*start, entry_point, *code.arguments]


def _words(text: str, what: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise RunError(
            Cause.USER_CODE, f"the task's {what} {text!r} cannot be read: {error}"
        ) from error


def _program(words: list[str], folder: Path, find: Find) -> list[str]:
    name = str(folder / words[0]) if "/" in words[0] else words[0]
    found = find(name)
    if found is None:
        raise RunError(
            Cause.USER_CODE,
            f"there is no program {words[0]!r} on this machine or in the task's environment",
            hint="Add the package that brings it, or install it in the set-up script.",
        )
    return [found, *words[1:]]


def _missing(folder: Path, entry_point: str) -> RunError:
    """Say that the script is not there, and which ones are that look like it."""
    what = "is a folder" if (folder / entry_point).is_dir() else "is not in the repository"
    near = near_names(folder, entry_point)
    hint = "Check the entry point, the working directory and whether the file was committed."
    if near:
        hint = f"Did you mean {' or '.join(near)}? {hint}"
    return RunError(
        Cause.USER_CODE, f"the entry point {entry_point!r} {what} at this commit", hint=hint
    )


def near_names(folder: Path, wanted: str) -> list[str]:
    """Return up to three files, relative to ``folder``, with a name like the wanted one's."""
    names: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names += [os.path.relpath(os.path.join(place, name), folder) for name in sorted(files)]
        if len(names) > _NEAR_LIMIT:
            break
    last = os.path.basename(wanted)
    same = [name for name in names if os.path.basename(name) == last]
    likely = [name for name in names if name.endswith((".py", ".sh"))]
    close = difflib.get_close_matches(wanted, likely, n=3)
    return list(dict.fromkeys([*same, *close]))[:3]
