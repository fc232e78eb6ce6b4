"""Take down the submodules of a work tree that are not as its commit has them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from taskyard.agent.run import git
from taskyard.agent.run.exact import GONE, NOTHING, Part
from taskyard.sdk.capture.changes import Changes, scan_work_tree
from taskyard.sdk.capture.origin import find_origin
from taskyard.sdk.capture.shadow import Shadow

_LINK = "160000"


def capture_submodules(
    root: Path, base: str, changes: Changes, *, limit: int, inside: str = ""
) -> list[Part]:
    """The submodules of ``root`` that differ from commit ``base``, and theirs in turn.

    ``inside`` is where ``root`` lies from the top folder. Notes go to ``changes``. Raises
    :class:`TaskyardError` as capturing the work tree itself does.
    """
    recorded = _moved(root, base)
    found: list[Part] = []
    for path in sorted({*recorded, *map(os.fsdecode, changes.submodules)}):
        full = f"{inside}{path}"
        if path in recorded and recorded[path][1] == "":
            found.append(Part(full, GONE))
        elif not (root / path / ".git").exists():
            changes.notes.append(f"submodule {full} is not checked out here: it is not sent")
        else:
            known = recorded[path][0] if path in recorded else _recorded(root, base, path)
            found += _one(root / path, full, known, changes, limit)
    return found


def _one(root: Path, full: str, known: str, changes: Changes, limit: int) -> list[Part]:
    """A submodule, checked out at ``root``; ``known`` is the commit recorded for it, or ""."""
    origin, own = find_origin(root), scan_work_tree(root)
    with Shadow(root, real=True) as shadow:
        patch = shadow.patch(origin, own, limit=limit, inside=full)
    inner = capture_submodules(root, origin.base, own, limit=limit, inside=f"{full}/")
    changes.notes += [f"submodule {full}: {note}" for note in [*origin.notes, *own.notes]]
    if not patch and origin.base and origin.base == known:
        return inner
    return [Part(full, origin.base or NOTHING, origin.url if origin.base else "", patch), *inner]


def _moved(root: Path, base: str) -> dict[str, tuple[str, str]]:
    """By path, what ``base`` has recorded and what the index has, where these differ."""
    if not base:
        return {}
    listing = git.run(
        "diff", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev",
        "--ignore-submodules=none", base,
        cwd=root, env=git.environment(),
    )  # fmt: skip
    words = listing.decode(errors="surrogateescape").split("\0")
    return dict(_links(zip(words[::2], words[1::2], strict=False)))


def _links(entries: Iterable[tuple[str, str]]) -> Iterable[tuple[str, tuple[str, str]]]:
    for what, path in entries:
        before, after, old, new, _ = what.removeprefix(":").split(" ")
        if _LINK in (before, after):
            yield path, (old if before == _LINK else "", new if after == _LINK else "")


def _recorded(root: Path, base: str, path: str) -> str:
    if not base:
        return ""
    listing = git.run(
        "ls-tree", "-z", base, "--", f":(literal){path}", cwd=root, env=git.environment()
    ).decode(errors="surrogateescape")
    return listing.split(" ")[2][:40] if listing.startswith(_LINK) else ""
