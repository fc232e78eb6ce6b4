"""The engine, by its own command line.

Docker and Podman share it, contexts and credential helpers work in it, and it reads the arguments
that people write for it. A call costs some 15 ms, and a task that starts warm needs three. What
is secret never becomes an argument: those can be read by everybody on the machine.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from taskyard.agent.environments import tool
from taskyard.api.errors import Cause, RunError

Say = Callable[[str], None]

RUN_LABEL = "taskyard.run"
"""On each container of ours: the run folder it belongs to."""


class EngineAway(RunError):
    """The engine does not answer at all."""


class NoSuchObject(RunError):
    """The engine answers, and has no container or image of that name."""


class Engine(msgspec.Struct, frozen=True):
    """A program that understands Docker's command line."""

    program: str = "docker"

    def command(self, *words: str) -> list[str]:
        return [self.program, *words]

    def ask(self, *words: str) -> str:
        """What a command prints. Raises RunError with the engine's own words."""
        try:
            done = tool.capture(self.command(*words), os.environ)
        except FileNotFoundError as error:
            raise _not_installed(self.program) from error
        if done.status != 0:
            raise explain(done.tail, self.program)
        return done.output.strip()

    def listen(self, *words: str, say: Say) -> None:
        """Run a command whose output is for people. Raises RunError."""
        try:
            done = tool.run(self.command(*words), os.environ, say=say)
        except FileNotFoundError as error:
            raise _not_installed(self.program) from error
        if done.status != 0:
            raise explain(done.tail, self.program)

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """All that the engine knows of a ``container`` or an ``image``. Raises NoSuchObject."""
        found = msgspec.json.decode(self.ask(kind, "inspect", name), type=list[dict[str, Any]])
        return found[0]

    def root(self) -> str:
        """The folder in which it keeps images and containers."""
        podman = self.program == "podman"
        return self.ask(
            "info", "--format", "{{.Store.GraphRoot}}" if podman else "{{.DockerRootDir}}"
        )

    def remove(self, *names: str) -> None:
        """End containers and drop them with the volumes that are only theirs."""
        if names:
            self.ask("rm", "--force", "--volumes", *names)

    def labelled(self, label: str = RUN_LABEL) -> dict[str, str]:
        """Names of containers that carry a label, running or not, with its values."""
        words = ("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}")
        names = self.ask(*words).split()
        key, given, value = label.partition("=")
        if given:
            return dict.fromkeys(names, value)
        found = {}
        for name in names:
            with contextlib.suppress(NoSuchObject):  # it went meanwhile
                found[name] = self.inspect("container", name)["Config"]["Labels"][key]
        return found


def options(flag: str, values: Mapping[str, str]) -> list[str]:
    """``--label a=1 --label b=2``."""
    return [word for name, value in values.items() for word in (flag, f"{name}={value}")]


def mounts(places: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Arguments that mount folders: from where, to where, and whether writable."""
    found = []
    for source, target, writable in places:
        if "," in source:
            raise RunError(
                Cause.AGENT,
                f"an engine cannot mount {source}: its name has a comma",
                hint="Give the agent another folder with --data.",
            )
        words = f"type=bind,source={source},target={target}"
        found += ["--mount", words if writable else f"{words},readonly"]
    return found


_AWAY = re.compile(
    r"Cannot connect to the Docker daemon|[Ii]s the docker daemon running|error during connect|"
    r"unable to connect to Podman|connection refused.*\.sock|EOF$|connection reset by peer"
)

# The first pattern that is found decides.
_MEANINGS: tuple[tuple[str, Cause, str, str], ...] = (
    (
        r"[Nn]o space left on device|disk quota exceeded",
        Cause.DISK_FULL,
        "the disk of the container engine is full",
        "Free space where it keeps its images, or remove some of them.",
    ),
    (
        r"permission denied while trying to connect",
        Cause.AGENT,
        "the agent's user may not talk to the container engine",
        "Add the user to the group `docker`, or use an engine without root.",
    ),
    (
        r"container-init binary not found",
        Cause.AGENT,
        "the engine has no init program for containers",
        "Install it on the agent's machine: the package `catatonit` of Debian.",
    ),
    (
        r"exec: \\?\"?sh\\?\"?: executable file not found|exec sh failed|"
        r"executable file `?sh`? not found",
        Cause.IMAGE,
        "the image has no POSIX shell",
        "Tasks need `sh` in their image.",
    ),
    (
        r"manifest (?:unknown|for \S+ not found)|not found: manifest|name unknown",
        Cause.IMAGE,
        "the registry has no such image",
        "Check its name and tag.",
    ),
    (
        r"pull access denied|unauthorized|authentication required|denied: |403 Forbidden",
        Cause.IMAGE,
        "the registry refuses the image",
        "Check its name; log the agent's user in with `docker login`.",
    ),
    (
        r"no such host|dial tcp|i/o timeout|TLS handshake|Client\.Timeout|connection refused|"
        r"server gave HTTP response|request canceled|failed to resolve reference",
        Cause.IMAGE,
        "the registry cannot be reached",
        "Check the image's name and the network of the agent's machine, and run the task again.",
    ),
    (
        r"invalid reference format|repository name must be lowercase",
        Cause.IMAGE,
        "that is no image's name",
        "Write it as registry/name:tag.",
    ),
    (
        r"could not select device driver|nvidia-container|unresolvable CDI",
        Cause.AGENT,
        "the container engine cannot give GPUs to containers",
        "Install the NVIDIA container toolkit on the agent's machine.",
    ),
    (
        r"unknown flag|invalid argument|unknown shorthand|conflicting options|"
        r"invalid (?:mode|port|publish|spec|mount)|bad format",
        Cause.IMAGE,
        "the engine does not understand the container's arguments",
        "Correct the task's container arguments.",
    ),
)


def explain(words: str, program: str = "docker") -> RunError:
    """The failure that an engine's last words describe."""
    last = _last(words)
    if _AWAY.search(words):
        return EngineAway(
            Cause.AGENT,
            f"the container engine does not answer: {last}",
            hint=f"Start it on the agent's machine, and try `{program} version` there.",
            tail=words,
        )
    if re.search(r"No such (?:object|container|image)|no such (?:object|container|image)", words):
        return NoSuchObject(Cause.IMAGE, last, tail=words)
    for pattern, cause, what, hint in _MEANINGS:
        if re.search(pattern, words):
            return RunError(cause, f"{what}: {last}", hint=hint, tail=words)
    return RunError(
        Cause.IMAGE,
        f"the container engine failed: {last}",
        hint="Its own words are the last lines.",
        tail=words,
    )


def _last(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("See '", "Run '", "For more help"))]
    return re.sub(r"^(?:docker: |Error response from daemon: |Error: )+", "", (told or [""])[-1])[
        :400
    ]


def _not_installed(program: str) -> EngineAway:
    return EngineAway(
        Cause.AGENT,
        f"there is no program `{program}` on this machine",
        hint="Install the container engine, or start the agent without containers.",
    )
