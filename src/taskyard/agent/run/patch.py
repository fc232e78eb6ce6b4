"""Put uncommitted changes on a working tree, byte for byte.

Two kinds of patch arrive. Ours (:mod:`taskyard.agent.run.exact`) hold files as they lay on the
disk, so they are applied to the index and written out with every conversion of the repository's
attributes switched off. All others hold what git would have committed, and go through
``git apply`` on the working tree, conversions and all.
"""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from taskyard.agent.run import exact, git
from taskyard.agent.run.exact import EXACT
from taskyard.agent.run.git import GitFailed
from taskyard.agent.run.source import local
from taskyard.api.errors import Cause, RunError, TaskyardError

Say = Callable[[str], None]

AS_IT_IS = "* -text -crlf -ident -filter -working-tree-encoding -eol"
"""Attributes under which a file's content is its bytes on the disk."""

_PATCH = re.compile(
    r'\s*(diff |submodule [^\n]*\n\s*diff |submodule ".*" (?:[0-9a-f]{40}|nothing|gone)\b)',
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"^error: (?:patch failed: (?P<a>.+):\d+|(?P<b>.+): (?:patch does not apply|does not exist.*"
    r"|already exists.*|No such file.*|does not match index|.*binary patch.*))$",
    re.MULTILINE,
)


def is_patch(diff: str) -> bool:
    """Whether a task's ``diff`` is a patch. If not, it is a whole script."""
    return _PATCH.match(diff) is not None


def apply(tree: Path, diff: str, *, say: Say) -> None:
    """Apply a patch to the working tree in the folder ``tree``; an empty one does nothing.

    A tree that is no repository becomes an empty one first. Changes end up uncommitted, as they
    were for the person who made them. Raises :class:`RunError` with ``Cause.GIT`` or
    ``Cause.DISK_FULL``.
    """
    if not diff.strip():
        return
    try:
        if not (tree / ".git").exists():
            git.run("init", "--quiet", "--template=", str(tree), env=git.isolated())
        if exact.is_exact(diff):
            _apply_parts(tree, diff, say)
        else:
            _apply_as_committed(tree, _mended(diff), say)
    except GitFailed as failure:
        raise _refusal(tree, failure) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RunError(
            Cause.DISK_FULL,
            f"the disk is full: the uncommitted changes could not be written to {tree}",
            hint="free some space on the agent's machine",
        ) from None
    except RunError:
        raise
    except TaskyardError as error:
        raise RunError(Cause.GIT, error.what, hint=error.hint) from None


def standalone(tree: Path, diff: str, entry_point: str) -> Path:
    """Write a task's code that needs no repository to ``tree``, and return the script to run.

    A ``diff`` that is no patch is the whole script and becomes the file ``entry_point``
    (``script.py`` when that is empty or names a module). A patch is applied to an empty tree.
    Raises :class:`RunError`.
    """
    name = entry_point.strip()
    if is_patch(diff):
        apply(tree, diff, say=lambda _: None)
        return tree / name
    if not name or name.startswith("-"):
        name = "script.py"
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise RunError(
            Cause.USER_CODE,
            f"the script's name leads out of the task's folder: {name}",
            hint="set the entry point to a plain file name",
        )
    script = tree / path
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_bytes(diff.encode(errors="surrogateescape"))
    return script


def _apply_parts(tree: Path, diff: str, say: Say) -> None:
    """The repository's own changes, then those of its submodules, each in its own tree."""
    own, parts = exact.split(diff)
    if own.strip() and own.strip() != EXACT:
        _apply_exactly(tree, own.encode(errors="surrogateescape"), say)
    for part in parts:
        place = tree / part.path
        if part.base == exact.GONE:
            shutil.rmtree(place, ignore_errors=True)
        elif "diff --git " in part.patch:
            if not (place / ".git").exists():
                git.run("init", "--quiet", "--template=", str(place), env=git.isolated())
            patch = part.patch.encode(errors="surrogateescape")
            _apply_exactly(place, patch, say, f"-p{part.depth + 1}")


def _apply_exactly(tree: Path, patch: bytes, say: Say, *options: str) -> None:
    """By way of two passing indexes, so that neither attributes nor the real index matter.

    The first index becomes the patched tree. The second still is the tree on the disk, and lets
    git write just the difference. The real one stays: to the task's git, the changes are
    uncommitted.
    """
    env = local(tree)
    inner = tree.absolute() / ".git"
    patched, written = inner / "patched.index", inner / "written.index"
    attributes = inner / "info" / "attributes"
    try:
        if (inner / "index").exists():
            shutil.copy2(inner / "index", patched)
            shutil.copy2(inner / "index", written)
        _apply_with_fallbacks(
            tree, patch, say, [["--cached", *options], ["--cached", "--3way", *options]],
            env=env | {"GIT_INDEX_FILE": str(patched)},
        )  # fmt: skip
        result = git.run("write-tree", env=env | {"GIT_INDEX_FILE": str(patched)})
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(f"{AS_IT_IS}\n")
        git.run(
            "read-tree", "--reset", "-u", result.decode().strip(),
            cwd=tree, env=env | {"GIT_INDEX_FILE": str(written)},
        )  # fmt: skip
    finally:
        for passing in (patched, written, attributes):
            passing.unlink(missing_ok=True)


def _apply_as_committed(tree: Path, patch: bytes, say: Say) -> None:
    ways = [[]] if b"\n " in patch else [[], ["--unidiff-zero"]]
    _apply_with_fallbacks(tree, patch, say, [*ways, ["--3way"]], env=local(tree))


def _apply_with_fallbacks(
    tree: Path, patch: bytes, say: Say, ways: list[list[str]], *, env: dict[str, str]
) -> None:
    """The strict way first. The strict way's words are what a failure of all of them says."""
    first: GitFailed | None = None
    for way in ways:
        try:
            git.run("apply", "--binary", "--whitespace=nowarn", *way, "-",
                    cwd=tree, env=env, stdin=patch)  # fmt: skip
        except GitFailed as failure:
            first = first or failure
        else:
            if first and "--3way" in way:
                say("the uncommitted changes did not apply as they are; a 3-way merge took them")
            return
    assert first is not None
    raise first


def _mended(diff: str) -> bytes:
    """A patch whose end was stripped of white space, whole again.

    Empty context lines may miss there, or the empty line that ends a binary part. git skips
    surplus ones.
    """
    return (diff.lstrip().rstrip("\n") + "\n" * 32).encode(errors="surrogateescape")


def _refusal(tree: Path, failure: GitFailed) -> RunError:
    commit = "the empty folder"
    with contextlib.suppress(TaskyardError):
        found = git.run("rev-parse", "--verify", "--quiet", "HEAD", env=local(tree))
        commit = found.decode().strip()[:12]
    problem = git.diagnose(failure, f"the uncommitted changes on {commit}")
    if problem.cause is Cause.DISK_FULL:
        return problem
    files = sorted({found["a"] or found["b"] for found in _NAMES.finditer(failure.stderr)})
    which = f": {', '.join(files[:8])}{' and more' if len(files) > 8 else ''}" if files else ""
    return RunError(
        Cause.GIT,
        f"the uncommitted changes do not apply to {commit}{which}",
        hint="the task's commit and diff do not belong together: create the task anew from the"
        " working tree, or clear its uncommitted changes",
        tail=failure.tail,
    )
