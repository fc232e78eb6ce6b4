"""Which Python an attempt gets, found without starting a process when it was found before.

What is known about interpreters is kept in ``<cache>/interpreters.json`` under their path,
modification time and size, so an upgraded interpreter is looked at again.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from taskyard.api.errors import Cause, RunError

_ASK = """
import json, os, platform, sys, sysconfig
where = sysconfig.get_path("purelib", "posix_prefix", {"base": "", "platbase": ""})
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": ".".join(map(str, sys.version_info[:3])),
    "identity": [
        sys.implementation.name, sys.version, sysconfig.get_config_var("SOABI") or "",
        sysconfig.get_platform(), "".join(platform.libc_ver()),
    ],
    "tag": sys.implementation.cache_tag,
    "site": where.lstrip("/"),
}))
"""


class Interpreter(msgspec.Struct, frozen=True):
    """What is known about one Python interpreter."""

    executable: str
    """The real binary, never one inside a virtual environment."""
    version: str
    identity: list[str]
    """Implementation, full version, ABI, platform and C library: what built packages depend on."""
    tag: str
    """Marks its byte-code files: ``cpython-311``."""
    site: str
    """Where a virtual environment of it keeps packages, relative to the environment."""


class _Stamp(msgspec.Struct, frozen=True):
    mtime: int
    size: int


class _Known(msgspec.Struct):
    """The file's content: facts by path, and the path that answered an earlier request."""

    facts: dict[str, tuple[_Stamp, Interpreter]] = {}
    answers: dict[str, str] = {}


def find(
    wanted: str,
    *,
    spec: str = "",
    cache: Path,
    environ: Mapping[str, str],
    offline: bool,
    say: Callable[[str], None],
) -> Interpreter:
    """The interpreter for a version such as ``3.11`` or ``3.11.7``; empty: the agent's own.

    ``spec`` is a ``requires-python`` expression that counts when no version is wanted. A full
    version that is not on the machine relaxes to the same minor version, and says so.
    Raises RunError (environment) when there is none and none can be installed.
    """
    known = _Memory(cache / "interpreters.json")
    own = known.facts(getattr(sys, "_base_executable", None) or sys.executable)
    asked = number(wanted)
    if not asked:
        if satisfies(own.version, spec):
            return own
        asked = spec
    elif matches(own.version, asked):
        return own
    if answer := known.answer(asked):
        found = answer
    else:
        found = _discover(asked, own, known, environ, offline, say)
        known.remember(asked, found)
    if re.fullmatch(r"\d+(\.\d+)*", asked) and not matches(found.version, asked):
        say(f"Python {asked} is not on this machine: using {found.version}")
    return found


def named(path: str, cache: Path) -> Interpreter:
    """The interpreter that the machine's owner has named. Raises RunError (environment)."""
    import shutil

    found = shutil.which(os.path.expanduser(path))
    if found is None:
        raise RunError(
            Cause.ENVIRONMENT,
            f"the agent's Python {path} is not on this machine",
            hint="correct `python_binary` in the agent's configuration",
        )
    return _Memory(cache / "interpreters.json").facts(os.path.realpath(found))


def inside(venv: Path) -> Interpreter:
    """The interpreter that a new environment has brought. Raises RunError (environment)."""
    return _ask(str(venv / "bin" / "python"))


def number(wanted: str) -> str:
    """The bare version in what a task asks for: ``3.11`` in ``python3.11``; else all of it."""
    return re.sub(r"^(?:c?python)?[@=]*(?=\d)", "", wanted.strip())


def matches(version: str, asked: str) -> bool:
    """Whether a full version is the asked one, or one of the asked minor or major version."""
    return f"{version}.".startswith(f"{asked}.")


def satisfies(version: str, spec: str) -> bool:
    """Whether a full version lies in a ``requires-python`` range; odd clauses do not exclude."""
    have = tuple(map(int, version.split(".")))
    for clause in spec.split(","):
        parsed = re.fullmatch(r"\s*(>=|<=|>|<|==|!=|~=)\s*(\d+(?:\.\d+)*)(\.\*)?\s*", clause)
        if parsed is None:
            continue
        operator, number, star = parsed.groups()
        want = tuple(map(int, number.split(".")))
        full = (*want, 0, 0)[: max(3, len(want))]
        same = have[: len(want)] == want if star else have == full
        fine = {
            ">=": have >= full,
            "<=": have <= full,
            ">": have > full,
            "<": have < full,
            "==": same,
            "!=": not same,
            "~=": have >= full and have[: len(want) - 1] == want[:-1],
        }[operator]
        if not fine:
            return False
    return True


