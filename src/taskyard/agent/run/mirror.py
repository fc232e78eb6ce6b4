"""Bare mirrors: one per repository and machine, brought up to date when something is missing.

A mirror only ever gains objects, and whole packs at a time, so it can be read without a lock
while another attempt fetches into it. A process that is killed leaves at most litter, which the
next one to hold the lock sweeps away.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from taskyard.agent.run import git, shallow
from taskyard.agent.run.git import BrokenOff, GitFailed
from taskyard.agent.run.spec import Code
from taskyard.api.errors import Cause, RunError, TaskyardError

Say = Callable[[str], None]
Credentials = Mapping[str, tuple[str, str]]

HASH = re.compile(r"[0-9a-f]{40}")
PLAIN = "plain"
"""Folder in a mirror with an empty file for each commit that needs nothing but to be written."""
_ABBREVIATED = re.compile(r"[0-9a-f]{4,40}")
_DAMAGE = re.compile(
    r"bad object|corrupt|unable to read|missing (blob|tree|commit)|unpack tree object"
    r"|not a tree|not a git repository: |packfile .* cannot|inflate"
)
_NOT_THERE = re.compile("not our ref|find remote ref")
_NO_SINGLE_COMMITS = re.compile("unadvertised object|not support shallow|shallow capabilities")

# Branches lie where a clone has them, so that a working tree can take the list as it is.
_SETTINGS = """\
[core]
\trepositoryformatversion = 0
\tbare = true
[remote "origin"]
\turl = {url}
\tfetch = +refs/heads/*:refs/remotes/origin/*
\tfetch = +refs/tags/*:refs/tags/*
[fetch]
\tunpackLimit = 1
[gc]
\tpruneExpire = never
\tautoDetach = false
"""


@dataclass(frozen=True)
class Mirror:
    """One repository on this machine, and the user and password by host that open it."""

    url: str
    path: Path
    credentials: Credentials = field(repr=False)


def mirror_of(url: str, *, cache: Path, credentials: Credentials) -> Mirror:
    """The mirror for a URL, which may not exist yet. Credentials in the URL are taken out of it."""
    clean, found = git.without_credentials(url.strip())
    if clean.startswith("-"):
        raise RunError(Cause.GIT, f"not a repository URL: {clean}", hint="correct it on the task")
    name = re.sub(r"[^\w.-]", "_", re.split(r"[/:\\]", clean.rstrip("/"))[-1].removesuffix(".git"))
    key = hashlib.sha256(clean.encode()).hexdigest()[:16]
    return Mirror(
        url=clean,
        path=cache / "mirrors" / f"{name[:60]}.{key}",
        credentials={**credentials, urlsplit(clean).netloc: found} if found else credentials,
    )


def locate(mirror: Mirror, code: Code, say: Say) -> str:
    """The full hash of the commit the code names; it is in the mirror afterwards.

    A recorded commit, or else a tag, that is there already costs no network. A branch, or
    neither, means the newest commit of the remote's branch and is always asked for.
    Raises :class:`RunError`.
    """
    if commit := code.commit.strip().lower():
        if not _ABBREVIATED.fullmatch(commit):
            raise RunError(
                Cause.GIT,
                f"not a commit: {code.commit}",
                hint="record a commit's hash on the task, or clear it and give a branch or a tag",
            )
        return _ensure(mirror, commit, say, missing=f"commit {commit}")
    if tag := code.tag.strip():
        return _ensure(mirror, f"refs/tags/{tag}", say, missing=f"tag {tag}")
    branch = code.branch.strip()
    wanted = f"refs/heads/{branch}" if branch else "HEAD"
    missing = f"branch {branch}" if branch else "a default branch"
    return _ensure(mirror, _ask_tip(mirror, wanted, missing), say, missing=missing)


def is_plain(mirror: Mirror, commit: str) -> bool:
    """Whether :func:`note_plain` was told of the commit: it is there, and has no large files."""
    return HASH.fullmatch(commit) is not None and (mirror.path / PLAIN / commit).exists()


def note_plain(mirror: Mirror, commit: str) -> None:
    """Remember that the commit was checked out and has no large files. It stays for as long as
    the mirror does, which never drops anything."""
    with contextlib.suppress(OSError):  # it makes the next start faster, and nothing else
        (mirror.path / PLAIN).mkdir(exist_ok=True)
        (mirror.path / PLAIN / commit).touch()


def discard(mirror: Mirror, say: Say) -> None:
    """Drop a damaged mirror: the next who needs it makes it anew."""
    with _lock(mirror, say):
        say(f"the mirror of {mirror.url} is damaged: making it anew")
        _remove(mirror)


def complete(mirror: Mirror, say: Say) -> None:
    """Have all branches and tags, with their history, of a repository that has single commits."""
    with _lock(mirror, say):
        if shallow.is_shallow(mirror.path):
            say(f"fetching the history of {mirror.url}: a version is made from it")
            _update(mirror, mirror.path)


def is_damage(failure: GitFailed) -> bool:
    """Whether git failed because of what lies on this machine's disk, not because of the remote."""
    return bool(_DAMAGE.search(failure.stderr))


def _ensure(mirror: Mirror, wanted: str, say: Say, *, missing: str) -> str:
    """The hash of ``wanted``, a hash or a full reference name, fetching what is not there."""
    if found := _resolve(mirror, wanted):
        return found
    with _lock(mirror, say):
        # Whoever held the lock before may have fetched just this.
        if found := _resolve(mirror, wanted):
            return found
        if mirror.path.exists():
            say(f"fetching {mirror.url}")
            try:
                alone = shallow.is_shallow(mirror.path)
                if not (alone and _fetch_shallow(mirror, mirror.path, wanted, missing)):
                    _update(mirror, mirror.path)
            except GitFailed as failure:
                if not is_damage(failure):
                    raise
                say(f"the mirror of {mirror.url} is damaged: making it anew")
                _remove(mirror)
        if not mirror.path.exists():
            say(f"cloning {mirror.url}")
            _make(mirror, wanted, missing, say)
        if not (found := _resolve(mirror, wanted)) and HASH.fullmatch(wanted):
            _fetch_alone(mirror, wanted)
            found = _resolve(mirror, wanted)
    if found:
        return found
    raise _absent(mirror, missing)


def _resolve(mirror: Mirror, wanted: str) -> str:
    """The full hash of a commit that the mirror holds, or ""."""
    if not mirror.path.exists():
        return ""
    try:
        found = git.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{wanted}^{{commit}}",
            env=git.isolated() | {"GIT_DIR": str(mirror.path)},
        )  # fmt: skip
    except GitFailed:
        return ""
    return found.decode().strip()


def _ask_tip(mirror: Mirror, wanted: str, missing: str) -> str:
    """The hash that the remote has for a reference right now."""
    env = network_environment(mirror)
    answer = git.converse("ls-remote", "--", mirror.url, wanted, env=env)
    for line in answer.decode(errors="replace").splitlines():
        tip, _, name = line.partition("\t")
        if name == wanted:
            return tip
    raise _absent(mirror, missing)


def _absent(mirror: Mirror, missing: str) -> RunError:
    return RunError(
        Cause.GIT,
        f"{missing} is not in {mirror.url}",
        hint="push it, or change the task to one that is there",
    )


def _make(mirror: Mirror, wanted: str, missing: str, say: Say) -> None:
    """Build the mirror aside and put it in place whole."""
    partial = mirror.path.with_name(f"{mirror.path.name}.partial.{os.getpid()}")
    (partial / "objects" / "pack").mkdir(parents=True)
    (partial / "refs").mkdir()
    (partial / "HEAD").write_text("ref: refs/heads/main\n")
    (partial / "config").write_text(_SETTINGS.format(url=quoted(mirror.url)))
    try:
        _fill(mirror, partial, wanted, missing, say)
        partial.rename(mirror.path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(mirror: Mirror, path: Path, wanted: str, missing: str, say: Say) -> None:
    """All of a repository, or of a large one only what is wanted."""
    enough = shallow.too_much(path) if shallow.reference(wanted) else None
    try:
        _update(mirror, path, enough)
    except BrokenOff:
        say(f"{mirror.url} is large: fetching {missing} without the history")
        _sweep_packs(path)
        if not _fetch_shallow(mirror, path, wanted, missing):
            say("its server does not give commits without their history: fetching all of it")
            _update(mirror, path)


def _update(mirror: Mirror, path: Path, enough: Callable[[bytes], bool] | None = None) -> None:
    """Fetch all branches and tags. All references are in one file afterwards."""
    deeper = ["--unshallow"] if shallow.is_shallow(path) else []
    _fetch(mirror, path, "--prune", "--no-tags", *deeper, "origin", enough=enough)


def _fetch_shallow(mirror: Mirror, path: Path, wanted: str, missing: str) -> bool:
    """Fetch one commit without its history; whether that is a way to get it."""
    if not (named := shallow.reference(wanted)):
        return False
    try:
        _fetch(mirror, path, "--depth=1", "--no-tags", "origin", named)
    except GitFailed as failure:
        if _NOT_THERE.search(failure.stderr):
            raise _absent(mirror, missing) from None
        if not _NO_SINGLE_COMMITS.search(failure.stderr):
            raise
        return False
    return True


def _fetch_alone(mirror: Mirror, commit: str) -> None:
    """Ask for a commit on no branch and no tag: a pull request's, or of a rewritten branch."""
    try:
        _fetch(mirror, mirror.path, "--no-tags", "origin", commit)
    except GitFailed as failure:
        if not (_NOT_THERE.search(failure.stderr) or _NO_SINGLE_COMMITS.search(failure.stderr)):
            raise


def _fetch(
    mirror: Mirror, path: Path, *args: str, enough: Callable[[bytes], bool] | None = None
) -> None:
    env = network_environment(mirror) | {"GIT_DIR": str(path)}
    options = ("--progress", "--no-write-fetch-head", "--no-recurse-submodules")
    git.converse("fetch", *options, *args, env=env, enough=enough)
    git.run("pack-refs", "--all", env=git.isolated() | {"GIT_DIR": str(path)})


def _remove(mirror: Mirror) -> None:
    """By rename first: nobody ever sees half of it."""
    aside = mirror.path.with_name(f"{mirror.path.name}.partial.{os.getpid()}.damaged")
    with contextlib.suppress(FileNotFoundError):
        mirror.path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _lock(mirror: Mirror, say: Say) -> Iterator[None]:
    """Hold the right to change this mirror. A process that dies lets go of it."""
    mirror.path.parent.mkdir(parents=True, exist_ok=True)
    with open(mirror.path.with_name(f"{mirror.path.name}.lock"), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
                raise
            say(f"waiting for another attempt that fetches {mirror.url}")
            fcntl.flock(file, fcntl.LOCK_EX)
        _sweep(mirror)
        try:
            yield
        except TaskyardError:
            # What git received in part is of no use, and may be what filled the disk.
            _sweep(mirror)
            raise


def _sweep(mirror: Mirror) -> None:
    """Remove what a killed process left: half-made mirrors, half-received packs, git's locks."""
    for partial in mirror.path.parent.glob(f"{mirror.path.name}.partial.*"):
        shutil.rmtree(partial, ignore_errors=True)
    _sweep_packs(mirror.path)
    for file in [*mirror.path.glob("*.lock"), *mirror.path.glob("refs/**/*.lock")]:
        file.unlink(missing_ok=True)


