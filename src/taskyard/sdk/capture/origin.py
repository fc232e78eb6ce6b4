"""Find out what of a repository another machine can fetch: remote, branch, newest known commit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from taskyard.agent.run import git
from taskyard.agent.run.git import GitFailed


@dataclass
class Origin:
    """``head`` is what is checked out ("" before the first commit); ``base`` the newest commit
    under it that the remote has, as far as is known here. Without a base, everything is sent."""

    url: str = ""
    branch: str = ""
    head: str = ""
    base: str = ""
    notes: list[str] = field(default_factory=list)


def find_origin(root: Path) -> Origin:
    """Look at branch, remotes and remote-tracking references. Asks no network."""
    head = _ask(root, "rev-parse", "--verify", "--quiet", "HEAD")
    local = _ask(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    remote, branch = _upstream(root, local)
    found = Origin(head=head, branch=branch or local)
    if not head:
        found.notes.append("the repository has no commit yet: all files are sent with the task")
        return found
    if not remote:
        found.notes.append("the repository has no remote: all files are sent with the task")
        return found
    address = _ask(root, "ls-remote", "--get-url", remote)
    found.url = git.without_credentials(address)[0]
    if "://" not in address and ":" not in address.split("/")[0]:
        found.url = str((root / address).resolve())
        found.notes.append(f"remote {remote} is a folder: agents on other machines cannot reach it")
    found.base = _newest_known(root, remote, head)
    if not found.base:
        found.notes.append(
            f"no commit of this repository is known to be on {remote}: all files are sent with"
            " the task. Push, so that only changes need to be"
        )
    elif found.base != head:
        count = _ask(root, "rev-list", "--count", f"{found.base}..{head}")
        found.notes.append(
            f"commit {head[:12]} is not on {remote}: the patch is made against"
            f" {found.base[:12]} and holds {count} unpushed commit{'' if count == '1' else 's'}"
        )
    return found


def _upstream(root: Path, branch: str) -> tuple[str, str]:
    """Name of the remote, and of the branch there when the local one follows one."""
    remote = _ask(root, "config", f"branch.{branch}.remote") if branch else ""
    if remote and remote != ".":
        merge = _ask(root, "config", f"branch.{branch}.merge")
        return remote, merge.removeprefix("refs/heads/")
    names = _ask(root, "remote").splitlines()
    if not names or "origin" in names:
        return ("origin" if names else ""), ""
    return names[0], ""


def _newest_known(root: Path, remote: str, head: str) -> str:
    """``head`` itself when the remote has it, or else the newest of its ancestors there.

    A clone of a single tag has no remote-tracking branch; there the tags are what came from the
    remote.
    """
    scope = f"refs/remotes/{remote}/"
    if not _ask(root, "for-each-ref", "--count=1", scope):
        scope = "refs/tags/"
    if _ask(root, "for-each-ref", "--count=1", f"--contains={head}", scope):
        return head
    known = _ask(root, "for-each-ref", "--format=^%(objectname)", scope).splitlines()
    edge = _ask(root, "rev-list", "--boundary", "--stdin", stdin=[head, *known])
    commits = [line[1:] for line in edge.splitlines() if line.startswith("-")]
    if not commits:
        return ""
    return _ask(root, "rev-list", "--no-walk", "--max-count=1", "--stdin", stdin=commits)


def _ask(root: Path, *args: str, stdin: Iterable[str] = ()) -> str:
    """A question to git that may have no answer."""
    with contextlib.suppress(GitFailed):
        words = "".join(f"{line}\n" for line in stdin).encode()
        found = git.run(*args, cwd=root, env=git.environment(), stdin=words)
        return found.decode(errors="surrogateescape").strip()
    return ""
