"""The private layer of one attempt: a virtual environment of its own over a shared one.

It has its own ``bin`` and ``site-packages``, so what the task installs lands here and is found
first; a ``.pth`` file adds the shared packages behind it, with all that ``site`` does for them
(their own ``.pth`` files: editable installs, namespace packages, import hooks). Commands are
links to relocatable scripts: they start the Python beside them, which is the private one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from taskyard.agent.environments.commands import is_relocated
from taskyard.agent.environments.interpreters import Interpreter
from taskyard.agent.environments.store import VENV, Entry

_PATH_FILE = "_shared_environment.pth"


_EVERY_VENV_HAS = re.compile(r"(de)?activate(_this)?(\..+)?|pydoc\.bat|pythonw?[\d.]*t?")
_PLAIN = ("bin", "lib", "lib64")


def commands(venv: Path) -> list[str]:
    """Names of the files that packages brought to ``bin``.

    Of an environment of conda's, those that start Python: other programs look for their libraries
    beside themselves, and stay where they are.
    """
    names = (name for name in os.listdir(venv / "bin") if not _EVERY_VENV_HAS.fullmatch(name))
    if (venv / "conda-meta").is_dir():
        names = (name for name in names if is_relocated(venv / "bin" / name))
    return sorted(names)


def data(venv: Path) -> list[str]:
    """Files that packages brought beside code and commands, such as ``share/man/man1/x.1``."""
    found: list[str] = []
    for top in os.scandir(venv):
        if top.is_dir(follow_symlinks=False) and top.name not in _PLAIN:
            for path, _, files in os.walk(top.path):
                found += [os.path.relpath(os.path.join(path, name), venv) for name in files]
    return sorted(found)


def create(
    private: Path,
    entry: Entry,
    interpreter: Interpreter,
    *,
    system_site_packages: bool = False,
    seen: Path | None = None,
    behind: Sequence[str] = (),
) -> Path:
    """Make the layer; returns its ``site-packages``. The folder may exist when it is empty.

    With ``system_site_packages`` the code sees behind its own packages what the interpreter has;
    ``behind`` are further folders to be seen there. ``seen`` is where the code will find the
    shared environment, when that is not where it lies.
    """
    venv = entry.path / VENV
    shared = seen or venv
    site = private / entry.manifest.site
    binaries = private / "bin"
    _make(private, entry.manifest.site)
    os.mkdir(binaries)
    os.symlink("lib", private / "lib64")
    os.symlink(interpreter.executable, binaries / "python")
    minor = ".".join(interpreter.version.split(".")[:2])
    for name in ("python3", f"python{minor}"):
        # The same link by another name: on some disks a file of its own takes long to make.
        _link(binaries / "python", binaries / name)
    _write(
        private / "pyvenv.cfg",
        f"home = {os.path.dirname(interpreter.executable)}\n"
        f"include-system-site-packages = {str(system_site_packages).lower()}\n"
        f"version = {interpreter.version}\n",
    )
    sites = [str(shared / entry.manifest.site), *behind]
    lines = [f"import site; site.addsitedir({place!r})\n" for place in sites]
    _write(site / _PATH_FILE, "".join(lines))
    for name in entry.manifest.commands:
        _link(venv / "bin" / name, binaries / name)
    for name in entry.manifest.data:
        target = private / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(shared / name, target)
    return site


# Plain system calls: every start waits for them.


def _make(top: Path, below: str) -> None:
    """Make a folder, which may be there, and all those of a path below it, which may not."""
    top.mkdir(parents=True, exist_ok=True)
    made = os.fspath(top)
    for part in below.split("/"):
        made = f"{made}/{part}"
        os.mkdir(made)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _link(source: Path, target: Path) -> None:
    try:
        # Not a symbolic link: the script looks for Python beside the file it really is.
        os.link(source, target, follow_symlinks=False)
    except OSError:
        # Another disk, or a file system without links.
        shutil.copy2(source, target, follow_symlinks=False)
