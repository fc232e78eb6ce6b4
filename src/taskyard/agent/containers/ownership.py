"""Whose the files are that a container and its host share.

A container's user has a number of its own. Before it starts, what it is to write must be open to
that number; afterwards everything belongs to the agent's user again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from taskyard.agent.containers.engine import Engine, mounts


def open_to(user: int, group: int, paths: Iterable[Path]) -> None:
    """Let a container's user read and write what lies below the paths."""
    own = os.geteuid()
    if user in (0, own):
        return  # the superuser may do anything in there
    for path in _walk(paths):
        if own == 0:
            os.lchown(path, user, group)
        elif not path.is_symlink():
            # Others of this machine cannot come here: the folders above are closed to them.
            mode = path.stat().st_mode
            os.chmod(path, mode | ((mode & 0o700) >> 3) | ((mode & 0o700) >> 6) | 0o066)


def take_back(engine: Engine, image: str, paths: Iterable[Path]) -> None:
    """Make the agent's user the owner of all below the paths. Raises RunError.

    Where that takes more rights than the agent has, a container of the same image does it.
    """
    own, group = os.geteuid(), os.getegid()
    foreign: list[Path] = []
    for path in paths:
        for file in _walk([path]):
            with contextlib.suppress(FileNotFoundError):
                if file.lstat().st_uid == own:
                    continue
                if own != 0:
                    foreign.append(path)
                    break
                os.lchown(file, 0, 0)
    if not foreign:
        return
    places = [(str(path), f"/{number}", True) for number, path in enumerate(foreign)]
    targets = [target for _, target, _ in places]
    engine.ask(
        "run", "--rm", "--network", "none", "--user", "0:0", *mounts(places),
        "--entrypoint", "chown", image, "-hR", f"{own}:{group}", *targets,
    )  # fmt: skip


def _walk(paths: Iterable[Path]) -> Iterator[Path]:
    for top in paths:
        if top.is_symlink() or not top.is_dir():
            yield top
            continue
        for folder, folders, files in os.walk(top):
            yield Path(folder)
            yield from (Path(folder, name) for name in files)
            yield from (
                Path(folder, name) for name in folders if os.path.islink(f"{folder}/{name}")
            )
