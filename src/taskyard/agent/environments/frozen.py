"""What is really installed, as a requirement list that installs the same again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from taskyard.agent.environments.addresses import anonymous

if TYPE_CHECKING:
    from importlib.metadata import Distribution


class _Origin(msgspec.Struct):
    """``direct_url.json``: where a package came from when not from an index."""

    url: str
    vcs_info: dict[str, str] | None = None
    dir_info: dict[str, bool] | None = None
    subdirectory: str = ""


def freeze(distributions: Iterable[Distribution], tree: Path) -> str:
    """One line a package, sorted: ``name==version``, or ``name @ url`` when it has an address.

    Projects of the tree are written relative to it (``-e ./pkg``), as they will lie elsewhere on
    the next machine.
    """
    lines: dict[str, str] = {}
    for distribution in distributions:
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()
        if name:
            lines.setdefault(name, _line(name, distribution, tree))
    return "".join(f"{lines[name]}\n" for name in sorted(lines))


def in_tree(distribution: Distribution, tree: Path) -> bool:
    """Whether a package was installed from a folder of the tree."""
    text = distribution.read_text("direct_url.json")
    if not text:
        return False
    origin = msgspec.json.decode(text, type=_Origin)
    return origin.dir_info is not None and _relative(origin.url, tree) is not None


def _relative(url: str, tree: Path) -> str | None:
    """A local address as a path in the tree; nothing for what lies elsewhere."""
    if not url.startswith("file://"):
        return None
    relative = os.path.relpath(unquote(url.removeprefix("file://")), tree)
    return None if relative.startswith("..") else relative


def _line(name: str, distribution: Distribution, tree: Path) -> str:
    text = distribution.read_text("direct_url.json")
    if not text:
        return f"{name}=={distribution.version}"
    origin = msgspec.json.decode(text, type=_Origin)
    if origin.vcs_info:
        address = f"{origin.vcs_info['vcs']}+{origin.url}@{origin.vcs_info['commit_id']}"
        if origin.subdirectory:
            address += f"#subdirectory={origin.subdirectory}"
        return f"{name} @ {anonymous(address)}"
    relative = _relative(origin.url, tree)
    if relative is not None:
        editable = "-e " if (origin.dir_info or {}).get("editable") else ""
        return f"{editable}./{relative}" if relative != "." else f"{editable}."
    return f"{name} @ {anonymous(origin.url)}"
