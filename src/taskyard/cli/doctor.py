"""``taskyard doctor``: looks at all that a task needs, and says what is wrong and what to do."""

from __future__ import annotations

import argparse
import email.utils
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from taskyard.agent import checkup
from taskyard.agent.checkup import Finding
from taskyard.agent.data import data_folder
from taskyard.api.errors import TaskyardError
from taskyard.cli.exits import FAILED, OK
from taskyard.cli.failure import WrongUsage
from taskyard.cli.machine import git_credentials
from taskyard.cli.output import add_output, show_rows
from taskyard.cli.target import connect

MOST_APART = 30.0
"""Seconds by which two clocks may differ before people wonder about times."""

Check = Callable[[argparse.Namespace], Iterator[Finding]]


def doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "checks",
        nargs="*",
        metavar="CHECK",
        help=f"what to look at: {', '.join(CHECKS)}; all when not said",
    )
    parser.add_argument(
        "--git",
        action="append",
        default=[],
        metavar="URL",
        help="a repository that must be readable",
    )
    for name in ("user", "host"):
        known = os.environ.get(f"CLEARML_AGENT_GIT_{name.upper()}", "")
        parser.add_argument(f"--git-{name}", default=known, help="as for agents")
    parser.set_defaults(git_pass="")
    add_output(parser)


def doctor_command(args: argparse.Namespace) -> int:
    for name in args.checks:
        if name not in CHECKS:
            raise WrongUsage(f"there is no check {name!r}", hint=f"There are {', '.join(CHECKS)}.")
    chosen = [CHECKS[name] for name in args.checks] or list(CHECKS.values())
    with ThreadPoolExecutor(len(chosen)) as pool:
        found = [one for each in pool.map(lambda check: list(check(args)), chosen) for one in each]
    if args.output in {"table", "wide"} and not (args.quiet or args.json or args.format):
        for one in found:
            print(f"{_MARK[one.state]}  {one.check:<9} {one.text}")
            if one.hint:
                print(f"{'':<16}try: {one.hint}" if one.state == "wrong" else f"{'':<16}{one.hint}")
    else:
        show_rows([{"id": one.check, **one._asdict()} for one in found], _COLUMNS, args)
    return FAILED if any(one.state == "wrong" for one in found) else OK


_MARK = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}
_COLUMNS = ["check", "state", "text", "hint"]


def _server(args: argparse.Namespace) -> Iterator[Finding]:
    try:
        session = connect(args)
        began = time.monotonic()
        info = session.raw("server.info")
        took = 1000 * (time.monotonic() - began)
        version = info.get("product_version") or info.get("version")
        yield Finding("server", "ok", f"{session.url} answers in {took:.0f} ms, version {version}")
        user = session.raw("users.get_current_user")["user"]
        yield Finding("server", "ok", f"the key pair is {user['name']}'s")
    except TaskyardError as error:
        yield Finding("server", "wrong", str(error), error.hint)


def _clock(args: argparse.Namespace) -> Iterator[Finding]:
    try:
        url = connect(args).url
        asked = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(asked, timeout=checkup.PATIENCE) as answer:
                date = answer.headers.get("Date")
        except urllib.error.HTTPError as refused:
            date = refused.headers.get("Date")
    except (OSError, ValueError, TaskyardError):
        return  # the check of the server says why
    if not date:
        return
    apart = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
    if abs(apart) > MOST_APART:
        text = f"this machine's clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'}"
        yield Finding(
            "clock", "wrong", f"{text} the server's", "Set both by NTP: timedatectl set-ntp true"
        )
    else:
        yield Finding("clock", "ok", "this machine's clock agrees with the server's")


def _git(args: argparse.Namespace) -> Iterator[Finding]:
    return checkup.git(data_folder(), args.git, git_credentials(args))


CHECKS: dict[str, Check] = {
    "server": _server,
    "clock": _clock,
    "disk": lambda _: checkup.disk(data_folder()),
    "git": _git,
    "packages": lambda _: checkup.packages(),
    "docker": lambda _: checkup.containers(),
    "gpus": lambda _: checkup.graphics(),
    "agents": lambda _: checkup.agents(data_folder()),
}
