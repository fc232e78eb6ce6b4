"""Running git: which environment it sees, how long it may be silent, what its failures mean.

Everything that starts a git process goes through here, so that four promises hold everywhere:
nothing asks a person for a password, nothing hangs, no secret is on a command line, and no
secret comes back in a message.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from taskyard.api.errors import Cause, RunError, TaskyardError

SILENCE = 120.0
"""Seconds without a byte from git after which a conversation with another host is given up."""
_LOOK = 0.25
"""Seconds between two looks at a conversation that may be broken off."""

# Variables about the person's connection are kept. All others say which repository git works
# on, or trace what it sends, passwords included.
_KEPT = ("GIT_SSH", "GIT_SSL_", "GIT_PROXY_", "GIT_EXEC_PATH", "GIT_HTTP_", "GIT_CONFIG_")
_DROPPED = ("SSH_ASKPASS", "GIT_CONFIG_PARAMETERS")
_PROGRESS = re.compile(r"^(remote: )?[A-Z][a-z]+ing (objects|deltas|files)\b.*\d+%|^From |^ [*+=] ")


class GitFailed(TaskyardError):
    """A git command ended badly. ``stderr`` is what it said, without secrets; ``status`` how it
    ended, as Python has it, where that tells something."""

    def __init__(self, command: str, stderr: str, status: int | None = None) -> None:
        self.stderr = redact(stderr)
        self.status = status
        lines = _spoken(self.stderr)
        super().__init__(f"git {command} failed: {lines[-1] if lines else 'it said nothing'}")

    @property
    def tail(self) -> str:
        """The last lines a person wants to read; progress reports are left out."""
        return "\n".join(_spoken(self.stderr)[-12:])


class BrokenOff(TaskyardError):
    """A conversation was ended because its caller had enough of it."""


def redact(text: str) -> str:
    """``text`` with user and password taken out of the URLs in it."""
    return re.sub(r"(?<=://)[^/\s@]*(?::[^/\s]*)?@", "", text)


def without_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """The URL without secrets, and the user and password that were in it.

    An ssh user name stays: it is part of the address. Over http a lone user name goes too,
    because tokens are often written there.
    """
    if "://" not in url:
        return url, None
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme not in ("http", "https"):
        host = f"{parts.username}@{host}" if parts.username else host
        return urlunsplit(parts._replace(netloc=host)), None
    return urlunsplit(parts._replace(netloc=host)), (user, password)


def environment() -> dict[str, str]:
    """This process's environment for git: plain English, no questions, no other repository."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (not name.startswith("GIT_") or name.startswith(_KEPT)) and name not in _DROPPED
    }
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def isolated() -> dict[str, str]:
    """Like :func:`environment`, and without the configuration of person and machine."""
    kept = {k: v for k, v in environment().items() if not k.startswith("GIT_CONFIG_")}
    return kept | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def with_config(env: Mapping[str, str], entries: Sequence[tuple[str, str]]) -> dict[str, str]:
    """``env`` with git settings added. Children inherit them and no file or argv shows them."""
    count = int(env.get("GIT_CONFIG_COUNT") or 0)
    added = {"GIT_CONFIG_COUNT": str(count + len(entries))}
    for number, (key, value) in enumerate(entries, start=count):
        added[f"GIT_CONFIG_KEY_{number}"] = key
        added[f"GIT_CONFIG_VALUE_{number}"] = value
    return {**env, **added}


def run(
    *args: str, env: Mapping[str, str], cwd: Path | None = None, stdin: bytes | None = None
) -> bytes:
    """Run a local git command and return its output. Raises :class:`GitFailed`."""
    try:
        done = subprocess.run(
            ["git", *args],
            cwd=cwd,
            env=env,
            capture_output=True,
            check=False,
            input=b"" if stdin is None else stdin,
        )
    except FileNotFoundError:
        raise _not_started(cwd) from None
    if done.returncode:
        raise GitFailed(_command(args), done.stderr.decode(errors="replace"), done.returncode)
    return done.stdout


