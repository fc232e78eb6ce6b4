"""What an agent needs of its machine, looked at one by one: what is wrong and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from taskyard.agent import fitness, slot
from taskyard.agent.containers.engine import Engine
from taskyard.agent.environments import indexes, tool
from taskyard.agent.environments.addresses import anonymous
from taskyard.agent.machine import gpus
from taskyard.agent.run import mirror
from taskyard.agent.run.mirror import Credentials
from taskyard.api.errors import RunError, TaskyardError

PATIENCE = 10.0
"""Seconds for an answer from the network."""
PYPI = "https://pypi.org/simple"


class Finding(NamedTuple):
    """What one look has shown."""

    check: str
    state: Literal["ok", "note", "wrong"]
    """``note``: something is not there that not everybody needs."""
    text: str
    hint: str = ""


def disk(data: Path) -> Iterator[Finding]:
    """The disk on which runs, mirrors and environments lie."""
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    usage = shutil.disk_usage(place)
    text = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB are free for {data}"
    if not os.access(place, os.W_OK):
        hint = "Name another folder with TASKYARD_AGENT_DATA, or change who may write there."
        yield Finding("disk", "wrong", f"{place} cannot be written to", hint)
    elif usage.free < fitness.LEAST_FREE:
        hint = "Agents take no tasks below 1 GB. See `taskyard env gc`, or name another folder."
        yield Finding("disk", "wrong", text, hint)
    else:
        yield Finding("disk", "ok", text)


def git(data: Path, urls: Sequence[str], credentials: Credentials) -> Iterator[Finding]:
    """Git itself, and each repository: those named, else those that tasks here came from."""
    try:
        version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        yield Finding("git", "wrong", "git is not installed", "Install it: apt install git")
        return
    yield Finding("git", "ok", version.stdout.strip())
    for url in urls or _known_repositories(data):
        yield _repository(data, url, credentials)


def _known_repositories(data: Path) -> list[str]:
    found = []
    for folder in sorted((data / "mirrors").glob("*.*")):
        command = ["git", "-C", str(folder), "config", "remote.origin.url"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        found += asked.stdout.split()
    return found


def _repository(data: Path, url: str, credentials: Credentials) -> Finding:
    try:
        found = mirror.mirror_of(url, cache=data, credentials=credentials)
        done = subprocess.run(
            ["git", "ls-remote", "--quiet", found.url, "HEAD"],
            env=mirror.network_environment(found),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except RunError as error:
        return Finding("git", "wrong", str(error), error.hint)
    except subprocess.TimeoutExpired:
        text = f"{anonymous(url)} does not answer within {PATIENCE:g} s"
        return Finding("git", "wrong", text, "Is the host reachable from here, or behind a proxy?")
    if done.returncode == 0:
        return Finding("git", "ok", f"{found.url} can be read")
    why = anonymous(done.stderr.strip().splitlines()[-1]) if done.stderr.strip() else "no answer"
    hint = "Give the agent --git-user and CLEARML_AGENT_GIT_PASS, or this user an ssh key."
    return Finding("git", "wrong", f"{found.url} cannot be read: {why}", hint)


def packages() -> Iterator[Finding]:
    """The tool that makes environments, and the package index it asks."""
    try:
        yield Finding("packages", "ok", tool.answer([tool.uv(), "--version"], os.environ))
    except RunError as error:
        yield Finding("packages", "wrong", str(error), error.hint)
    environ = indexes.for_uv(os.environ).environ
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or PYPI
    shown = anonymous(index)
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/pip/", timeout=PATIENCE):
            yield Finding("packages", "ok", f"the package index {shown} answers")
    except urllib.error.HTTPError as error:
        text = f"the package index {shown} answers {error.code} {error.reason}"
        yield Finding("packages", "note" if error.code == 401 else "wrong", text, _INDEX)
    except (OSError, ValueError) as error:
        text = f"the package index {shown} does not answer: {getattr(error, 'reason', error)}"
        yield Finding("packages", "wrong", text, _INDEX)


_INDEX = "Set PIP_INDEX_URL or pip.conf to one that can be reached, or run agents with "
_INDEX += "--standalone-mode."


def containers() -> Iterator[Finding]:
    """The engine of agents with ``--docker``."""
    try:
        version = Engine().ask("version", "--format", "{{.Server.Version}}")
        yield Finding("docker", "ok", f"Docker {version}")
    except RunError as error:
        # Without it tasks run as plain processes.
        yield Finding("docker", "note", str(error), error.hint)


def graphics() -> Iterator[Finding]:
    """The GPUs that the driver shows."""
    found = gpus.list_gpus()
    for gpu in found:
        text = f"GPU {gpu.index}: {gpu.name}, {gpu.memory / 1024:.0f} GB, {gpu.uuid}"
        yield Finding("gpus", "ok", text)
    if not found and Path("/dev/nvidiactl").exists():
        hint = "Look at `nvidia-smi` and `dmesg`; after a change of drivers, restart the machine."
        yield Finding("gpus", "wrong", "there are GPUs, and their driver does not answer", hint)
    elif not found:
        yield Finding("gpus", "note", "no NVIDIA GPU; tasks run on the processors")


def agents(data: Path) -> Iterator[Finding]:
    """The agents of this user that run here."""
    try:
        found = slot.running(data)
    except (OSError, TaskyardError) as error:
        yield Finding("agents", "wrong", f"cannot tell which agents run: {error}")
        return
    for worker, pid in found:
        yield Finding("agents", "ok", f"{worker} runs as process {pid}")
    if not found:
        yield Finding(
            "agents", "note", "no agent runs here", "taskyard agent daemon --queue default"
        )
