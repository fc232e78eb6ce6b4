"""``taskyard agent execute``: one task on this machine, without a queue and a daemon."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from taskyard.cli import machine
from taskyard.cli.exits import OUR_FAULT
from taskyard.cli.output import note


def execute_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(own_failure=OUR_FAULT)
    parser.add_argument("--id", required=True, metavar="T", help="the task to run")
    parser.add_argument("--clone", action="store_true", help="run a copy, and leave it as it is")
    parser.add_argument(
        "--require-queue", action="store_true", help="run it only if it waits in a queue"
    )
    parser.add_argument(
        "--log-file", type=Path, metavar="FILE", help="write what it prints to this file, too"
    )
    monitoring = parser.add_mutually_exclusive_group()
    monitoring.add_argument(
        "--full-monitoring", action="store_true", help="report this machine's load as well"
    )
    monitoring.add_argument(
        "--disable-monitoring", action="store_true", help="do not report it (default)"
    )
    machine.machine_arguments(parser)
    machine.no_containers_argument(parser)


def execute_command(args: argparse.Namespace) -> int:
    from taskyard.agent import devices, slot
    from taskyard.agent.data import data_folder
    from taskyard.agent.single import Options, Single
    from taskyard.cli.follow import ended
    from taskyard.cli.target import connect, resolve_task
    from taskyard.client.config import find

    machine.refuse_containers(args)
    machine.obey(args)
    logging.basicConfig(level="WARNING", format="%(levelname)s %(message)s", stream=sys.stderr)
    session = connect(args)
    task = resolve_task(session, args.id)
    if args.clone:
        task = session.make_task("tasks.clone", {"task": task})
        note(f"clone {task}")
    cards = machine.chosen_gpus(args)
    os.environ.update(devices.visible(None if cards is None else [gpu.uuid for gpu in cards]))
    options = Options(
        cache=data_folder(),
        configuration=machine.configuration(args),
        git=machine.git_credentials(args),
        report_load=args.full_monitoring,
    )
    profile = find(url=args.server)
    claimed = slot.claim(
        options.cache,
        server=profile.url,
        name=os.environ.get("CLEARML_WORKER_NAME", ""),
        suffix=f"execute:{task[:8]}",
    )
    run = Single(claimed, profile, options)
    with contextlib.ExitStack() as stack:
        stack.callback(run.close)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: run.stop())
        streams: list[BinaryIO] = [sys.stdout.buffer]
        if args.log_file:
            streams.append(stack.enter_context(args.log_file.open("ab")))
        run.begin(task, from_queue=args.require_queue)
        run.watch(lambda data: _write(streams, data))
    return ended(session, task)


def _write(streams: list[BinaryIO], data: bytes) -> None:
    for stream in streams:
        stream.write(data)
        stream.flush()
