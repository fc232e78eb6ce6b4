"""The query language that every ``get_all`` action understands."""

from __future__ import annotations

from typing import Any

import msgspec

from taskyard.api.wire import Request

Values = list[str | None] | str | None
"""One value or several, any of which will do; a null in the list means *none at all*.

``__$all``, ``__$any`` and ``__$not`` (for the item that follows) may stand between the values.
"""


class Fields(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A condition over several fields: a pattern, or bounds of time."""

    fields: list[str] | str | None = None
    pattern: str | None = None
    """A regular expression; upper and lower case are the same."""
    datetime: list[str | None] | str | None = None
    """Times, each with ``>``, ``>=``, ``<`` or ``<=`` before it."""


class Query(Request):
    """What all queries have in common. Further keys filter by the field of that name."""

    id: Values = None
    name: str | None = None
    """A regular expression that the name has a match of."""
    user: Values = None
    tags: Values = None
    system_tags: Values = None
    filters: dict[str, Any] | None = None
    """By field: ``any`` and ``all`` with ``include`` and ``exclude`` lists, joined by ``op``."""
    _any_: Fields | None = None
    _or_: Fields | None = None
    _all_: Fields | None = None
    _and_: Fields | None = None
    search_text: str | None = None
    """Words to look for; ``"a phrase"`` must be there, ``-word`` must not."""
    search_hidden: bool | None = None
    allow_public: bool | None = None
    order_by: list[str] | str | None = None
    """Fields, ``-`` before those in falling order. Empty values come last."""
    only_fields: list[str] | str | None = None
    """The fields to return; dots reach inside."""
    page: int | None = None
    """Counted from 0."""
    page_size: int | None = None
    """500 at most, which is also the default."""
    scroll_id: str | None = None
    """Where an earlier answer left off."""
    size: int | None = None
    """Start or go on with a scroll of pages of this size."""
    refresh_scroll: bool | None = None
    """Return again what this scroll has delivered so far."""