def converse(
    *args: str,
    env: Mapping[str, str],
    cwd: Path | None = None,
    silence: float | None = None,
    enough: Callable[[bytes], bool] | None = None,
) -> bytes:
    """Run a git command that talks to another host, and return its output.

    Ends it, with its helpers, when it says nothing for ``silence`` seconds (``SILENCE`` unless
    given), whatever the transport; and when ``enough``, which is asked again and again with what
    git has told people so far, says so. Raises :class:`GitFailed`, :class:`BrokenOff`.
    """
    limit = SILENCE if silence is None else silence
    try:
        process = subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
    except FileNotFoundError:
        raise _not_started(cwd) from None
    try:
        out, err, timed_out = _listen(process, limit, enough)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    words = err.decode(errors="replace")
    if timed_out:
        raise GitFailed(_command(args), f"{words}\nfatal: timed out: no answer for {limit:g} s")
    if process.returncode:
        raise GitFailed(_command(args), words)
    return out


def _listen(
    process: subprocess.Popen[bytes], limit: float, enough: Callable[[bytes], bool] | None
) -> tuple[bytes, bytes, bool]:
    """Read both pipes to their ends, or until neither has said anything for ``limit`` seconds."""
    assert process.stdout is not None
    assert process.stderr is not None
    heard = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    out, err = heard.values()
    with process.stdout, process.stderr, selectors.DefaultSelector() as ears:
        for pipe in heard:
            ears.register(pipe, selectors.EVENT_READ)
        heard_last = time.monotonic()
        while ears.get_map():
            ready = ears.select(min(limit, _LOOK) if enough else limit)
            if enough and enough(bytes(err)):
                raise BrokenOff("the conversation was broken off")
            if ready:
                heard_last = time.monotonic()
            elif time.monotonic() - heard_last >= limit:
                return bytes(out), bytes(err), True
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                heard[key.fd] += data
                if not data:
                    ears.unregister(key.fd)
    process.wait()
    return bytes(out), bytes(err), False


def diagnose(failure: GitFailed, what: str) -> RunError:
    """The failure as people should read it. ``what`` names the repository or the tree."""
    for pattern, cause, message, hint in _MEANINGS:
        if re.search(pattern, failure.stderr, re.IGNORECASE):
            return RunError(cause, message.format(what), hint=hint, tail=failure.tail)
    return RunError(
        Cause.GIT,
        f"{what}: {failure.what}",
        hint="git's own words are below",
        tail=failure.tail,
    )


# First match wins: a full disk also ends connections, and a refused login is also a 4xx.
_MEANINGS = (
    (
        r"no space left on device|disk quota exceeded",
        Cause.DISK_FULL,
        "the disk is full: {} could not be written",
        "free some space on the agent's machine, or move its cache to a larger disk",
    ),
    (
        r"host key verification failed",
        Cause.GIT,
        "the ssh host key of {} is not known on this machine",
        "connect once by hand as the agent's user, or add the key with ssh-keyscan",
    ),
    (
        r"authentication failed|could not read (username|password)|returned error: 40[13]"
        r"|permission denied \(|access denied|invalid (username|credentials)",
        Cause.GIT,
        "authentication refused by {}",
        "give the agent a user and token for this host, or an ssh key, that may read the"
        " repository",
    ),
    (
        r"repository .*not found|returned error: 404|does not appear to be a git repo"
        r"|not a git repository|repository .*does not exist",
        Cause.GIT,
        "repository not found: {}",
        "check the URL on the task; hosts also answer this when the agent's account may not see it",
    ),
    (
        r"server certificate|ssl certificate|certificate (problem|verif)|ssl connect error",
        Cause.GIT,
        "the TLS certificate of {} is not trusted",
        "add your authority's certificate to the agent's machine (GIT_SSL_CAINFO names the file)",
    ),
    (
        r"could not resolve (host|proxy)|failed to connect|couldn't connect|connection (refused"
        r"|reset|timed out|closed)|no route to host|network is unreachable|timed out"
        r"|hung up unexpectedly|early eof|returned error: 5\d\d|empty reply",
        Cause.GIT,
        "host unreachable: {}",
        "check the network, the proxy and the host name from the agent's machine; then retry",
    ),
)


def _command(args: Sequence[str]) -> str:
    """The sub-command among ``args``, for messages."""
    words = iter(args)
    for word in words:
        if word in ("-c", "-C"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _spoken(text: str) -> list[str]:
    lines = (line.rstrip() for line in re.split(r"[\r\n]+", text))
    return [line for line in lines if line and not _PROGRESS.match(line)]


def _not_started(cwd: Path | None) -> TaskyardError:
    if cwd is not None and not cwd.is_dir():
        return TaskyardError(f"no such folder: {cwd}")
    return TaskyardError("git is not installed on this machine", hint="install git, then retry")