class _Memory:
    """The file of known interpreters."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known = msgspec.json.decode(path.read_bytes(), type=_Known)
        except (OSError, msgspec.DecodeError):
            self._known = _Known()

    def facts(self, executable: str) -> Interpreter:
        """What is known about the binary; starts it when that is not known yet."""
        about = os.stat(executable)
        stamp = _Stamp(about.st_mtime_ns, about.st_size)
        before = self._known.facts.get(executable)
        if before and before[0] == stamp:
            return before[1]
        facts = _ask(executable)
        self._known.facts[executable] = (stamp, facts)
        self._write()
        return facts

    def answer(self, asked: str) -> Interpreter | None:
        path = self._known.answers.get(asked, "")
        if not path or not os.path.exists(path):
            return None
        found = self.facts(path)
        # The path may hold another version by now: /usr/bin/python3 after an upgrade.
        same_minor = ".".join(asked.split(".")[:2])
        if re.fullmatch(r"[\d.]+", asked) and not matches(found.version, same_minor):
            return None
        return found

    def remember(self, asked: str, found: Interpreter) -> None:
        self._known.answers[asked] = found.executable
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        aside.write_bytes(msgspec.json.encode(self._known))
        aside.replace(self._path)


def _ask(executable: str) -> Interpreter:
    import subprocess

    try:
        done = subprocess.run(
            [executable, "-I", "-c", _ASK], capture_output=True, check=True, timeout=60
        )
        return msgspec.json.decode(done.stdout, type=Interpreter)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        raise RunError(
            Cause.ENVIRONMENT,
            f"the Python interpreter {executable} does not work",
            hint="start it by hand on the machine to see what is wrong",
        ) from error


def _discover(
    asked: str,
    own: Interpreter,
    known: _Memory,
    environ: Mapping[str, str],
    offline: bool,
    say: Callable[[str], None],
) -> Interpreter:
    if found := _installed(asked, known, environ):
        return found
    minor = ".".join(asked.split(".")[:2])
    if re.fullmatch(r"\d+\.\d+\.\d+", asked):
        if matches(own.version, minor):
            return own
        if found := _installed(minor, known, environ):
            return found
    return known.facts(_install(asked, environ, offline, say))


def _installed(asked: str, known: _Memory, environ: Mapping[str, str]) -> Interpreter | None:
    from taskyard.agent.environments import tool

    options = ["--system", "--no-project", "--no-python-downloads"]
    found = tool.answer([tool.uv(), "python", "find", *options, "--", asked], environ)
    if found:
        return known.facts(found)
    # pyenv puts a stub for every version on PATH that only works for the selected ones.
    home = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME", "/"), ".pyenv")
    if re.fullmatch(r"[\d.]+", asked):
        for path in sorted(Path(home, "versions").glob(f"{asked}*/bin/python"), reverse=True):
            candidate = known.facts(str(path))
            if matches(candidate.version, asked):
                return candidate
    return None


def _install(
    asked: str, environ: Mapping[str, str], offline: bool, say: Callable[[str], None]
) -> str:
    from taskyard.agent.environments import tool

    forbidden = environ.get("UV_PYTHON_DOWNLOADS", "automatic") in ("never", "false", "0")
    hint = "install it on the machine, or ask for a version that `uv python list` shows"
    if offline or forbidden:
        reason = "installing one needs the network" if offline else "downloads are switched off"
        raise RunError(
            Cause.ENVIRONMENT, f"Python {asked} is not on this machine, and {reason}", hint=hint
        )
    say(f"Python {asked} is not on this machine: installing it")
    result = tool.run([tool.uv(), "python", "install", "--", asked], environ, say=say)
    found = tool.answer(
        [tool.uv(), "python", "find", "--no-project", "--managed-python", "--", asked], environ
    )
    if result.status != 0 or not found:
        raise RunError(
            Cause.ENVIRONMENT,
            f"Python {asked} is not on this machine and could not be installed",
            hint=hint,
            tail=result.tail,
        )
    return found
