"""Which of a task's container arguments are passed on.

Whoever may put a task on a queue must not become root on the agent's machine by it: arguments
that open the machine are refused unless the agent's owner allows them. The agent's own arguments
are its owner's and pass as they are.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterable, Sequence

import msgspec

from taskyard.api.errors import Cause, RunError

_SHORT = {
    "-c": "--cpu-shares",
    "-e": "--env",
    "-h": "--hostname",
    "-l": "--label",
    "-m": "--memory",
    "-p": "--publish",
    "-u": "--user",
    "-v": "--volume",
    "-w": "--workdir",
}
_SWITCHES = {
    "--detach",
    "--disable-content-trust",
    "--init",
    "--interactive",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--privileged",
    "--publish-all",
    "--read-only",
    "--rm",
    "--tty",
}
_OURS = {
    "--detach",
    "--gpus",
    "--init",
    "--interactive",
    "--name",
    "--rm",
    "--runtime",
    "--tty",
    "--workdir",
    "--pull",
}
"""What the agent decides itself: taken out, without a fuss."""

_HARMLESS = {
    "--add-host",
    "--cpu-period",
    "--cpu-quota",
    "--cpu-shares",
    "--cpus",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--cap-drop",
    "--dns",
    "--dns-option",
    "--dns-search",
    "--domainname",
    "--expose",
    "--hostname",
    "--label",
    "--memory",
    "--memory-reservation",
    "--memory-swap",
    "--memory-swappiness",
    "--network-alias",
    "--no-healthcheck",
    "--pids-limit",
    "--platform",
    "--publish-all",
    "--read-only",
    "--shm-size",
    "--stop-signal",
    "--tmpfs",
    "--ulimit",
    "--user",
}
_JOINING = {"--network", "--net", "--ipc", "--pid", "--uts", "--userns", "--cgroupns"}
"""Harmless with some values only."""
_OWN = {"bridge", "default", "none", "private", "shareable"}


class Port(msgspec.Struct, frozen=True):
    """A port of the container that is to be reached from outside."""

    inner: str
    """``80`` or ``53/udp``."""
    wanted: int = 0
    """The machine's port that was asked for; 0: any that is free."""
    address: str = ""


class Arguments(msgspec.Struct, kw_only=True):
    """A container's arguments, read."""

    passed: list[str] = []
    """For the engine, as they are."""
    variables: dict[str, str] = {}
    """They may be secret, and do not become arguments again."""
    inherited: list[str] = []
    """Variables to take from the agent's own environment."""
    ports: list[Port] = []
    user: str = ""
    network: str = ""
    memory: str = ""
    dropped: list[str] = []
    """Left out because the agent decides them."""

    @property
    def on_host_network(self) -> bool:
        return self.network == "host"


def read(own: Sequence[str], task: str | Sequence[str], allowed: Collection[str] = ()) -> Arguments:
    """The agent's arguments together with a task's, which come last and so decide.

    ``allowed`` names what the agent's owner lets tasks have: an option without its dashes
    (``privileged``), or one with a value (``network=host``, ``volume=/data``).
    Raises RunError (image) that names the argument which is refused or cannot be read.
    """
    found = Arguments()
    for option, value in _options(list(own)):
        if option == "--runtime":
            found.passed.append(f"{option}={value}")
        else:
            _take(found, option, value)
    for option, value in _options(_split(task)):
        if option not in _OURS:
            _check(option, value, set(allowed))
        _take(found, option, value)
    return found


def gpus(cards: Sequence[str] | None, program: str, *, there: bool) -> list[str]:
    """The arguments that give a container its GPUs, by their ids.

    None: all of the machine, ``there`` says whether it has any.
    """
    if cards is None:
        cards = ["all"] if there else []
    if not cards:
        return []
    if program == "podman":
        return [word for card in cards for word in ("--device", f"nvidia.com/gpu={card}")]
    # The engine reads this word as a line of comma separated values: hence the quotes.
    named = ",".join(cards)
    return ["--gpus", "all" if named == "all" else f'"device={named}"']


def publish(ports: Iterable[tuple[Port, int]]) -> list[str]:
    """The arguments that open ports, each with the machine's port chosen for it."""
    words = []
    for port, outer in ports:
        prefix = f"{port.address}:" if port.address else ""
        words += ["--publish", f"{prefix}{outer}:{port.inner}"]
    return words


