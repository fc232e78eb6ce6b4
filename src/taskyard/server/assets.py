"""The files of the built page, read and compressed once."""

from __future__ import annotations

import gzip
import mimetypes
from functools import cache
from pathlib import Path
from typing import NamedTuple

BUILT = Path(__file__).parent / "ui"
"""Where ``web/build.py`` puts the page; empty in a checkout that never was set up."""

KINDS = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
"""Those that a machine's own list may not have, or have wrong."""

COMPRESSIBLE = {".js", ".css", ".svg", ".html"}
HASHED = "assets/"
"""Files below have a name that changes with what they hold: browsers may keep them for ever."""


class Asset(NamedTuple):
    content: bytes
    zipped: bytes | None
    """The content in gzip, where that is worth it."""
    headers: dict[str, str]


@cache
def assets() -> dict[str, Asset]:
    """Every file of the page by its path below the page's own address."""
    files = (file for file in sorted(BUILT.rglob("*")) if file.is_file())
    return {file.relative_to(BUILT).as_posix(): _asset(file) for file in files}


def _asset(file: Path) -> Asset:
    content = file.read_bytes()
    name = file.relative_to(BUILT).as_posix()
    kind = KINDS.get(file.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {
        "content-type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "cache-control": "max-age=31536000, immutable" if name.startswith(HASHED) else "no-cache",
        "x-content-type-options": "nosniff",
    }
    zipped = None
    if file.suffix in COMPRESSIBLE:
        zipped = gzip.compress(content, 9, mtime=0)
        headers["vary"] = "accept-encoding"
    return Asset(content, zipped, headers)
