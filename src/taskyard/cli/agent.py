"""``taskyard agent``: the daemon. Flags that ``clearml-agent`` has mean the same here."""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from taskyard.api.errors import TaskyardError
from taskyard.cli import build, execute

if TYPE_CHECKING:
    from taskyard.agent import daemon

NOT_YET = {
    "docker": "containers",
    "podman": "containers",
    "dynamic_gpus": "dynamic GPU allocation",
    "uptime": "schedules",
    "downtime": "schedules",
    "use_owner_token": "owner tokens",
}
"""Known flags of a clearml-agent that this agent refuses, rather than ignore what is asked."""


def agent_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    daemon = verbs.add_parser("daemon", help="take tasks from queues and run them")
    daemon.add_argument(
        "--queue",
        nargs="+",
        default=["default"],
        metavar="Q",
        help="queues to serve, in order of priority",
    )
    daemon.add_argument("--create-queue", action="store_true", help="make queues that are missing")
    daemon.add_argument(
        "--order-fairness", action="store_true", help="take from the queues in turn"
    )
    daemon.add_argument("--gpus", default="", help="GPUs the tasks may see: 0,1 or all or none")
    daemon.add_argument("--cpu-only", action="store_true", help="tasks see no GPU")
    daemon.add_argument(
        "--services-mode",
        nargs="?",
        const=0,
        type=int,
        default=None,
        metavar="N",
        help="run many tasks at once, N at the most",
    )
    daemon.add_argument(
        "--foreground", action="store_true", help="stay in the foreground (default)"
    )
    daemon.add_argument("--detached", "-d", action="store_true", help="run in the background")
    daemon.add_argument(
        "--stop",
        nargs="*",
        default=None,
        metavar="WORKER",
        help="stop the agents with these ids, or all of this user's here",
    )
    daemon.add_argument("--status", action="store_true", help="list the agents of this user here")
    daemon.add_argument(
        "--child-report-tags",
        nargs="*",
        default=[],
        metavar="TAG",
        help="tags for the tasks it runs",
    )
    daemon.add_argument(
        "--polling-interval",
        type=float,
        default=None,
        metavar="SECONDS",
        help="accepted and not needed: this agent waits on the server",
    )
    daemon.add_argument(
        "--git-user",
        default=os.environ.get("CLEARML_AGENT_GIT_USER", ""),
        help="for repositories over https",
    )
    daemon.add_argument("--git-pass", default="", help="better: CLEARML_AGENT_GIT_PASS")
    daemon.add_argument(
        "--git-host",
        default=os.environ.get("CLEARML_AGENT_GIT_HOST", ""),
        help="send them to this host only",
    )
    daemon.add_argument(
        "--config-file",
        type=Path,
        metavar="FILE",
        help="a client configuration to use: config.toml or clearml.conf",
    )
    daemon.add_argument(
        "--log-level",
        default="INFO",
        choices=["DEBUG", "INFO", "WARN", "WARNING", "ERROR"],
        help="what it says of itself (INFO)",
    )
    daemon.add_argument(
        "--standalone-mode",
        action="store_true",
        help="make environments from what this machine has already, without the network",
    )
    daemon.add_argument("--server", default="", help="the server's address")
    daemon.add_argument("--data", default="", help="folder of runs, mirrors and environments")
    daemon.add_argument(
        "--package-manager",
        default="uv",
        choices=["uv", "image"],
        help="what makes environments: uv, or image to use the interpreter as it is",
    )
    for name in ("--docker", "--podman", "--uptime", "--downtime"):
        daemon.add_argument(name, nargs="*", default=None, help=argparse.SUPPRESS)
    for name in ("--dynamic-gpus", "--use-owner-token"):
        daemon.add_argument(name, action="store_true", default=None, help=argparse.SUPPRESS)
    execute.execute_arguments(verbs.add_parser("execute", help="run one task, here and now"))
    build.build_arguments(verbs.add_parser("build", help="a task's code and environment, to enter"))
    listed = verbs.add_parser("list", help="the workers the server knows")
    listed.add_argument("--server", default="", help="the server's address")
    listed.add_argument(
        "-o", "--output", default="table", choices=["table", "json"], help="form of the output"
    )


def agent_command(args: argparse.Namespace) -> int:
    if args.verb == "list":
        from taskyard.cli.workers import list_workers

        return list_workers(args)
    if args.verb == "execute":
        return execute.execute_command(args)
    if args.verb == "build":
        return build.build_command(args)
    for name, what in NOT_YET.items():
        if getattr(args, name) is not None:
            raise TaskyardError(
                f"this agent has no {what} yet (--{name.replace('_', '-')})",
                hint="Leave the flag out, or run clearml-agent against this server.",
            )
    if args.config_file:
        _use_config(args.config_file)
    if args.data:
        os.environ["TASKYARD_AGENT_DATA"] = args.data
    if args.status:
        return _status()
    if args.stop is not None:
        return _stop(args.stop)
    return _daemon(args)


