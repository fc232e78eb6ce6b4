"""A list of documents as comma-separated values. No I/O."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskyard.server.domain import paths

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""How a text starts that a spreadsheet would run as a formula."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the dotted path of its field, its heading, and words for some values."""

    path: str
    heading: str
    words: Mapping[str, Any] = field(default_factory=dict)
    """By the value as JSON, so that ``1`` and ``"1"`` are told apart."""


def columns(fields: Sequence[str], mappings: Iterable[Mapping[str, Any]]) -> list[Column]:
    """The columns that ``mappings`` describe, or one for each field where there are none.

    A mapping has ``field``, ``name`` and ``values``: a list of ``{"key": .., "value": ..}``.
    """
    found = [
        Column(
            path=mapping["field"],
            heading=mapping.get("name") or mapping["field"],
            words={key_of(v.get("key")): v.get("value") for v in mapping.get("values") or ()},
        )
        for mapping in mappings
    ]
    return found or [Column(path=name, heading=name) for name in fields]


def key_of(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def write(chosen: Sequence[Column], documents: Iterable[Mapping[str, Any]]) -> str:
    """One line for each document, without the headings."""
    out = io.StringIO()
    writer = csv.writer(out)
    for document in documents:
        writer.writerow([_cell(column, paths.at(document, column.path)) for column in chosen])
    return out.getvalue()


def headings(chosen: Sequence[Column]) -> str:
    """The first line."""
    out = io.StringIO()
    csv.writer(out).writerow([_harmless(column.heading) for column in chosen])
    return out.getvalue()


def _cell(column: Column, value: Any) -> str:
    if isinstance(value, Mapping) and "name" in value:
        # A reference that was expanded: people want the name.
        value = value["name"]
    if isinstance(value, list):
        return _harmless(", ".join(_text(_word(column, item)) for item in value))
    return _harmless(_text(_word(column, value)))


def _word(column: Column, value: Any) -> Any:
    return column.words.get(key_of(value), value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _harmless(text: str) -> str:
    if text.startswith(DANGEROUS) and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