def _split(words: str | Sequence[str]) -> list[str]:
    if not isinstance(words, str):
        return list(words)
    try:
        return shlex.split(words)
    except ValueError as error:
        raise _refusal(f"the container's arguments cannot be read: {error}") from error


def _options(words: list[str]) -> Iterable[tuple[str, str | None]]:
    """Each option by its long name, with its value; None for a switch."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        if word.startswith("--"):
            pass
        elif re.fullmatch(r"-[dit]+", word):
            name, sign = "--tty", ""
        elif word[:2] in _SHORT:
            name, sign, value = _SHORT[word[:2]], word[2:], word[2:].removeprefix("=")
        else:
            raise _refusal(f"{word!r} among the container's arguments is no option of the engine")
        if name in _SWITCHES:
            yield name, value if sign else None
        elif sign:
            yield name, value
        elif rest:
            yield name, rest.pop(0)
        else:
            raise _refusal(f"the container's argument {name} has no value")


def _take(found: Arguments, option: str, value: str | None) -> None:
    if option in _OURS:
        found.dropped.append(option)
    elif option == "--env":
        name, sign, content = (value or "").partition("=")
        if sign:
            found.variables[name] = content
        else:
            found.inherited.append(name)
    elif option == "--publish":
        found.ports.append(_port(value or ""))
    else:
        kept = {"--user": "user", "--network": "network", "--net": "network", "--memory": "memory"}
        if option in kept:
            setattr(found, kept[option], value or "")
        if option in ("--network", "--net"):
            # The engine would take a second one as one more; here the last one decides.
            networks = ("--network=", "--net=")
            found.passed = [word for word in found.passed if not word.startswith(networks)]
        if option != "--memory":
            found.passed.append(option if value is None else f"{option}={value}")


def _port(text: str) -> Port:
    *before, inner = text.rsplit(":", 2)
    outer = before[-1] if before else ""
    if not re.fullmatch(r"\d+(/(tcp|udp|sctp))?", inner) or (outer and not outer.isdecimal()):
        raise _refusal(f"the container's port {text!r} cannot be read", "Write it as 8080:80.")
    return Port(inner, int(outer or 0), before[0] if len(before) == 2 else "")


def _check(option: str, value: str | None, allowed: set[str]) -> None:
    name = option.removeprefix("--")
    if option in _HARMLESS or name in allowed or f"{name}={value}" in allowed:
        return
    if option == "--env":
        if "=" in (value or ""):
            return
        raise _refusal(f"the container's argument --env {value} has no value")
    if option == "--publish":
        return
    if option in _JOINING:
        joins = (value or "").partition(":")[0]
        named = option in ("--network", "--net") and re.fullmatch(r"[\w.-]+", value or "")
        if value in _OWN or (named and joins not in ("host", "container", "ns", "slirp4netns")):
            return
    if option in ("--volume", "--mount"):
        source = _source(option, value or "")
        if source is None or _below(source, allowed):
            return
        raise _not_allowed(f"{name} {source}", f"volume={source}")
    raise _not_allowed(
        f"{name} {value or ''}".strip(), name if value is None else f"{name}={value}"
    )


def _source(option: str, value: str) -> str | None:
    """The folder of the machine that a mount opens; None: none, it is a volume of the engine's."""
    if option == "--volume":
        source, colon, _ = value.partition(":")
        return source if colon and not re.fullmatch(r"[A-Za-z0-9][\w.-]*", source) else None
    parts = dict(part.partition("=")[::2] for part in value.split(","))
    kind = parts.get("type", "volume")
    if kind == "tmpfs":
        return None
    source = parts.get("source") or parts.get("src") or ""
    plain = not source or re.fullmatch(r"[A-Za-z0-9][\w.-]*", source)
    if kind == "volume" and plain and '"' not in value and "volume-opt" not in parts:
        return None
    return source or value


def _below(source: str, allowed: set[str]) -> bool:
    """Whether a folder lies in one that is allowed."""
    # Another task may have left a link there.
    path = os.path.realpath(source)
    roots = [word.partition("=")[2] for word in allowed if word.startswith("volume=/")]
    return any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in roots)


def _not_allowed(what: str, word: str) -> RunError:
    return _refusal(
        f"this agent does not let tasks have the container argument --{what}",
        f"Leave it out, or have the agent's owner allow it with --docker-allow {word}.",
    )


def _refusal(what: str, hint: str = "Correct the task's container arguments.") -> RunError:
    return RunError(Cause.IMAGE, what, hint=hint)
