"""Tags in older versions of the protocol: before 2.3 there was one list of them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskyard.server.domain import search

Version = tuple[int, int]

APART: Version = (2, 3)
"""The version that gave the system's tags a list of their own."""

SYSTEM_TAGS = frozenset({"development", "archived", "hidden", "shared", "pipeline", "dataset"})
"""Tags that old callers mean for the system when they put them among the others."""


def split(sent: dict[str, Any], version: Version) -> dict[str, Any]:
    """What a caller sets, with the system's tags in their own list."""
    if version >= APART or "system_tags" in sent or "tags" not in sent:
        return sent
    tags = sent["tags"]
    return {
        **sent,
        "tags": [tag for tag in tags if tag not in SYSTEM_TAGS],
        "system_tags": [tag for tag in tags if tag in SYSTEM_TAGS],
    }


def query(sent: Mapping[str, Any], version: Version) -> Mapping[str, Any]:
    """A query with the system's tags filtered, and read, where they are now."""
    if version >= APART:
        return sent
    found = dict(sent)
    if "tags" in (only := search.projection(sent)):
        found["only_fields"] = [*only, "system_tags"]
    tags = sent.get("tags")
    if tags and not sent.get("system_tags"):
        asked = tags if isinstance(tags, list) else [tags]
        system = [tag for tag in asked if isinstance(tag, str) and tag.lstrip("-") in SYSTEM_TAGS]
        found |= {"tags": [tag for tag in asked if tag not in system], "system_tags": system}
    return found


def join(document: dict[str, Any], version: Version) -> dict[str, Any]:
    """A document with all its tags in one list, if that is what the caller knows."""
    if version >= APART or "tags" not in document:
        return document
    tags = {*document["tags"], *document.get("system_tags", ())}
    return {**document, "tags": sorted(tags), "system_tags": []}
