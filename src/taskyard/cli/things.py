"""The form of commands for queues, workers and projects: a listing, and verbs for one of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from taskyard.cli.dry_run import add_dry_run
from taskyard.cli.output import add_output

LISTING = "ls"
READING = frozenset({LISTING, "show"})


def add_verbs(
    parser: argparse.ArgumentParser, thing: str, about: str, texts: Mapping[str, str]
) -> dict[str, argparse.ArgumentParser]:
    """A verb for each of ``texts``; all but ``ls`` take one ``thing``, ``about`` which help says.

    Gives the verbs' parsers, for the flags of their own. ``args.verb`` is a key of ``texts``.
    """
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    found = {}
    for name, text in texts.items():
        verb = verbs.add_parser(name, help=text, aliases=["list"] if name == LISTING else [])
        verb.set_defaults(verb=name)
        add_output(verb)
        if name != LISTING:
            verb.add_argument(thing, metavar=thing.upper(), help=about)
        if name not in READING:
            add_dry_run(verb)
        found[name] = verb
    return found
