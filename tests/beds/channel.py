"""A channel of conda's packages, made on the spot, with the Python that runs the tests in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path

PLACE = "/placeholder/" + "p" * 80
"""What packages write for the folder that they will be installed in."""
MINOR = ".".join(map(str, sys.version_info[:2]))
SITE = f"lib/python{MINOR}/site-packages"


class Channel:
    """A folder that conda's programs take for a channel."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: dict[str, dict[str, object]] = {}
        self._python()

    @property
    def url(self) -> str:
        return self._folder.as_uri()

    def add(
        self,
        name: str,
        version: str,
        files: dict[str, str],
        *,
        links: dict[str, str] | None = None,
        depends: tuple[str, ...] = ("python",),
    ) -> None:
        """Publish a package. ``PLACE`` in a file stands for the environment's folder."""
        about = {
            "name": name,
            "version": version,
            "build": "0",
            "build_number": 0,
            "depends": list(depends),
            "subdir": "linux-64",
            "timestamp": 1_700_000_000_000,
        }
        packed = _pack(about, files, links or {})
        digests = {
            "md5": hashlib.md5(packed, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(packed).hexdigest(),
        }
        file = f"{name}-{version}-0.tar.bz2"
        self._index[file] = {**about, **digests, "size": len(packed)}
        for place, packages in (("linux-64", self._index), ("noarch", {})):
            (self._folder / place).mkdir(parents=True, exist_ok=True)
            listed = {"info": {"subdir": place}, "packages": packages, "packages.conda": {}}
            (self._folder / place / "repodata.json").write_text(json.dumps(listed))
        (self._folder / "linux-64" / file).write_bytes(packed)

    def _python(self) -> None:
        base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
        version = ".".join(map(str, sys.version_info[:3]))
        files = {
            "pyvenv.cfg": f"home = {os.path.dirname(base)}\nversion = {version}\n",
            f"{SITE}/README.txt": "",
        }
        links = {"bin/python": base, "bin/python3": "python"}
        self.add("python", version, files, links=links, depends=())


def _pack(about: dict[str, object], files: dict[str, str], links: dict[str, str]) -> bytes:
    paths: list[dict[str, object]] = []
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:bz2") as archive:

        def put(name: str, text: str) -> None:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o755 if name.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))

        for name, text in files.items():
            put(name, text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            path = {"_path": name, "path_type": "hardlink", "sha256": digest}
            holds = {"prefix_placeholder": PLACE, "file_mode": "text"} if PLACE in text else {}
            paths.append({**path, "size_in_bytes": len(text), **holds})
        for name, target in links.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
            paths.append({"_path": name, "path_type": "softlink"})
        put("info/index.json", json.dumps(about))
        put("info/paths.json", json.dumps({"paths": paths, "paths_version": 1}))
        put("info/files", "".join(f"{name}\n" for name in [*files, *links]))
    return made.getvalue()
