"""What each kind of document is made of: which of its fields are columns, which are lists or
times, how it is filtered, and what it always shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Table

from taskyard.api.errors import (
    INVALID_MODEL_ID,
    INVALID_PROJECT_ID,
    INVALID_QUEUE_ID,
    INVALID_TASK_ID,
    INVALID_USER_ID,
)
from taskyard.server.domain.terms import Filters
from taskyard.server.store import tables

ErrorKind = tuple[int, int, str]


@dataclass(frozen=True)
class Kind:
    """One kind of document. All field names are dotted paths as on the wire."""

    name: str
    table: Table
    columns: Mapping[str, Column[Any]]
    invalid: ErrorKind
    times: frozenset[str] = frozenset()
    """Columns of microseconds."""
    lists: frozenset[str] = frozenset()
    """Fields that hold lists; filters and patterns look at their elements."""
    sorted: frozenset[str] = frozenset({"tags", "system_tags"})
    """Lists kept sorted and without repetition."""
    filters: Filters = field(default_factory=Filters)
    text: tuple[str, ...] = ()
    """What a free text search looks into."""
    private: frozenset[str] = frozenset()
    """Returned only when asked for by name."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What is shown where nothing is stored."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Fields that hold the id of another document, and the name of its kind."""
    filled: frozenset[str] = frozenset({"created", "name", "id"})
    """Columns that are never null, so that ordering by them can follow an index."""
    flags: frozenset[str] = frozenset()
    """System tags that have a column of their own."""
    hidden_tag: str = ""
    """The system tag that keeps a document out of lists ..."""
    shown_by: frozenset[str] = frozenset({"id"})
    """... unless the query filters by one of these."""

    def column(self, path: tuple[str, ...]) -> Column[Any] | None:
        """The column that holds a field, or None when it lives in the JSON document."""
        return self.columns.get(".".join(path))


def _columns(table: Table, *, omit: tuple[str, ...] = (), **paths: str) -> dict[str, Column[Any]]:
    """Every column but the document under its own name, or under ``name=path``."""
    found = {}
    for column in table.columns:
        if column.name not in ("doc", *omit):
            found[paths.get(column.name, column.name)] = column
    return found


_TAGS: dict[str, Any] = {"tags": [], "system_tags": []}

TASK = Kind(
    name="task",
    table=tables.tasks,
    columns=_columns(tables.tasks, omit=("hidden", "archived"), queue="execution.queue"),
    invalid=INVALID_TASK_ID,
    times=frozenset(
        {
            "created",
            "started",
            "completed",
            "published",
            "status_changed",
            "last_update",
            "last_change",
            "last_worker_report",
        }
    ),
    lists=frozenset(
        {"tags", "system_tags", "models.input", "models.output", "execution.artifacts"}
    ),
    filters=Filters(
        lists=frozenset(
            {
                "id",
                "user",
                "tags",
                "system_tags",
                "type",
                "status",
                "project",
                "parent",
                "hyperparams.*",
                "execution.queue",
                "models.input.model",
            }
        ),
        ranges=frozenset(
            {"created", "started", "active_duration", "last_metrics.*", "last_iteration"}
        ),
        times=frozenset({"status_changed", "last_update", "last_change"}),
        regexes=frozenset({"name", "comment", "report"}),
        plain=frozenset({"runtime.*"}),
    ),
    text=(
        "name",
        "comment",
        "report",
        "id",
        "tags",
        "type",
        "script.repository",
        "script.entry_point",
    ),
    private=frozenset({"enqueue_status", "company_origin", "unique_metrics"}),
    defaults={
        **_TAGS,
        "comment": "",
        "script": {
            "binary": "python",
            "repository": "",
            "tag": "",
            "branch": "",
            "version_num": "",
            "entry_point": "",
            "working_dir": "",
            "requirements": {},
            "diff": "",
        },
        "execution": {"artifacts": []},
        "models": {"input": [], "output": []},
        "container": {},
        "hyperparams": {},
        "configuration": {},
        "runtime": {},
        "last_metrics": {},
        "last_iteration": 0,
    },
    references={
        "user": "user",
        "project": "project",
        "parent": "task",
        "company": "company",
        "last_changed_by": "user",
        "execution.queue": "queue",
        "models.input.model": "model",
        "models.output.model": "model",
        # Where versions before 2.13 have them.
        "execution.model": "model",
        "output.model": "model",
    },
    filled=frozenset({"id", "name", "status", "type", "created", "last_update", "last_change"}),
    flags=frozenset({"hidden", "archived"}),
    hidden_tag="hidden",
)

PROJECT = Kind(
    name="project",
    table=tables.projects,
    columns=_columns(tables.projects),
    invalid=INVALID_PROJECT_ID,
    times=frozenset({"created", "last_update"}),
    lists=frozenset({"tags", "system_tags", "path"}),
    filters=Filters(
        lists=frozenset({"tags", "system_tags", "id", "parent", "path", "user"}),
        regexes=frozenset({"name", "basename", "description"}),
        times=frozenset({"last_update", "created"}),
    ),
    text=("name", "id", "description", "tags"),
    private=frozenset({"company_origin"}),
    defaults={**_TAGS, "description": "", "path": []},
    references={"user": "user", "parent": "project", "company": "company"},
    filled=frozenset({"id", "name", "basename", "created", "last_update"}),
    hidden_tag="hidden",
)

MODEL = Kind(
    name="model",
    table=tables.models,
    columns=_columns(tables.models),
    invalid=INVALID_MODEL_ID,
    times=frozenset({"created", "last_update", "last_change"}),
    lists=frozenset({"tags", "system_tags"}),
    filters=Filters(
        lists=frozenset(
            {
                "tags",
                "system_tags",
                "framework",
                "uri",
                "id",
                "user",
                "project",
                "task",
                "parent",
                "metadata.*",
            }
        ),
        plain=frozenset({"ready"}),
        ranges=frozenset({"created", "last_iteration", "last_metrics.*"}),
        times=frozenset({"last_update", "last_change"}),
        regexes=frozenset({"name", "comment"}),
    ),
    text=("name", "id", "comment", "tags", "framework", "uri"),
    private=frozenset({"company_origin", "unique_metrics"}),
    defaults={**_TAGS, "labels": {}, "metadata": {}, "ui_cache": {}, "comment": ""},
    references={
        "user": "user",
        "project": "project",
        "task": "task",
        "parent": "model",
        "company": "company",
    },
    filled=frozenset({"id", "name", "ready", "created", "last_update", "last_change"}),
)

QUEUE = Kind(
    name="queue",
    table=tables.queues,
    columns=_columns(tables.queues),
    invalid=INVALID_QUEUE_ID,
    times=frozenset({"created", "last_update"}),
    lists=frozenset({"tags", "system_tags"}),
    filters=Filters(
        lists=frozenset({"id", "tags", "system_tags", "user", "metadata.*"}),
        times=frozenset({"last_update", "created"}),
        regexes=frozenset({"name"}),
    ),
    text=("name", "id", "tags"),
    defaults={**_TAGS, "entries": [], "metadata": {}},
    references={"user": "user", "company": "company"},
    hidden_tag="k8s-glue",
    shown_by=frozenset({"id", "name"}),
)

USER = Kind(
    name="user",
    table=tables.users,
    columns=_columns(tables.users, omit=("password",)),
    invalid=INVALID_USER_ID,
    times=frozenset({"created"}),
    filters=Filters(
        lists=frozenset({"id", "role", "email"}),
        regexes=frozenset({"name"}),
    ),
    text=("name", "id", "email"),
    sorted=frozenset(),
    private=frozenset({"preferences"}),
    references={"company": "company"},
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (TASK, PROJECT, MODEL, QUEUE, USER)}
