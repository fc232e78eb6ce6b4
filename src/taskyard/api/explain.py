"""Why tasks are where they are: what the page's tables and the command line show beside each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from taskyard.api.wire import Document, Request, Response, action

MOST = 500
"""How many tasks one call explains."""


class ExplainResponse(Response):
    state: str
    """The status in the words people see; ``preparing`` until the task's own code runs."""
    reason: Document
    """``code`` and ``text``: why the task is where it is."""
    hint: str
    queue: str | None = None
    position: int | None = None
    """Place in the queue, from 1."""
    length: int | None = None
    """How many wait in that queue."""
    workers_serving: list[str] | None = None
    attempt: int | None = None
    """The number of the run that goes on."""
    phase: str | None = None
    """Of a run that goes on: the step it is in."""
    phase_started: float | None = None
    """When that step began, in seconds since 1970."""


@action("tasks.explain", answers=ExplainResponse)
class Explain(Request):
    """Why a task waits, or why it ended as it did."""

    task: str


class Explained(ExplainResponse, kw_only=True):
    task: str


class ExplainManyResponse(Response):
    explanations: list[Explained]


@action("tasks.explain_many", answers=ExplainManyResponse)
class ExplainMany(Request):
    """Why each of several tasks is where it is. Unknown ones are left out."""

    ids: Annotated[list[str], Meta(max_length=MOST)]
