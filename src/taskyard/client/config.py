"""Where the server is and with which keys: found in the order people expect.

Flag, then ``TASKYARD_*``, then ``taskyard.toml`` here, then the user's own configuration, then
what the ``clearml`` packages use: ``CLEARML_*`` variables and ``clearml.conf``.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskyard.api.errors import TaskyardError


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How to reach a server. ``origin`` says where this was found, for error messages."""

    url: str
    access_key: str
    secret_key: str
    web_url: str = ""
    files_url: str = ""
    origin: str = ""


Source = tuple[str, Mapping[str, Any]]
"""Where values were found, and the values by the names of ``FIELDS``."""

FIELDS = ("url", "access_key", "secret_key", "web_url", "files_url")


def user_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own configuration file, there or not."""
    if named := environ.get("TASKYARD_CONFIG"):
        return Path(named).expanduser()
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "taskyard" / "config.toml"


def find(
    *, url: str = "", environ: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Profile:
    """The profile to use. Raises TaskyardError that says how to make one when there is none."""
    folder = folder or Path.cwd()
    found: dict[str, tuple[str, str]] = {}
    for origin, values in _sources(environ, folder):
        for name in FIELDS:
            if name not in found and values.get(name):
                found[name] = (str(values[name]), origin)
        if all(n in found for n in ("url", "access_key", "secret_key")):
            break
    if url:
        found["url"] = (url, "--server")
    missing = [n for n in ("url", "access_key", "secret_key") if n not in found]
    if missing:
        raise TaskyardError(
            "no server is configured" if "url" in missing else "no key pair is configured",
            hint="Start one here with `taskyard up`, or connect to one with `taskyard init`.",
        )
    return Profile(
        url=found["url"][0].rstrip("/"),
        access_key=found["access_key"][0],
        secret_key=found["secret_key"][0],
        web_url=found.get("web_url", ("", ""))[0],
        files_url=found.get("files_url", ("", ""))[0],
        origin=found["url"][1],
    )


def git_hosts(environ: Mapping[str, str] = os.environ) -> dict[str, tuple[str, str]]:
    """User and password for git over https, by host: the tables ``[git."host"]`` of the file.

    Raises TaskyardError for a file that cannot be read.
    """
    tables = _tables(user_file(environ)).get("git", {})
    return {
        host: (str(table["user"]), str(table["password"]))
        for host, table in tables.items()
        if isinstance(table, dict) and {"user", "password"} <= table.keys()
    }


def _sources(environ: Mapping[str, str], folder: Path) -> Iterator[Source]:
    yield (
        "environment",
        {
            "url": environ.get("TASKYARD_SERVER"),
            "access_key": environ.get("TASKYARD_ACCESS_KEY"),
            "secret_key": environ.get("TASKYARD_SECRET_KEY"),
        },
    )
    if "TASKYARD_CONFIG" not in environ:
        yield from _toml(folder / "taskyard.toml")
    yield from _toml(user_file(environ))
    yield (
        "CLEARML_* environment",
        {
            "url": environ.get("CLEARML_API_HOST"),
            "access_key": environ.get("CLEARML_API_ACCESS_KEY"),
            "secret_key": environ.get("CLEARML_API_SECRET_KEY"),
            "web_url": environ.get("CLEARML_WEB_HOST"),
            "files_url": environ.get("CLEARML_FILES_HOST"),
        },
    )
    conf = Path(environ.get("CLEARML_CONFIG_FILE") or "~/clearml.conf").expanduser()
    if conf.is_file():
        yield str(conf), _clearml_conf(conf)


def _toml(file: Path) -> Iterator[Source]:
    if values := _tables(file):
        yield str(file), values.get("client", {})


def _tables(file: Path) -> dict[str, Any]:
    """A configuration file's content; none when it is not there."""
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TaskyardError(f"cannot read {file}: {error}") from error


def _clearml_conf(file: Path) -> dict[str, Any]:
    # Only read when nothing else told: the parser takes its time to import.
    from pyhocon import ConfigFactory
    from pyhocon.exceptions import ConfigException

    try:
        api = ConfigFactory.parse_file(str(file)).get("api", {})
    except (ConfigException, OSError, ValueError) as error:
        raise TaskyardError(f"cannot read {file}: {error}") from error
    keys = api.get("credentials", {})
    return {
        "url": api.get("api_server", None),
        "web_url": api.get("web_server", None),
        "files_url": api.get("files_server", None),
        "access_key": keys.get("access_key", None),
        "secret_key": keys.get("secret_key", None),
    }


def write(profile: Profile, file: Path) -> None:
    """Keep the profile in ``file``, readable by its owner only. What else is in it stays."""
    values = {name: getattr(profile, name) for name in FIELDS}
    lines = ["[client]"] + [
        f"{name} = {json.dumps(value)}" for name, value in values.items() if value
    ]
    kept = ""
    if file.is_file():
        kept = _without_client_section(file.read_text())
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as stream:
        stream.write("\n".join(lines) + "\n" + kept)
    aside.replace(file)


def _without_client_section(text: str) -> str:
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.strip().startswith("["):
            inside = line.strip() == "[client]"
        if not inside:
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n" if any(k.strip() for k in kept) else ""
