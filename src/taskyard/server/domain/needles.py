"""What must stand in a task's text for a query to match it: pieces of text that rule most out.

A task's text has everything that a free text search looks into, its tags and its parameters. All
of it is folded, so that case makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskyard.server.domain.terms import AnyOf, Condition, Either, Matches, Query, Text, conjuncts

SHORTEST = 3
"""Characters: shorter pieces are in too many texts."""

FIELDS = ("name", "comment", "report", "id", "type", "script.repository", "script.entry_point")
"""What a text holds besides tags and parameters."""

ROOTS = frozenset({"tags", "hyperparams", *(field.partition(".")[0] for field in FIELDS)})
"""Where a change of a task changes its text."""


def text_of(task: Mapping[str, Any]) -> str:
    """The text of a task, given its fields by path: FIELDS, ``tags`` and ``hyperparams``."""
    parts = [str(task[field]) for field in FIELDS if task.get(field)]
    parts += task.get("tags") or ()
    for section, values in (task.get("hyperparams") or {}).items():
        if isinstance(values, dict):
            parts += [_parameter(section, name, held) for name, held in values.items()]
    return "\n".join(["", *parts, ""]).casefold()


def _parameter(section: str, name: str, held: Any) -> str:
    value = held.get("value") if isinstance(held, dict) else None
    return f"{section}/{name}={'' if value is None else value}"


def of(query: Query) -> list[tuple[str, ...]]:
    """Groups of pieces of text: of each, one at least stands in every match's text."""
    found = [group for term in conjuncts(query.condition) if (group := _of_term(term))]
    if query.text:
        found += [group for group in _of_text(query.text) if group]
    return found


def _of_term(term: Condition) -> tuple[str, ...]:
    match term:
        case AnyOf(("tags",), values, missing=False):
            return _all([str(value) for value in values])
        case AnyOf(("hyperparams", section, name, "value"), values, missing=False):
            return _all([f"\n{section}/{name}={value}\n" for value in values])
        case Matches(path, pattern) if ".".join(path) in {"tags", *FIELDS}:
            return _all([_longest_literal(pattern)])
        case Either(parts):
            groups = [_of_term(part) for part in parts]
            return tuple(piece for group in groups for piece in group) if all(groups) else ()
    return ()


def _of_text(text: Text) -> Iterator[tuple[str, ...]]:
    if not text.required and text.wanted:
        yield _all(text.wanted)
    for word in text.required:
        yield _all([word])


def _all(pieces: Sequence[str]) -> tuple[str, ...]:
    """The pieces, folded; none if one of them is of no use."""
    folded = tuple(piece.casefold() for piece in pieces)
    return folded if all(len(p) >= SHORTEST and p.isascii() for p in folded) else ()


_ENDS = frozenset(".^$")
_TAKES_BACK = frozenset("?*{")


def _longest_literal(pattern: str) -> str:
    """The longest text that stands in all that a regular expression matches, as far as is seen."""
    runs = [""]
    place = 0
    while place < len(pattern):
        char = pattern[place]
        place += 1
        if char in "|()[]":
            return ""
        if char == "\\":
            escaped = pattern[place : place + 1]
            place += 1
            if not escaped or escaped.isalnum():
                return ""
            runs[-1] += escaped
        elif char in _TAKES_BACK:
            if char == "{":
                return ""
            runs[-1] = runs[-1][:-1]
            runs.append("")
        elif char in _ENDS or char == "+":
            runs.append("")
        else:
            runs[-1] += char
    return max(runs, key=len)
