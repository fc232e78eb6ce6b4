"""Bring a task's code to its run folder: working tree, submodules, large files.

A working tree borrows the objects of the repository's mirror and is otherwise a repository of
its own: refs, index and configuration are private, so nothing the task does with git reaches
the mirror.
"""

from __future__ import annotations

import errno
import posixpath
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from taskyard.agent.run import exact, shallow
from taskyard.agent.run import git as command
from taskyard.agent.run import mirror as mirrors
from taskyard.agent.run.exact import Part
from taskyard.agent.run.git import GitFailed
from taskyard.agent.run.mirror import HASH, Credentials, Mirror, Say
from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError, TaskyardError

_DEEPEST = 10
"""Submodules of submodules end here: a repository may contain itself."""

_SETTINGS = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[remote "origin"]
\turl = {url}
\tfetch = +refs/heads/*:refs/remotes/origin/*
"""


@dataclass(frozen=True)
class _Place:
    """What stays the same from a repository to its submodules."""

    cache: Path
    say: Say
    moved: Mapping[str, Part]
    """Submodules that are not to be as their repository has them, by path from the top."""
    inside: str = ""
    """Where we are from the top; ends in a slash."""
    depth: int = 0


def fetch(code: Code, *, git: Credentials, cache: Path, into: Path, say: Say) -> str:
    """Put the code's commit into the folder ``into`` and return the commit's full hash.

    ``git`` gives user and password by host (``host`` or ``host:port``; ``*`` for any). ``cache``
    is shared by all attempts on the machine. ``into`` is made when it is missing; without a
    repository it stays empty and the answer is "". A tag or a branch counts only when no commit
    is recorded. Raises :class:`RunError` with ``Cause.GIT`` or ``Cause.DISK_FULL``.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        if not code.repository.strip():
            return ""
        source = mirrors.mirror_of(code.repository, cache=cache.absolute(), credentials=git)
        parts = exact.split(code.diff)[1] if exact.is_exact(code.diff) else []
        place = _Place(cache, say, {part.path: part for part in parts})
        commit = _place(source, code, into, place)
        _place_new_submodules(source, into, place)
        return commit
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RunError(
            Cause.DISK_FULL,
            f"the disk is full: {into} could not be written",
            hint="free some space on the agent's machine, or move its cache to a larger disk",
        ) from None
    except RunError:
        raise
    except TaskyardError as error:
        raise RunError(Cause.GIT, error.what, hint=error.hint) from None


def _place(source: Mirror, code: Code, into: Path, place: _Place) -> str:
    """Working tree, submodules and large files of one repository."""
    recorded = code.commit.strip().lower()
    known = mirrors.is_plain(source, recorded)
    try:
        commit = recorded if known else mirrors.locate(source, code, place.say)
        try:
            _check_out(source, commit, into)
        except GitFailed as failure:
            if not mirrors.is_damage(failure):
                raise
            mirrors.discard(source, place.say)
            _check_out(source, mirrors.locate(source, Code(commit=commit), place.say), into)
        if shallow.is_shallow(source.path) and shallow.needs_history(into, into / code.working_dir):
            mirrors.complete(source, place.say)
            _take_names(source, into / ".git")
        if (into / ".gitmodules").is_file():
            _place_submodules(source, into, place)
        if not known:
            _place_large_files(source, commit, into, place.say)
    except GitFailed as failure:
        raise command.diagnose(failure, source.url) from None
    return commit


def _check_out(source: Mirror, commit: str, into: Path) -> None:
    """Write the tree's ``.git`` by hand, then its files with one git process."""
    inner = into / ".git"
    (inner / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (inner / "refs").mkdir(exist_ok=True)
    (inner / "objects" / "info" / "alternates").write_text(f"{source.path / 'objects'}\n")
    (inner / "config").write_text(_SETTINGS.format(url=mirrors.quoted(source.url)))
    (inner / "HEAD").write_text(f"{commit}\n")
    _take_names(source, inner)
    command.run(
        "-c", "checkout.workers=0", "read-tree", "--reset", "-u", commit,
        cwd=into, env=local(into),
    )  # fmt: skip


def _take_names(source: Mirror, inner: Path) -> None:
    """Give the tree the mirror's branches and tags, and the list of commits without history."""
    # In this order: the list may know of more commits than there are names for, not of fewer.
    for name in ("packed-refs", "shallow"):
        try:
            shutil.copyfile(source.path / name, inner / name)
        except FileNotFoundError:
            (inner / name).unlink(missing_ok=True)


def local(tree: Path) -> dict[str, str]:
    """The environment for git commands inside a run's working tree, whatever is around it."""
    root = tree.absolute()
    return command.isolated() | {"GIT_DIR": str(root / ".git"), "GIT_WORK_TREE": str(root)}


def _place_submodules(source: Mirror, into: Path, place: _Place) -> None:
    """Each submodule is a repository with a mirror like any other, so a warm start needs no net."""
    if place.depth == _DEEPEST:
        raise RunError(
            Cause.GIT,
            f"submodules of {source.url} are more than {_DEEPEST} levels deep",
            hint="a repository that contains itself never ends: remove that submodule",
        )
    env = local(into)
    commits = _linked_commits(into)
    for path, url in _declared(into):
        moved = place.moved.get(place.inside + path)
        commit = moved.base if moved else commits.get(path, "")
        if HASH.fullmatch(commit):
            _place_submodule(source, path, url, commit, into, place)
    command.run("submodule", "--quiet", "init", cwd=into, env=env)


def _place_new_submodules(source: Mirror, into: Path, place: _Place) -> None:
    """Those that no commit knows yet, where they are to be at a commit of their own."""
    for path, part in place.moved.items():
        if HASH.fullmatch(part.base) and part.url and not (into / path / ".git").exists():
            _place_submodule(source, path, part.url, part.base, into, place)


def _place_submodule(
    source: Mirror, path: str, url: str, commit: str, into: Path, place: _Place
) -> None:
    child = mirrors.mirror_of(
        resolve(source.url, url), cache=place.cache, credentials=source.credentials
    )
    if _is_local(child.url) and not _is_local(source.url):
        raise RunError(
            Cause.GIT,
            f"submodule {path} of {source.url} names a folder of this machine: {child.url}",
            hint="give the submodule a URL that other machines can reach",
        )
    inner = replace(place, depth=place.depth + 1, inside=f"{place.inside}{path}/")
    try:
        _place(child, Code(repository=child.url, commit=commit), into / path, inner)
    except RunError as error:
        raise RunError(
            error.cause, f"submodule {path}: {error.what}", hint=error.hint, tail=error.tail
        ) from None


def _declared(tree: Path) -> Iterator[tuple[str, str]]:
    """Path and URL of each submodule in ``.gitmodules``."""
    listing = command.run(
        "config", "-z", "--file", ".gitmodules", "--list", cwd=tree, env=local(tree)
    )
    settings: dict[str, dict[str, str]] = {}
    for item in listing.decode(errors="surrogateescape").split("\0"):
        key, _, value = item.partition("\n")
        section, _, rest = key.partition(".")
        name, _, field = rest.rpartition(".")
        if section == "submodule":
            settings.setdefault(name, {})[field] = value
    for fields in settings.values():
        if "path" in fields and "url" in fields and fields.get("update") != "none":
            yield fields["path"], fields["url"]


def _linked_commits(tree: Path) -> dict[str, str]:
    """The commit recorded for each submodule, by path."""
    listing = command.run("ls-files", "--stage", "-z", cwd=tree, env=local(tree))
    entries = (
        line.partition("\t") for line in listing.decode(errors="surrogateescape").split("\0")
    )
    return {path: head.split()[1] for head, _, path in entries if head.startswith("160000 ")}


def resolve(parent: str, url: str) -> str:
    """A submodule's URL; one that starts with ``./`` or ``../`` is relative to its parent's."""
    if not url.startswith(("./", "../")):
        return url
    scheme, mark, rest = parent.rstrip("/").partition("://")
    if mark:
        host, _, path = rest.partition("/")
        return f"{scheme}://{host}{posixpath.normpath(posixpath.join('/', path, url))}"
    host, colon, path = parent.rstrip("/").rpartition(":")
    return f"{host}{colon}{posixpath.normpath(posixpath.join(path, url))}"


def _is_local(url: str) -> bool:
    return url.startswith("file:") or ("://" not in url and ":" not in url.split("/")[0])


def _place_large_files(source: Mirror, commit: str, into: Path, say: Say) -> None:
    """Replace Git LFS pointers by the files. They are kept beside the mirror for the next run."""
    env = local(into)
    try:
        command.run(
            "grep", "-q", "-F", "filter=lfs", "--", ":(glob)**/.gitattributes", cwd=into, env=env
        )
    except GitFailed as failure:
        if failure.status == 1:  # there are none, rather than no answer
            mirrors.note_plain(source, commit)
        return
    if not shutil.which("git-lfs"):
        say(
            f"{source.url} keeps large files in Git LFS, and git-lfs is not installed on this"
            " machine: those files stay small pointers. Install git-lfs for the agent"
        )
        return
    where = {name: env[name] for name in ("GIT_DIR", "GIT_WORK_TREE")}
    command.run("config", "lfs.storage", str(source.path / "lfs"), cwd=into, env=env)
    command.run("lfs", "install", "--local", cwd=into, env=env)
    where = {name: env[name] for name in ("GIT_DIR", "GIT_WORK_TREE")}
    command.converse("lfs", "pull", cwd=into, env=mirrors.network_environment(source) | where)
