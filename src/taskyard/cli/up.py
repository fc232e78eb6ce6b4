"""``taskyard up``: the whole of a small installation with one command."""

from __future__ import annotations

import argparse
import gc
import logging
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskyard.api.errors import TaskyardError
from taskyard.client import config

if TYPE_CHECKING:
    from taskyard.cli.companion import Companion
    from taskyard.server.core import Server
    from taskyard.server.settings import Settings

CLIENT = "client.toml"
"""In the data folder: the configuration with the first key pair."""


def up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1; 0.0.0.0 for all)")
    parser.add_argument("--port", type=int, help="port of API, files and page (8008)")
    parser.add_argument("--data", help="folder of the database and the files")
    parser.add_argument("--database-url", help="postgresql://... instead of SQLite")
    parser.add_argument("--files", help="folder or s3://bucket/prefix of uploaded files")
    parser.add_argument("--public-url", help="how others reach this server")
    parser.add_argument("--config", type=Path, help="a TOML file with these settings")
    parser.add_argument("--no-agent", action="store_true", help="no services agent beside it")


def up_command(args: argparse.Namespace) -> int:
    # Importing makes nothing but what stays: the collector would look at it again and again.
    gc.disable()
    from taskyard.server.serve import serve
    from taskyard.server.settings import load

    given = ("host", "port", "data", "database_url", "files", "public_url")
    settings = load(args.config, {name: getattr(args, name) for name in given})
    logging.basicConfig(
        level="WARNING", format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr
    )
    companion: list[Companion] = []

    def ready(server: Server) -> None:
        kept = settings.folder / CLIENT
        greeting = _keep_first_keys(server, kept)
        if not args.no_agent and kept.is_file():
            from taskyard.cli.companion import Companion

            companion.append(Companion(settings.folder, kept))
            companion[0].start()
        print(_banner(settings, greeting, with_agent=bool(companion)), flush=True)

    def leaving() -> None:
        print("stopping", file=sys.stderr, flush=True)
        for agent in companion:
            agent.leave()

    serve(settings, ready, leaving)
    return 0


def _keep_first_keys(server: Server, kept: Path) -> list[str]:
    """Write the key pair of the very first start where clients look; says what was done."""
    keys = server.first_keys
    url = server.settings.url
    if keys is None:
        return _follow_address(url, kept)
    profile = config.Profile(url=url, access_key=keys.access_key, secret_key=keys.secret_key)
    config.write(profile, kept)
    user_file = config.user_file()
    if user_file.is_file() and "[client]" in user_file.read_text():
        return [
            f"client      {kept}   ({user_file} has another server and was left alone:",
            f"            export TASKYARD_CONFIG={kept} to use this one)",
        ]
    config.write(profile, user_file)
    return [f"client      {user_file}   (written: commands here use this server)"]


def _follow_address(url: str, kept: Path) -> list[str]:
    """Have the configurations with the first keys name the address of now; says which did."""
    said = []
    known = _profile_in(kept)
    for file in (kept, config.user_file()):
        profile = _profile_in(file)
        same = profile and known and profile.access_key == known.access_key
        if profile and same and profile.url != url:
            config.write(replace(profile, url=url), file)
            said.append(f"client      {file}   (written: the server's address is new)")
    return said


def _profile_in(file: Path) -> config.Profile | None:
    if not file.is_file():
        return None
    try:
        return config.find(environ={"TASKYARD_CONFIG": str(file)})
    except TaskyardError:
        return None


def _banner(settings: Settings, greeting: list[str], *, with_agent: bool) -> str:
    url = settings.url
    lines = [
        f"Taskyard is up   {url}",
        f"data        {settings.folder}",
        *greeting,
        "worker      taskyard agent daemon --queue default",
        *_elsewhere(settings),
        'clearml     eval "$(taskyard env)"   points the clearml packages here',
    ]
    if with_agent:
        lines.append("services    an agent for the queue services runs beside the server")
    lines.append("Ctrl-C stops it.")
    return "\n".join(lines)


def _elsewhere(settings: Settings) -> list[str]:
    """How other machines come to this server, which may listen on this one alone."""
    if settings.public_url:
        url = settings.url
    elif settings.host in {"localhost", "::1"} or settings.host.startswith("127."):
        return ["            on other machines, once this was started with --host 0.0.0.0"]
    elif settings.host in {"", "0.0.0.0", "::"}:
        url = f"http://{socket.gethostname()}:{settings.port}"
    else:
        url = settings.url
    return [
        f"            on another machine first: taskyard init {url}",
        f"            with the keys in {settings.folder / CLIENT}",
    ]
