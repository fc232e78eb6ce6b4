"""How the owner of an agent has it make environments, and what every task on it finds.

Read from three places, a later one before an earlier one: ``clearml.conf``, the table ``[agent]``
of the user's ``config.toml``, and variables named ``CLEARML_AGENT__AGENT__<SECTION>__<KEY>``. All
three have the same names: those of ``clearml-agent``, as far as they make sense here.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from taskyard.agent.environments.choice import TAKES
from taskyard.agent.run.spec import Environment, OwnFile
from taskyard.api.errors import TaskyardError
from taskyard.client.config import user_file

_VARIABLE = "CLEARML_AGENT__"


class Configuration(msgspec.Struct, kw_only=True, frozen=True):
    """What of it reaches a run."""

    environment: Environment = msgspec.field(default_factory=Environment)
    variables: dict[str, str] = {}
    """Of the set-up script and of the user's process; a task's own come before them."""
    index_urls: list[str] = []
    """May hold passwords."""
    files: list[OwnFile] = []
    """To be there when a task starts; may hold secrets."""


class _Packages(msgspec.Struct, kw_only=True):
    """The section ``package_manager``."""

    type: str = ""
    extra_index_url: list[str] | str = []
    extra_pip_install_flags: list[str] | str = []
    system_site_packages: bool = False
    force_repo_requirements_txt: bool = False
    priority_packages: list[str] = []
    post_packages: list[str] = []
    poetry_version: str = ""
    poetry_install_extra_args: list[str] | str = []
    conda_channels: list[str] = []
    torch_backend: str = ""
    system_packages: bool = False


class _Agent(msgspec.Struct, kw_only=True):
    """The section ``agent``."""

    package_manager: _Packages = msgspec.field(default_factory=_Packages)
    python_binary: str = ""
    apply_environment: bool = True
    apply_files: bool = True


class _File(msgspec.Struct, kw_only=True):
    """One entry of the section ``files``."""

    path: str
    contents: Any = ""
    target_format: str = ""
    mode: int | str = ""
    overwrite: bool = True


class _Whole(msgspec.Struct, kw_only=True):
    agent: _Agent = msgspec.field(default_factory=_Agent)
    environment: dict[str, str | int | float | bool] = {}
    files: dict[str, _File] = {}


def read(
    environ: Mapping[str, str] = os.environ, *, manager: str = "", offline: bool = False
) -> Configuration:
    """The agent's configuration; ``manager`` and ``offline`` are what its flags say.

    Raises TaskyardError that names the key when it cannot be used.
    """
    places = [
        _clearml_conf(Path(environ.get("CLEARML_CONFIG_FILE") or "~/clearml.conf").expanduser()),
        _toml(user_file(environ)),
        _variables(environ),
    ]
    told: dict[str, Any] = {}
    for place in places:
        told = _merge(told, place)
    found = interpret(told)
    flags = {"preferred_manager": manager, "offline": offline}
    changed = {name: value for name, value in flags.items() if value}
    return msgspec.structs.replace(
        found, environment=msgspec.structs.replace(found.environment, **changed)
    )


def interpret(told: Mapping[str, Any]) -> Configuration:
    """What the sections ``agent``, ``environment`` and ``files`` mean. Raises TaskyardError."""
    try:
        whole = msgspec.convert(told, _Whole, strict=False)
    except msgspec.ValidationError as error:
        raise TaskyardError(
            f"the agent's configuration cannot be used: {error}",
            hint="Correct the key named after $ in clearml.conf or config.toml.",
        ) from error
    packages = whole.agent.package_manager
    if packages.type and packages.type not in TAKES:
        raise TaskyardError(
            f"the agent's configuration names the package manager {packages.type!r}",
            hint=f"agent.package_manager.type is one of: {', '.join(sorted(TAKES))}.",
        )
    return Configuration(
        environment=Environment(
            preferred_manager=packages.type,
            repository_first=packages.force_repo_requirements_txt,
            priority_packages=packages.priority_packages,
            post_packages=packages.post_packages,
            system_site_packages=packages.system_site_packages,
            python_binary=whole.agent.python_binary,
            torch_backend=packages.torch_backend,
            pip_arguments=_words(packages.extra_pip_install_flags),
            poetry_version=_specifier(packages.poetry_version),
            poetry_arguments=_words(packages.poetry_install_extra_args),
            conda_channels=packages.conda_channels,
            allow_system_packages=packages.system_packages,
        ),
        variables={k: _text(v) for k, v in whole.environment.items()}
        if whole.agent.apply_environment
        else {},
        index_urls=_words(packages.extra_index_url),
        files=[_file(file) for file in whole.files.values()] if whole.agent.apply_files else [],
    )


def _words(value: list[str] | str) -> list[str]:
    return value.split() if isinstance(value, str) else value


def _specifier(version: str) -> str:
    """``2.1`` as ``==2.1``; what is a requirement already stays."""
    return f"=={version}" if version[:1].isdigit() else version


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _file(file: _File) -> OwnFile:
    contents = file.contents
    if not isinstance(contents, str) or file.target_format == "json":
        contents = json.dumps(contents, indent=2) + "\n"
    mode = int(str(file.mode), 8) if file.mode != "" else 0o600
    return OwnFile(path=file.path, contents=contents, mode=mode, overwrite=file.overwrite)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if both else value
    return merged


def _variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """``CLEARML_AGENT__AGENT__PYTHON_BINARY=x`` as ``{"agent": {"python_binary": "x"}}``."""
    told: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith(_VARIABLE):
            continue
        branch: Any = _value(value)
        for name in reversed(variable.removeprefix(_VARIABLE).lower().split("__")):
            branch = {name: branch}
        told = _merge(told, branch)
    if flags := environ.get("CLEARML_EXTRA_PIP_INSTALL_FLAGS"):
        section = {"package_manager": {"extra_pip_install_flags": flags.split()}}
        told = _merge({"agent": section}, told)
    return told


def _value(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, list | dict | bool) else text


def _toml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        told = tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TaskyardError(f"cannot read {file}: {error}") from error
    agent = dict(told.get("agent", {}))
    beside = {name: agent.pop(name) for name in ("environment", "files") if name in agent}
    return {"agent": agent, **beside}


def _clearml_conf(file: Path) -> dict[str, Any]:
    """The sections of a ``clearml.conf``.

    Every such file says ``type: pip``: it is what the program that writes them puts there, for
    lists in pip's form. uv reads the same lists, so this is no wish for pip itself.
    """
    if not file.is_file():
        return {}
    # The parser takes its time to import.
    from pyhocon import ConfigFactory
    from pyhocon.exceptions import ConfigException

    try:
        whole = ConfigFactory.parse_file(str(file)).as_plain_ordered_dict()
    except (ConfigException, OSError, ValueError) as error:
        raise TaskyardError(f"cannot read {file}: {error}") from error
    told = {name: whole[name] for name in ("agent", "environment", "files") if whole.get(name)}
    packages = told.get("agent", {}).get("package_manager", {})
    if packages.get("type") == "pip":
        del packages["type"]
    if not isinstance(packages.get("poetry_version", ""), str):
        del packages["poetry_version"]
    return told