def _sweep_packs(path: Path) -> None:
    for file in path.glob("objects/pack/tmp_*"):
        file.unlink(missing_ok=True)


def quoted(value: str) -> str:
    """A value as git's configuration files write it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def network_environment(mirror: Mirror) -> dict[str, str]:
    """What git needs to reach the remote: secrets by environment, and nobody to ask."""
    env = git.environment()
    ssh = env.get("GIT_SSH_COMMAND") or _configured_ssh(env) or "ssh"
    env["GIT_SSH_COMMAND"] = (
        f"{ssh} -o BatchMode=yes -o ConnectTimeout=30"
        " -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
    )
    settings = [
        ("core.askPass", ""),
        ("http.lowSpeedLimit", "1"),
        ("http.lowSpeedTime", f"{git.SILENCE:.0f}"),
    ]
    for number, (scope, user, password) in enumerate(_scopes(mirror)):
        env[f"TASKYARD_GIT_USER_{number}"] = user
        env[f"TASKYARD_GIT_PASSWORD_{number}"] = password
        key = f"credential.{scope}.helper" if scope else "credential.helper"
        # The empty value forgets helpers from configuration files: what the agent was given wins.
        settings += [(key, ""), (key, _HELPER.format(number))]
    settings += [
        (f"url.https://{host}/.insteadOf", address)
        for host in mirror.credentials
        if host != "*"
        for address in (f"git@{host}:", f"ssh://git@{host}/")
    ]
    return git.with_config(env, settings)


# A shell function that git calls; it prints the pair when git wants to know one.
_HELPER = (
    '!f() {{ test "$1" != get || printf "username=%s\\npassword=%s\\n"'
    ' "$TASKYARD_GIT_USER_{0}" "$TASKYARD_GIT_PASSWORD_{0}"; }}; f'
)


def _scopes(mirror: Mirror) -> Iterator[tuple[str, str, str]]:
    """Which URLs each pair is for. Plain http only where the task itself names it."""
    parts = urlsplit(mirror.url if "://" in mirror.url else "")
    for host, pair in sorted(mirror.credentials.items()):
        if host == "*":
            yield "", *pair
            continue
        yield f"https://{host}", *pair
        if parts.scheme in ("http", "https") and host in (parts.netloc, parts.hostname):
            yield f"{parts.scheme}://{parts.netloc}", *pair


def _configured_ssh(env: Mapping[str, str]) -> str:
    """The ssh command of ``GIT_SSH`` or of the agent's git configuration, or ""."""
    if program := env.get("GIT_SSH"):
        return shlex.quote(program)
    with contextlib.suppress(GitFailed):
        return git.run("config", "--get", "core.sshCommand", env=env).decode().strip()
    return ""