def _daemon(args: argparse.Namespace) -> int:
    from taskyard.agent import daemon, slot
    from taskyard.agent.place import data_folder
    from taskyard.client.config import find

    profile = find(url=args.server)
    data = data_folder()
    services = args.services_mode is not None
    claimed = slot.claim(
        data,
        name=os.environ.get("CLEARML_WORKER_NAME", ""),
        worker=os.environ.get("CLEARML_WORKER_ID", ""),
        suffix=_suffix(args),
    )
    os.environ.update(visible_gpus(args.gpus, cpu_only=args.cpu_only))
    options = daemon.Options(
        queues=args.queue,
        create_queues=args.create_queue,
        fair=args.order_fairness,
        at_once=(args.services_mode or 0) if services else 1,
        cache=data,
        manager=args.package_manager,
        offline=args.standalone_mode,
        tags=args.child_report_tags,
        git=_git_credentials(args),
    )
    agent = daemon.Agent(claimed, profile, options)
    # What is wrong with the server or the queues is said here, not in a log.
    agent.introduce()
    if args.detached:
        _detach(claimed.folder / "agent.log")
        claimed.sign()
    logging.basicConfig(
        level=args.log_level,
        format="%(asctime)s %(levelname).1s %(message)s",
        stream=sys.stderr,
    )
    _stop_on_signals(agent)
    agent.work()
    return 0


def _stop_on_signals(agent: daemon.Agent) -> None:
    """SIGTERM and Ctrl-C stop the agent.

    The handler only leaves a note, which a thread of its own reads: it may interrupt code that
    holds the very locks that stopping needs.
    """
    told: queue.SimpleQueue[int] = queue.SimpleQueue()

    def obey() -> None:
        while True:
            told.get()
            agent.stop()

    threading.Thread(target=obey, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: told.put(number))


def _use_config(file: Path) -> None:
    """Have this file, and no other, say where the server is."""
    if not file.is_file():
        raise TaskyardError(f"there is no configuration file {file}")
    if file.suffix == ".conf":
        os.environ["CLEARML_CONFIG_FILE"] = str(file)
        os.environ["TASKYARD_CONFIG"] = os.devnull
    else:
        os.environ["TASKYARD_CONFIG"] = str(file)


def _suffix(args: argparse.Namespace) -> str:
    if args.services_mode is not None:
        return "services"
    if args.gpus and args.gpus not in {"all", "none"}:
        return f"gpu{gpu_list(args.gpus)}"
    return ""


def gpu_list(words: str) -> str:
    """``0,2-3`` as ``0,2,3``; names of devices stay as they are."""
    found = []
    for word in words.split(","):
        first, dash, last = word.partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            found += [str(number) for number in range(int(first), int(last) + 1)]
        else:
            found.append(word)
    return ",".join(found)


def visible_gpus(words: str, *, cpu_only: bool = False) -> dict[str, str]:
    """The variables by which tasks see these GPUs only; none when nothing was asked for."""
    if cpu_only or words == "none":
        return {"NVIDIA_VISIBLE_DEVICES": "none", "CUDA_VISIBLE_DEVICES": ""}
    if words == "all":
        return {"NVIDIA_VISIBLE_DEVICES": "all"}
    if not words:
        return {}
    return {"NVIDIA_VISIBLE_DEVICES": gpu_list(words), "CUDA_VISIBLE_DEVICES": gpu_list(words)}


def _git_credentials(args: argparse.Namespace) -> dict[str, tuple[str, str]]:
    password = args.git_pass or os.environ.get("CLEARML_AGENT_GIT_PASS", "")
    if not (args.git_user and password):
        return {}
    return {args.git_host or "*": (args.git_user, password)}


def _detach(log: Path) -> None:
    """Go on as a daemon; the caller's process ends here and says where to look."""
    if child := os.fork():
        print(f"agent runs in the background as process {child}; its log: {log}")
        os._exit(0)
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)


def _status() -> int:
    from taskyard.agent import slot
    from taskyard.agent.place import data_folder

    for worker, pid in slot.running(data_folder()):
        print(f"{worker}  process {pid}")
    return 0


def _stop(wanted: list[str]) -> int:
    from taskyard.agent import slot
    from taskyard.agent.place import data_folder

    here = dict(slot.running(data_folder()))
    unknown = [w for w in wanted if w not in here]
    if unknown:
        raise TaskyardError(
            f"no agent with the worker id {unknown[0]} runs here",
            hint="taskyard agent daemon --status lists them.",
        )
    for worker in wanted or here:
        os.kill(here[worker], signal.SIGTERM)
        print(f"{worker}: asked to stop")
    return 0
