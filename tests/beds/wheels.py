"""Wheels made on the spot, and an index that has them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from tests.beds.serving import serving


def wheel(folder: Path, name: str, version: str = "1.0", **files: str) -> Path:
    """A wheel with a module that knows its version, and a command that prints its prefix."""
    about = f"{name}-{version}.dist-info"
    content = {
        f"{name}.py": f"import sys\nversion = {version!r}\ndef main(): print(sys.prefix)\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": f"[console_scripts]\n{name}-where = {name}:main\n",
        **files,
    }
    record = "".join(f"{path},,\n" for path in [*content, f"{about}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in {**content, f"{about}/RECORD": record}.items():
            archive.writestr(inside, text)
    return path


def large(folder: Path, name: str, size: int) -> Path:
    """A wheel with a file of so many bytes, which do not get fewer when they are packed."""
    data = base64.b64encode(os.urandom(size * 3 // 4)).decode()
    return wheel(folder, name, **{f"{name}_data": data})


def digest(path: Path) -> str:
    """As indexes and lock files write it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def index(root: Path, *wheels: Path) -> Iterator[str]:
    """An index with these wheels, one version a package; gives its address."""
    for path in wheels:
        place = root / "simple" / path.name.partition("-")[0]
        place.mkdir(parents=True)
        (place / path.name).write_bytes(path.read_bytes())
        link = f'<a href="{path.name}#sha256={digest(path)}">{path.name}</a>'
        (place / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    with serving(partial(_Quiet, directory=str(root))) as address:
        yield f"{address}/simple"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """A failing test's output is about the test."""
