"""Doing one thing to several documents, where each may fail by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from taskyard.api.errors import ApiError
from taskyard.server.store.engine import Tx

Document = dict[str, Any]


def each(
    tx: Tx, ids: Iterable[str], do: Callable[[str], Document]
) -> tuple[list[Document], list[Document]]:
    """What ``do`` answers for each id, with the id, and why it failed for the others.

    An id that comes twice is handled once. What fails for one is undone for that one alone.
    """
    succeeded: list[Document] = []
    failed: list[Document] = []
    for id in dict.fromkeys(ids):
        try:
            with tx.connection.begin_nested():
                succeeded.append({"id": id, **do(id)})
        except ApiError as error:
            refusal = {"codes": list(error.kind), "msg": error.what, "data": error.data}
            failed.append({"id": id, "error": refusal})
    return succeeded, failed
