"""``taskyard agent``: the daemon, in the foreground and in the background."""

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
from taskyard.cli import agent_flags, build, execute, service
from taskyard.cli.machine import obey
from taskyard.cli.output import add_output

if TYPE_CHECKING:
    from taskyard.agent import daemon


def agent_arguments(parser: argparse.ArgumentParser) -> None:
    kind: type[argparse.ArgumentParser] = type("Parser", (service.KeepsWords, type(parser)), {})
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=kind)
    daemon = verbs.add_parser("daemon", help="take tasks from queues and run them")
    agent_flags.add_flags(daemon)
    execute.execute_arguments(verbs.add_parser("execute", help="run one task, here and now"))
    build.build_arguments(verbs.add_parser("build", help="a task's code and environment, to enter"))
    install = verbs.add_parser("install", help="have systemd run an agent with these flags")
    agent_flags.add_flags(install)
    install.add_argument("--print", action="store_true", help="show the unit and do nothing")
    listed = verbs.add_parser("ls", aliases=["list"], help="the workers the server knows")
    listed.set_defaults(verb="ls")
    add_output(listed)


def agent_command(args: argparse.Namespace) -> int:
    if args.verb == "ls":
        from taskyard.cli.workers import list_workers

        return list_workers(args)
    if args.verb == "execute":
        return execute.execute_command(args)
    if args.verb == "build":
        return build.build_command(args)
    agent_flags.check(args)
    obey(args)
    if args.verb == "install":
        return service.install(args)
    if args.status:
        return _status()
    if args.stop is not None:
        return _stop(args.stop)
    return _daemon(args)


def _daemon(args: argparse.Namespace) -> int:
    from taskyard.agent import daemon, slot
    from taskyard.agent.data import data_folder
    from taskyard.agent.devices import Claim
    from taskyard.client.config import find

    profile = find(url=args.server)
    data = data_folder()
    options = agent_flags.options(args, data)
    claimed = slot.claim(
        data,
        server=profile.url,
        name=os.environ.get("CLEARML_WORKER_NAME", ""),
        worker=os.environ.get("CLEARML_WORKER_ID", ""),
        suffix=agent_flags.suffix(args),
    )
    cards = Claim(options.cards or [])
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
    cards.release()
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


def _detach(log: Path) -> None:
    """Go on as a daemon; the caller's process ends here and says where to look."""
    if child := os.fork():
        print(f"agent runs in the background as process {child}; its log: {log}", flush=True)
        os._exit(0)
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)


def _status() -> int:
    from taskyard.agent import slot
    from taskyard.agent.data import data_folder

    for worker, pid in slot.running(data_folder()):
        print(f"{worker}  process {pid}")
    return 0


def _stop(wanted: list[str]) -> int:
    from taskyard.agent import slot
    from taskyard.agent.data import data_folder

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
