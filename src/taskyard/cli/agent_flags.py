"""The flags of ``taskyard agent daemon``. Those that ``clearml-agent`` has mean the same here."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from taskyard.api.errors import TaskyardError
from taskyard.cli.failure import WrongUsage
from taskyard.cli.machine import chosen_gpus, configuration, git_credentials, machine_arguments
from taskyard.cli.sizes import size

if TYPE_CHECKING:
    from taskyard.agent.capacity import Need
    from taskyard.agent.containers.choice import Defaults
    from taskyard.agent.machine.gpus import Gpu
    from taskyard.agent.options import Options


def add_flags(parser: argparse.ArgumentParser) -> None:
    """All flags of the daemon."""
    _queues(parser)
    _process(parser)
    machine_arguments(parser)
    _hours(parser)
    _containers(parser)
    parser.add_argument(
        "--child-report-tags",
        nargs="*",
        default=[],
        metavar="TAG",
        help="tags for the tasks it runs",
    )
    parser.add_argument(
        "--polling-interval",
        type=float,
        default=None,
        metavar="SECONDS",
        help="accepted and not needed: this agent waits on the server",
    )
    parser.add_argument("--use-owner-token", action="store_true", help=argparse.SUPPRESS)


def _queues(parser: argparse.ArgumentParser) -> None:
    """Which queues it serves, and how many tasks at once."""
    parser.add_argument(
        "--queue",
        nargs="+",
        default=["default"],
        metavar="Q",
        help="queues to serve, in order of priority; with --dynamic-gpus, queue=2, queue=1-4 or "
        "queue=0.5 for the GPUs that each task gets",
    )
    parser.add_argument("--create-queue", action="store_true", help="make queues that are missing")
    parser.add_argument(
        "--order-fairness", action="store_true", help="take from the queues in turn"
    )
    parser.add_argument(
        "--dynamic-gpus",
        action="store_true",
        help="run tasks side by side, each on GPUs of its own",
    )
    parser.add_argument(
        "--services-mode",
        nargs="?",
        const=0,
        type=int,
        default=None,
        metavar="N",
        help="run many tasks at once, N at the most",
    )


def _process(parser: argparse.ArgumentParser) -> None:
    """The agent itself, and those that run here already."""
    parser.add_argument(
        "--foreground", action="store_true", help="stay in the foreground (default)"
    )
    parser.add_argument("--detached", "-d", action="store_true", help="run in the background")
    parser.add_argument(
        "--stop",
        nargs="*",
        default=None,
        metavar="WORKER",
        help="stop the agents with these ids, or all of this user's here",
    )
    parser.add_argument("--status", action="store_true", help="list the agents of this user here")


def _hours(parser: argparse.ArgumentParser) -> None:
    """When it takes tasks."""
    for name, text in (
        ("--uptime", 'take tasks in these hours only: "8-20 MON-FRI"'),
        ("--downtime", 'take no tasks in these hours: "22-6"'),
    ):
        parser.add_argument(name, nargs="+", default=[], metavar="SPAN", help=text)
    parser.add_argument(
        "--min-free-disk",
        type=size,
        default=None,
        metavar="SIZE",
        help="take no tasks while less than this is free where runs lie (1G)",
    )


def _containers(parser: argparse.ArgumentParser) -> None:
    for name in ("--docker", "--podman"):
        parser.add_argument(
            name,
            nargs="*",
            default=None,
            metavar=("IMAGE", "ARGUMENTS"),
            help=f"run tasks in containers of {name[2:].capitalize()}: the image for tasks that "
            "name none, and arguments for all in quotes: '-v /data:/data'",
        )
    parser.add_argument(
        "--docker-allow",
        nargs="+",
        default=[],
        metavar="WHAT",
        help="container arguments that tasks may have: privileged, network=host, volume=/data",
    )
    parser.add_argument(
        "--pull",
        choices=["missing", "always", "never"],
        default="missing",
        help="when to pull images (missing)",
    )


def check(args: argparse.Namespace) -> None:
    """Raise TaskyardError for flags that cannot be honoured, or not together."""
    if args.use_owner_token:
        # Refused rather than ignored: whoever asks for it counts on it.
        raise TaskyardError(
            "this agent has no owner tokens (--use-owner-token)",
            hint="Leave the flag out, or run clearml-agent against this server.",
        )
    if args.dynamic_gpus and args.services_mode is not None:
        raise WrongUsage("--dynamic-gpus and --services-mode exclude each other")
    if args.dynamic_gpus and (args.cpu_only or args.gpus == "none"):
        raise WrongUsage("--dynamic-gpus without GPUs", hint="Name them with --gpus 0-7.")


def suffix(args: argparse.Namespace) -> str:
    """What comes after the host's name in the worker's id; empty for a number."""
    if args.services_mode is not None:
        return "services"
    if args.dynamic_gpus:
        return f"dgpu{args.gpus or 'all'}"
    if args.gpus and args.gpus not in {"all", "none"} and not args.cpu_only:
        from taskyard.agent.devices import numbers

        return f"gpu{','.join(numbers(args.gpus))}"
    return ""


def options(args: argparse.Namespace, data: Path) -> Options:
    """The agent's options. Raises TaskyardError for GPUs or hours that do not exist."""
    from taskyard.agent.fitness import LEAST_FREE
    from taskyard.agent.options import Options
    from taskyard.agent.schedule import schedule

    cards = chosen_gpus(args, unless_named="all" if args.dynamic_gpus else "")
    needs = _needs(args.queue, cards or []) if args.dynamic_gpus else {}
    services = args.services_mode is not None
    return Options(
        queues=list(needs) or args.queue,
        create_queues=args.create_queue,
        fair=args.order_fairness,
        at_once=0 if args.dynamic_gpus else (args.services_mode or 0) if services else 1,
        services=services,
        cards=cards,
        needs=needs,
        schedule=schedule(args.uptime, args.downtime),
        least_free=LEAST_FREE if args.min_free_disk is None else args.min_free_disk,
        cache=data,
        configuration=configuration(args),
        container=_container(args),
        tags=args.child_report_tags,
        git=git_credentials(args),
    )


def _container(args: argparse.Namespace) -> Defaults | None:
    """What tasks get when they run in containers. Raises EngineAway without an engine."""
    words = args.docker if args.docker is not None else args.podman
    if words is None:
        return None
    from taskyard.agent.containers.choice import Defaults
    from taskyard.agent.containers.engine import Engine
    from taskyard.agent.executors.docker import DockerExecutor

    engine = "docker" if args.docker is not None else "podman"
    DockerExecutor(Engine(engine)).check()
    return Defaults(
        engine=engine,
        image=words[0] if words else "",
        arguments=[part for word in words[1:] for part in shlex.split(word)],
        allowed=args.docker_allow,
        pull=args.pull,
    )


def _needs(words: list[str], cards: list[Gpu]) -> dict[str, Need]:
    from taskyard.agent import capacity

    needs = dict(capacity.parse(word) for word in words)
    for queue, need in needs.items():
        if need.least > len(cards):
            raise TaskyardError(
                f"each task of {queue} is to get {need.least} GPUs, and the agent has {len(cards)}",
                hint="Give it more with --gpus, or ask for fewer.",
            )
    return needs
