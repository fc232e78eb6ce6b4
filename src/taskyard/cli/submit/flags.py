"""The flags of ``run`` and ``submit``, in two forms.

``taskyard run [flags] script.py [its own]`` is for hands. A line that names the code by
``--script``, ``--repo`` or ``--base-task-id`` is in the form of ``clearml-task``, whose flags are
all here under their names: it has no words of its own, so its lists may be as long as they are.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from taskyard.cli.dry_run import add_dry_run
from taskyard.cli.output import add_answer
from taskyard.cli.sizes import size

_NAMES_THE_CODE = ("--script", "--repo", "--base-task-id")
_LISTS = ("--packages", "--tags", "--args")
_ELSEWHERE = ("--import-offline-session", "--pipeline", "--pipeline-version")

OURS = frozenset({"--queue", "--packages", "--docker", "--project", "--draft", "--requirements"})
"""Flags that one easily writes after the script, where they are the script's."""


def submit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} [--queue Q] [options] script.py [its own arguments]"
    for add in (_what, _code, _environment, _container, _life):
        add(parser)
    add_dry_run(parser)
    add_answer(parser)
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="script.py ...",
        help="a Python or shell script, or a notebook, and its own arguments",
    )


def spread(words: Sequence[str]) -> list[str]:
    """The words of a line with each item of a list under a flag of its own.

    Only in the form of ``clearml-task``: elsewhere a second word is the script. A parser that
    takes several words for a flag would take the script, too.
    """
    names = [word.partition("=")[0].replace("_", "-") for word in words]
    if not set(names) & set(_NAMES_THE_CODE):
        return list(words)
    line: list[str] = []
    module: list[str] = []
    flag = ""
    for word, name in zip(words, names, strict=True):
        if word.startswith("-"):
            flag = name if name in (*_LISTS, "--module") and "=" not in word else ""
            line += [] if flag else [word]
        elif flag == "--module":
            module = ["--module", *shlex.split(word)]
        else:
            line.append(f"{flag}={word}" if flag else word)
    return [*line, *module]


def _what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queue", default="default", help="the queue to put it on (default)")
    parser.add_argument("--name", help="the task's name; else the script's")
    parser.add_argument("--project", default="", help="the task's project; else the folder's name")
    parser.add_argument("--task-type", metavar="TYPE", help="such as testing; else training")
    parser.add_argument(
        "--tags", action="append", default=[], metavar="TAG", help="a tag; may be given again"
    )
    parser.add_argument(
        "--output-uri", "--output_uri", metavar="URI", help="where the clearml SDK uploads models"
    )
    parser.add_argument("--priority", type=int, default=0, help="higher goes first in its queue")
    parser.add_argument("--draft", action="store_true", help="do not enqueue it")


def _code(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--module",
        nargs=argparse.REMAINDER,
        metavar="MODULE ...",
        help="run a module, with what follows as its arguments: as python -m does",
    )
    parser.add_argument("--script", help="the script, where the line is not to end with it")
    parser.add_argument(
        "--args",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of --script; may be given again",
    )
    parser.add_argument(
        "--folder", type=Path, default=None, help="the code's folder; else this one"
    )
    parser.add_argument("--cwd", help="where to run it, from the repository's root or the folder")
    parser.add_argument("--repo", metavar="URL", help="code of this repository, not of a folder")
    parser.add_argument("--branch", help="of --repo; a tag will do")
    parser.add_argument("--commit", help="of --repo; else the branch's last")
    parser.add_argument(
        "--base-task-id", metavar="TASK", help="a copy of this task, with what else is given here"
    )
    parser.add_argument("--binary", default="", help="what runs the script; else by its name")
    for flag in ("--skip-task-init", "--skip-repo-detection"):
        # Nothing is ever added to a script here, and a folder without a repository is sent whole.
        parser.add_argument(flag, action="store_true", help=argparse.SUPPRESS)
    for flag in _ELSEWHERE:
        parser.add_argument(flag, action=_Elsewhere, nargs="?", help=argparse.SUPPRESS)


def _environment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--packages",
        action="append",
        default=[],
        metavar="REQ",
        help="a package, and no list of the repository's; may be given several times",
    )
    parser.add_argument("--requirements", type=Path, help="a requirements file to record")
    parser.add_argument(
        "--force-no-requirements", action="store_true", help="no packages, whatever the code lists"
    )
    parser.add_argument("--python", default="", metavar="VERSION", help="such as 3.11")
    manager = parser.add_mutually_exclusive_group()
    manager.add_argument(
        "--package-manager",
        choices=["uv", "pip", "poetry", "conda", "image"],
        help="what is to make the environment; else the agent or the project's files say",
    )
    manager.add_argument(
        "--skip-python-env-install",
        dest="package_manager",
        action="store_const",
        const="image",
        help="use the interpreter that is there as it is: --package-manager image",
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="K=V", help="an environment variable"
    )


def _container(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--docker", "--image", metavar="IMAGE", help="the container image, where agents use them"
    )
    parser.add_argument(
        "--docker-args", "--docker_args", metavar="ARGS", help="more for its docker run"
    )
    parser.add_argument("--setup-script", type=Path, help="a shell script to run before all else")
    parser.add_argument(
        "--docker-bash-setup-script",
        "--docker_bash_setup_script",
        metavar="SCRIPT",
        help="the same, as a file or as its text",
    )


def _life(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--retry", type=int, default=0, metavar="N", help="run again after a lost worker, N times"
    )
    parser.add_argument(
        "--retry-on",
        action="append",
        metavar="CAUSE",
        help="causes to run again for, such as git or out of memory; else infrastructure",
    )
    for flag, default, what in (
        ("--retry-delay", 0, "before the first retry; each later one waits twice as long"),
        ("--time-limit", 0, "end it after that long"),
        ("--quiet-limit", 0, "end it when it writes nothing for that long"),
        ("--grace", None, "between asking it to end and ending it (30)"),
    ):
        parser.add_argument(flag, type=float, default=default, metavar="SECONDS", help=what)
    parser.add_argument(
        "--memory", type=size, default=0, metavar="SIZE", help="end it above that, such as 512M"
    )


class _Elsewhere(argparse.Action):
    """A flag that only ``clearml-task`` itself has."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 (argparse's signature)
        values: object,  # noqa: ARG002
        option_string: str | None = None,
    ) -> None:
        parser.error(f"{option_string} is clearml-task's alone, which works here: taskyard env")
