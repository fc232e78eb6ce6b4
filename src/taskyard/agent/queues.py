"""The queues an agent serves, by the words that people use for them."""

from __future__ import annotations

import difflib
import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from taskyard.api.errors import INVALID_QUEUE_ID, ApiError
from taskyard.client.session import Session

T = TypeVar("T")


log = logging.getLogger("taskyard.agent")

LOOK_AGAIN = 5.0
"""Seconds between two looks for queues that are gone."""


class Served:
    """The queues of one agent, as people named them and by their ids."""

    def __init__(self, words: Sequence[str], *, create: bool = False) -> None:
        self._words = list(dict.fromkeys(words))
        self._create = create
        self._ids: dict[str, str] = {}
        self._gone: list[str] = []
        self._looked = 0.0

    @property
    def ids(self) -> list[str]:
        """All of them, by priority; also those that are gone."""
        return list(dict.fromkeys(self._ids[word] for word in self._words))

    @property
    def present(self) -> list[str]:
        """Those that were there when last seen."""
        return [id for id in self.ids if id not in self._gone]

    def by_id(self, values: Mapping[str, T]) -> dict[str, T]:
        """Values for words, by the ids that these have now."""
        return {self._ids[word]: value for word, value in values.items()}

    def find(self, session: Session) -> None:
        """Look all of them up. Raises ApiError(INVALID_QUEUE_ID) that names an unknown one."""
        for word in self._words:
            self._ids[word] = resolve(session, [word], create=self._create)[0]

    def note(self, session: Session, gone: Sequence[str]) -> bool:
        """Learn that these (ids) are gone, and look whether there are others of their names.

        Returns whether some were found. Raises ApiError and ServerUnreachable.
        """
        if list(gone) != self._gone and gone:
            words = [word for word in self._words if self._ids[word] in gone]
            log.warning("these queues are gone: %s", ", ".join(words))
        self._gone = list(gone)
        if not gone or time.monotonic() - self._looked < LOOK_AGAIN:
            return False
        self._looked = time.monotonic()
        found = False
        for word in [word for word in self._words if self._ids[word] in gone]:
            try:
                self._ids[word] = resolve(session, [word], create=self._create)[0]
            except ApiError as error:
                if error.kind != INVALID_QUEUE_ID[:2]:
                    raise
                continue
            log.info("the queue %s is there again", word)
            found = True
        return found


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


def metadata(session: Session, queue: str) -> dict[str, Any]:
    """What is noted with a queue (an id). Raises ApiError."""
    found = session.raw("queues.get_by_id", {"queue": queue, "max_task_entries": 0})
    noted: dict[str, Any] = found["queue"].get("metadata") or {}
    return noted


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
