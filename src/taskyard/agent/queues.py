"""The queues an agent serves, by the words that people use for them."""

from __future__ import annotations

import difflib
import re
from typing import Any

from taskyard.api.errors import INVALID_QUEUE_ID, ApiError
from taskyard.client.session import Session


def resolve(session: Session, words: list[str], *, create: bool = False) -> list[str]:
    """The ids of the queues with these names or ids, in their order; with ``create``, made anew.

    Raises ApiError(INVALID_QUEUE_ID) that names the first unknown one.
    """
    found = []
    for word in words:
        known = _find(session, name=f"^{re.escape(word)}$") or _find(session, id=[word])
        if known:
            found.append(str(known[0]["id"]))
        elif create:
            found.append(str(session.raw("queues.create", {"name": word})["id"]))
        else:
            raise _unknown(word, [q["name"] for q in _find(session)])
    return list(dict.fromkeys(found))


def _find(session: Session, **query: Any) -> list[dict[str, Any]]:
    body = {"only_fields": ["id", "name"], "search_hidden": True, "page": 0, "page_size": 500}
    queues: list[dict[str, Any]] = session.raw("queues.get_all", {**body, **query})["queues"]
    return queues


def _unknown(word: str, known: list[str]) -> ApiError:
    near = difflib.get_close_matches(word, known, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    error = ApiError(
        INVALID_QUEUE_ID,
        hint=f"{hint}Make it with `taskyard queue create {word}`, or use --create-queue.",
    )
    error.what = f'no queue named "{word}"'
    return error
