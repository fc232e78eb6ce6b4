"""What commands have in common that run tasks on this machine: flags, and what they stand for."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from taskyard.api.errors import TaskyardError
from taskyard.cli.output import add_server
from taskyard.client import config

if TYPE_CHECKING:
    from taskyard.agent.configuration import Configuration
    from taskyard.agent.machine.gpus import Gpu


def machine_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gpus", default="", help="GPUs for the tasks: 0,1 or 0-3 or all or none")
    parser.add_argument("--cpu-only", action="store_true", help="tasks see no GPU")
    parser.add_argument(
        "--git-user",
        default=os.environ.get("CLEARML_AGENT_GIT_USER", ""),
        help="for repositories over https",
    )
    parser.add_argument("--git-pass", default="", help="better: CLEARML_AGENT_GIT_PASS")
    parser.add_argument(
        "--git-host",
        default=os.environ.get("CLEARML_AGENT_GIT_HOST", ""),
        help="send them to this host only",
    )
    parser.add_argument(
        "--config-file",
        type=Path,
        metavar="FILE",
        help="a client configuration to use: config.toml or clearml.conf",
    )
    parser.add_argument(
        "--log-level",
        default="INFO",
        choices=["DEBUG", "INFO", "WARN", "WARNING", "ERROR"],
        help="what it says of itself (INFO)",
    )
    parser.add_argument(
        "--standalone-mode",
        action="store_true",
        help="make environments from what this machine has already, without the network",
    )
    add_server(parser)
    parser.add_argument("--data", default="", help="folder of runs, mirrors and environments")
    parser.add_argument(
        "--package-manager",
        default="",
        choices=["uv", "pip", "poetry", "conda", "image"],
        help="what makes environments, where the task names nothing: by default what the project "
        "is made for, else uv; image uses the interpreter as it is",
    )


def configuration(args: argparse.Namespace) -> Configuration:
    """How environments are made here: the flags before the configuration. Raises TaskyardError."""
    from taskyard.agent import configuration as module

    return module.read(manager=args.package_manager, offline=args.standalone_mode)


def no_containers_argument(parser: argparse.ArgumentParser) -> None:
    """Know the flag, to say where it works."""
    parser.add_argument("--docker", nargs="*", default=None, help=argparse.SUPPRESS)


def refuse_containers(args: argparse.Namespace) -> None:
    """Raise TaskyardError when a container is asked for."""
    if args.docker is not None:
        raise TaskyardError(
            "this command makes no containers (--docker)",
            hint="An agent does: taskyard agent daemon --docker IMAGE",
        )


def obey(args: argparse.Namespace) -> None:
    """Have the flags about places count for all that this process does. Raises TaskyardError."""
    if args.config_file:
        _use_config(args.config_file)
    if args.data:
        os.environ["TASKYARD_AGENT_DATA"] = args.data


def _use_config(file: Path) -> None:
    """Have this file, and no other, say where the server is."""
    if not file.is_file():
        raise TaskyardError(f"there is no configuration file {file}")
    if file.suffix == ".conf":
        os.environ["CLEARML_CONFIG_FILE"] = str(file)
        os.environ["TASKYARD_CONFIG"] = os.devnull
    else:
        os.environ["TASKYARD_CONFIG"] = str(file)


def chosen_gpus(args: argparse.Namespace, *, unless_named: str = "") -> list[Gpu] | None:
    """The GPUs for tasks; None when nothing was said. Raises TaskyardError for unknown ones."""
    from taskyard.agent import devices
    from taskyard.agent.machine import gpus

    if args.cpu_only or args.gpus == "none":
        return []
    words = args.gpus or unless_named
    return devices.choose(words, gpus.list_gpus()) if words else None


def git_credentials(args: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """User and password by host: the configuration's, and the flags' before them."""
    found = config.git_hosts()
    password = args.git_pass or os.environ.get("CLEARML_AGENT_GIT_PASS", "")
    if not (args.git_user and password):
        return found
    return {**found, args.git_host or "*": (args.git_user, password)}
