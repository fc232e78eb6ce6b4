"""The server's settings: defaults, then a TOML file, then environment, then the command line."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from taskyard.api.errors import TaskyardError


class FixedUser(msgspec.Struct, kw_only=True):
    """A user written into the configuration file, with keys or a password of their own."""

    name: str
    username: str
    password: str = ""
    role: str = "user"
    access_key: str = ""
    secret_key: str = ""


class Settings(msgspec.Struct, kw_only=True):
    """All that can be configured. Sizes in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8008
    data: Path = Path("~/.local/share/taskyard")
    database_url: str = ""
    """Empty: SQLite in the data folder. Else ``postgresql://user:password@host/name``."""
    files: str = ""
    """Where uploaded files are: a folder, or ``s3://bucket/prefix``; empty: in the data folder."""
    s3_endpoint: str = ""
    """The address of a store that is not Amazon's own. What is empty here and in the next three
    is found the way all AWS tools find it: ``AWS_*``, profiles, the machine's role."""
    s3_region: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    public_url: str = ""
    """How browsers and agents reach this server; empty: from host and port."""
    token_lifetime: int = 30 * 24 * 3600
    private_metrics: bool = False
    """Whether ``/metrics`` asks for credentials, as the API does."""
    max_request: int = 64 << 20
    max_upload: int = 0
    """The largest file taken; 0 for no limit."""
    worker_retention: int = 90 * 24 * 3600
    """How long statistics of workers and queues are kept, at a resolution that falls with age."""
    task_silence: int = 7200
    """After how long a running task that nobody reports on, and that has no lease, is stopped."""
    users: list[FixedUser] = []

    @property
    def folder(self) -> Path:
        return self.data.expanduser().absolute()

    @property
    def files_folder(self) -> Path:
        """Where uploaded files are, unless they are in S3."""
        return Path(self.files).expanduser() if self.files else self.folder / "files"

    @property
    def control_url(self) -> str:
        return self.database_url or f"sqlite:///{self.folder / 'taskyard.db'}"

    @property
    def telemetry_url(self) -> str:
        return self.database_url or f"sqlite:///{self.folder / 'telemetry.db'}"

    @property
    def url(self) -> str:
        """The address clients should use."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in {"", "0.0.0.0", "::"} else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def load(file: Path | None, overrides: dict[str, Any]) -> Settings:
    """Read the settings. ``overrides`` (the command line) win; None in it means *not given*.

    Raises TaskyardError that names the file and the field when a value is no good.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text())
        except OSError as error:
            raise TaskyardError(
                f"cannot read the configuration file {file}: {error.strerror}"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise TaskyardError(f"{file} is not valid TOML: {error}") from error
        values = values.get("server", values)
    for name in Settings.__struct_fields__:
        if (text := os.environ.get(f"TASKYARD_SERVER_{name.upper()}")) is not None:
            values[name] = text
    values.update({k: v for k, v in overrides.items() if v is not None})
    unknown = sorted(set(values) - set(Settings.__struct_fields__))
    if unknown:
        raise TaskyardError(
            f"unknown setting {unknown[0]!r}" + (f" in {file}" if file else ""),
            hint="Known settings: " + ", ".join(Settings.__struct_fields__),
        )
    if isinstance(values.get("data"), str):
        values["data"] = Path(values["data"])
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise TaskyardError(f"bad setting: {error}") from error
