"""Where packages come from: the machine's pip configuration, told to uv.

A machine behind a mirror is set up for pip: files named ``pip.conf`` and ``PIP_*`` variables.
uv reads neither, so they are translated. A ``UV_*`` variable that is already set wins.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from configparser import Error as ConfigError
from configparser import RawConfigParser
from pathlib import Path
from typing import Any, NamedTuple

from taskyard.agent.environments.addresses import anonymous

# The option of pip, the variable of uv, and what uv wants between several values.
_TRANSLATED = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("cert", "SSL_CERT_FILE", " "),
    ("client-cert", "SSL_CLIENT_CERT", " "),
    ("proxy", "ALL_PROXY", " "),
    ("timeout", "UV_HTTP_TIMEOUT", " "),
)
_OLDER_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}

# Settings of the agent's own environment that would point uv or Python somewhere else.
_FOREIGN = (
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "UV_PYTHON",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PROJECT",
    "UV_WORKING_DIRECTORY",
    "UV_SYSTEM_PYTHON",
)

# The variables that change which files get installed.
_DECIDING = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX_STRATEGY",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
    "UV_EXCLUDE_NEWER",
    "UV_TORCH_BACKEND",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE",
    "UV_NO_BUILD",
    "UV_CONFIG_FILE",
)

_PIP_DECIDES = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "constraint",
    "pre",
    "prefer-binary",
    "no-binary",
    "only-binary",
    "use-deprecated",
)


class Settings(NamedTuple):
    """What uv is told: variables of its environment, and arguments for what has no variable."""

    environ: dict[str, str]
    arguments: list[str]

    def deciding(self) -> Any:
        """What of it changes which files get installed, without user names and passwords."""
        chosen = {name: self.environ[name] for name in _DECIDING if self.environ.get(name)}
        return [{name: anonymous(value) for name, value in chosen.items()}, self.arguments]


def for_uv(environ: Mapping[str, str], index_urls: Sequence[str] = ()) -> Settings:
    """What uv is started with: the given environment, plus what pip is configured to use.

    ``index_urls`` are the task's own indexes, asked before the machine's.
    """
    told = {name: value for name, value in environ.items() if name not in _FOREIGN}
    told.update(NO_COLOR="1", UV_NO_PROGRESS="1", GIT_TERMINAL_PROMPT="0", LC_ALL="C.UTF-8")
    told.setdefault("PATH", os.defpath)
    options = pip_options(environ)
    for option, variable, separator in _TRANSLATED:
        values = options.get(option, "").split()
        if option == "find-links":
            # pip warns about a folder that is not there, uv gives up.
            values = [value for value in values if _reachable(value)]
        taken = told.get(variable) or told.get(_OLDER_NAMES.get(variable, ""))
        if values and not taken:
            told[variable] = separator.join(values)
    if index_urls:
        told["UV_INDEX"] = " ".join([*index_urls, *told.get("UV_INDEX", "").split()])
    if told.get("UV_INDEX"):
        # pip takes the best version of all its indexes, and that is what these were set up for.
        told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    named = told.get("UV_DEFAULT_INDEX") or told.get("UV_INDEX_URL")
    off = options.get("no-index", "").lower() in ("1", "true", "yes", "on") and not named
    return Settings(told, ["--no-index"] if off else [])


def for_pip(environ: Mapping[str, str], index_urls: Sequence[str]) -> dict[str, str]:
    """The variables by which pip asks further indexes: those beside its own configuration."""
    if not index_urls:
        return {}
    before = pip_options(environ).get("extra-index-url", "").split()
    return {"PIP_EXTRA_INDEX_URL": " ".join([*index_urls, *before])}


def pip_decides(environ: Mapping[str, str], index_urls: Sequence[str]) -> Any:
    """What of pip's settings changes which files get installed, without passwords."""
    options = pip_options(environ)
    chosen = {name: anonymous(options[name]) for name in _PIP_DECIDES if options.get(name)}
    return [chosen, [anonymous(url) for url in index_urls]]


def pip_options(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's settings from its files and variables; later ones win, as pip has it."""
    options: dict[str, str] = {}
    for path in _pip_files(environ):
        try:
            about = os.stat(path)
        except OSError:
            continue
        options.update(_in_file(path, about.st_mtime_ns, about.st_size))
    for variable, value in environ.items():
        if variable.startswith("PIP_") and value:
            options[_name(variable.removeprefix("PIP_"))] = value
    return options


@functools.lru_cache(maxsize=32)
def _in_file(path: Path, _mtime: int, _size: int) -> dict[str, str]:
    """pip's settings of one file. Every start asks for them: an unchanged file is read once."""
    options: dict[str, str] = {}
    parser = RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (ConfigError, OSError, UnicodeDecodeError):
        return options
    for section in ("global", "install"):
        if parser.has_section(section):
            options.update((_name(name), value) for name, value in parser.items(section))
    return options


def _name(name: str) -> str:
    return name.lower().replace("_", "-")


def _pip_files(environ: Mapping[str, str]) -> list[Path]:
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME") or "/")
    shared = environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(folder, "pip/pip.conf") for folder in shared if folder]
    files += [Path("/etc/pip.conf"), home / ".pip/pip.conf", own / "pip/pip.conf"]
    files += [Path(sys.prefix, "pip.conf")]
    return [*files, Path(named)] if named else files


def _reachable(place: str) -> bool:
    if re.match(r"https?://", place):
        return True
    return os.path.isdir(place.removeprefix("file://"))
