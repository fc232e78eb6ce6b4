"""Doing one thing to several documents, where each may fail by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from taskyard.api.errors import VALIDATION, ApiError
from taskyard.server.store.database.engine import Tx

Document = dict[str, Any]

MOST = 10_000
"""So many at once: nobody else writes meanwhile."""


def each(
    tx: Tx, ids: Iterable[str], do: Callable[[str], Document]
) -> tuple[list[Document], list[Document]]:
    """What ``do`` answers for each id, with the id, and why it failed for the others.

    An id that comes twice is handled once. What fails for one is undone for that one alone.
    Raises ApiError(VALIDATION) for more than :data:`MOST`.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MOST:
        raise ApiError(VALIDATION, f"more than {MOST} ids", hint="Send fewer at once.")
    succeeded: list[Document] = []
    failed: list[Document] = []
    for id in wanted:
        tx.driver.execute("SAVEPOINT one_of_many")
        try:
            succeeded.append({"id": id, **do(id)})
        except ApiError as error:
            tx.driver.execute("ROLLBACK TO SAVEPOINT one_of_many")
            refusal = {"codes": list(error.kind), "msg": error.what, "data": error.data}
            failed.append({"id": id, "error": refusal})
        tx.driver.execute("RELEASE SAVEPOINT one_of_many")
    return succeeded, failed
