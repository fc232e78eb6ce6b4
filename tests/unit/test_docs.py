"""The documentation speaks of commands and flags that there are."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.cli.commands import ALIASES, COMMANDS
from taskyard.cli.main import Parser

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"(?:^ *|[`(\"])(taskyard [^`\n#]*)", re.MULTILINE)
FLAG = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")


def commands_of(text: str) -> Iterator[list[str]]:
    """The words of each command that a page shows, up to those that are the user's own script."""
    for found in COMMAND.finditer(text):
        words = found[1].strip(' ")').split()[1:]
        script = next((n for n, word in enumerate(words) if word.endswith(".py")), len(words))
        if words and not words[0].startswith(("-", "COMMAND", "ARGUMENTS")):
            yield words[:script]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """All flags and verbs of a command."""
    found: set[str] = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            found |= set(action.choices)
            found |= {word for verb in action.choices.values() for word in options_of(verb)}
    return found


def parser_of(name: str) -> argparse.ArgumentParser:
    parser = Parser(prog=name)
    module = importlib.import_module(f"taskyard.cli.{COMMANDS[name].module}")
    getattr(module, f"{name}_arguments")(parser)
    return parser


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_command_of_a_page_is_there_with_its_flags(page: Path) -> None:
    wrong = []
    for first, *rest in commands_of(page.read_text()):
        name = ALIASES.get(first, first)
        if name not in COMMANDS:
            wrong.append(first)
            continue
        parser = parser_of(name)
        known = options_of(parser)
        wrong += [
            f"{name} {flag}"
            for word in rest
            for flag in FLAG.findall(word.split("=")[0])
            if flag not in known
        ]
        has_verbs = any(isinstance(a, argparse._SubParsersAction) for a in parser._actions)
        if has_verbs and rest and rest[0].islower():
            wrong += [
                f"{name} {verb}"
                for verb in re.split(r"[|,]", rest[0])
                if verb and verb not in known
            ]
    assert not wrong


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("\n## ")[0]
    named = {span.split()[0] for span in re.findall(r"`([^`]+)`", text)}
    assert set(COMMANDS) - {"version"} <= named | {"completion"}
