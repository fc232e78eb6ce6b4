"""The journal of tasks: who did what with them, when and why."""

from __future__ import annotations

from taskyard.api.wire import Document, Request, Response, action

MOST = 1000
"""Lines that one answer has at the most."""


class JournalLine(Response):
    """Something that happened to a task."""

    id: int
    """Rises with time."""
    at: str
    task: Document
    """``id`` and ``name``; none for a task that is gone."""
    what: str
    """Its new status in people's words (``queued``, ``running``, ``aborted``), or ``created``,
    ``edited``, ``stopping``, ``archived``, ``restored``, ``deleted``."""
    reason: str
    message: str
    """What was said of it; of an edit: the fields that changed, of a deleted task its name."""
    by: Document | None = None
    """``id`` and ``name`` of the user; none where the server did it by itself."""
    worker: str | None = None
    queue: str | None = None
    """The queue's name."""


class GetJournalResponse(Response):
    lines: list[JournalLine]


@action("tasks.get_journal", answers=GetJournalResponse)
class GetJournal(Request):
    """What happened to one task or to all, the latest first."""

    task: str | None = None
    size: int = 50
    before: int | None = None
    """The id of a line: only what happened before it."""
    after: int | None = None
    """The id of a line: the first ones that came after it."""
