"""The command ``taskyard``: finds the command's module and runs it, and shows its errors.

Start-up time is a feature: a command's module is imported only when it is the one asked for.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from typing import NoReturn

from taskyard.cli.commands import ALIASES, COMMANDS, GROUPS
from taskyard.cli.exits import INTERRUPTED, OK, OUR_FAULT, USAGE


class Parser(argparse.ArgumentParser):
    """argparse with our form of an error, and a guess at what was meant."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message}\n  try: {self.prog} --help", file=sys.stderr)
        raise SystemExit(USAGE)


def run() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a task prints may be more than this terminal can show.
            stream.reconfigure(errors="replace")
    raise SystemExit(main(sys.argv[1:]))


def main(words: list[str]) -> int:
    """Run the command that ``words`` name; returns the exit code."""
    if not words:
        words = ["ps"] if _configured() else ["--help"]
    if words[0] in {"-h", "--help", "help"}:
        if len(words) > 1 and words[0] == "help":
            return main([*words[1:], "--help"])
        print(overview())
        return OK
    if words[0] in {"-V", "--version"}:
        words = ["version"]
    name = ALIASES.get(words[0], words[0])
    if name == "task" and len(words) > 1:
        return main(words[1:])
    if name not in COMMANDS:
        return _unknown(words[0])
    module = importlib.import_module(f"taskyard.cli.{COMMANDS[name].module}")
    parser = Parser(prog=f"taskyard {name}", description=COMMANDS[name].help)
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    function = name.replace("-", "_")
    getattr(module, f"{function}_arguments")(parser)
    # A command may have a say in what its words are before they are taken apart.
    prepare = getattr(module, f"{function}_words", list)
    args = parser.parse_args(prepare(words[1:]))
    return _guarded(getattr(module, f"{function}_command"), args)


def _guarded(command: object, args: argparse.Namespace) -> int:
    from taskyard.api.errors import TaskyardError
    from taskyard.cli.failure import WouldChange, explain, missing_extra

    debug = args.debug or bool(os.environ.get("TASKYARD_DEBUG"))
    try:
        code = int(command(args) or 0)  # type: ignore[operator]
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough: `taskyard logs | head` is no failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except WouldChange as change:
        from taskyard.cli.dry_run import tell

        return tell(change, args)
    except TaskyardError as error:
        if debug:
            raise
        return explain(error, args)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, ModuleNotFoundError) and (missing := missing_extra(error.name)):
            return explain(missing, args)
        print(
            f"error: {type(error).__name__}: {error}\n  this is a fault of Taskyard itself\n"
            "  try: the same with --debug, and report what it prints",
            file=sys.stderr,
        )
        return OUR_FAULT


def overview() -> str:
    """The text of ``taskyard --help``."""
    lines = ["usage: taskyard COMMAND [...]", ""]
    for title, names in GROUPS:
        lines.append(f"{title}:")
        lines += [f"  {name:<12} {COMMANDS[name].help}" for name in names]
        lines.append("")
    lines.append("taskyard COMMAND --help tells more about one of them.")
    return "\n".join(lines)


def _unknown(word: str) -> int:
    import difflib

    near = difflib.get_close_matches(word, [*COMMANDS, *ALIASES], 1)
    print(f"error: no command named {word!r}", file=sys.stderr)
    if near:
        print(f"  did you mean: {near[0]}", file=sys.stderr)
    print("  try: taskyard --help", file=sys.stderr)
    return USAGE


def _configured() -> bool:
    from taskyard.client.config import user_file

    return user_file().is_file() or "TASKYARD_SERVER" in os.environ
