"""What is in projects: counts, statistics, and its end when a project is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, literal, select, update

from taskyard.api.states import Status
from taskyard.server.call import Call
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.conditions import Dialect
from taskyard.server.store.documents.kinds import MODEL, PROJECT, TASK, Kind
from taskyard.server.store.tables import models, projects, tasks
from taskyard.server.store.tasks import task_life

Document = dict[str, Any]

SECOND = 1_000_000
DAY = 24 * 3600 * SECOND
ARCHIVED = "archived"


def counts(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    """How many tasks, models, datasets, pipelines and reports these projects have.

    For each a second number, as ``non_archived_tasks``, leaves out what is archived.
    """
    words = ("tasks", "models", "datasets", "pipelines", "reports")
    result = {f"{prefix}{word}": 0 for word in words for prefix in ("", "non_archived_")}
    for kind in (TASK, MODEL):
        dialect = Dialect(tx.dialect, kind)
        group: ColumnElement[str] = literal("models")
        if kind is TASK:
            group = case(
                (tasks.c.type == "report", "reports"),
                (dialect.tagged("dataset"), "datasets"),
                (dialect.tagged("pipeline"), "pipelines"),
                else_="tasks",
            )
        archived = _flag(dialect.tagged(ARCHIVED))
        rows = tx.execute(
            select(group.label("word"), archived.label("gone"), func.count().label("number"))
            .where(kind.table.c.project.in_(ids))
            .group_by("word", "gone")
        )
        for row in rows:
            result[row.word] += row.number
            if not row.gone:
                result[f"non_archived_{row.word}"] += row.number
    return result


def own_counts(
    tx: Tx, call: Call, ids: Sequence[str], query: Mapping[str, Any]
) -> dict[str, list[int]]:
    """The numbers of tasks and of models right in each project that match ``query``."""
    found = {id: [0, 0] for id in ids}
    for place, kind in enumerate((TASK, MODEL)):
        home = kind.table.c.project
        matching = documents.matching(tx, kind, call, query)
        counted = select(home, func.count()).where(home.in_(ids), matching).group_by(home)
        rows: Any = tx.execute(counted)
        for project, number in rows:
            found[project][place] = number
    return found


def statistics(
    tx: Tx,
    call: Call,
    families: Mapping[str, Sequence[str]],
    states: Sequence[str],
    matching: Mapping[str, Any],
) -> dict[str, Document]:
    """Statistics of projects, each summed over its family: itself and what counts with it.

    ``states`` are ``active`` (not archived) and ``archived``; ``matching`` is a query that the
    tasks must match.
    """
    everything = sorted({id for family in families.values() for id in family})
    by_project: dict[tuple[str, str], Document] = {}
    for row in _task_rows(tx, call, everything, matching):
        state = "archived" if row.gone else "active"
        stats = by_project.setdefault((row.project, state), _no_statistics())
        stats["status_count"][row.status] += row.number
        stats["total_tasks"] += row.number
        stats["total_runtime"] += int(row.runtime or 0)
        stats["completed_tasks_24h"] += int(row.recent or 0)
        if row.last is not None:
            stats["last_task_run"] = max(stats.get("last_task_run", 0), row.last // 1000)
    found: dict[str, Document] = {}
    for id, family in families.items():
        found[id] = {}
        for state in states:
            parts = [by_project[k] for k in ((p, state) for p in family) if k in by_project]
            found[id][state] = _sum(parts)
    return found


def _task_rows(
    tx: Tx, call: Call, ids: Sequence[str], matching: Mapping[str, Any]
) -> Iterable[Any]:
    running = (tasks.c.status == Status.IN_PROGRESS) & tasks.c.started.is_not(None)
    runtime = case(
        (running, (literal(tx.now) - tasks.c.started) // SECOND), else_=tasks.c.active_duration
    )
    recent = (tasks.c.status == Status.COMPLETED) & (tasks.c.completed >= tx.now - DAY)
    query = (
        select(
            tasks.c.project,
            tasks.c.status,
            tasks.c.archived.label("gone"),
            func.count().label("number"),
            func.sum(runtime).label("runtime"),
            func.sum(_flag(recent)).label("recent"),
            func.max(tasks.c.started).label("last"),
        )
        .where(tasks.c.project.in_(ids), documents.matching(tx, TASK, call, matching))
        # In the order of the index, which has all of these columns: then nothing is sorted.
        .group_by(tasks.c.project, tasks.c.archived, tasks.c.status)
    )
    return tx.execute(query)


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _no_statistics() -> Document:
    return {
        "status_count": {str(status): 0 for status in Status},
        "total_tasks": 0,
        "total_runtime": 0,
        "completed_tasks_24h": 0,
    }


def _sum(parts: Iterable[Document]) -> Document:
    total = _no_statistics()
    for part in parts:
        for name in ("total_tasks", "total_runtime", "completed_tasks_24h"):
            total[name] += part[name]
        for status, number in part["status_count"].items():
            total["status_count"][status] += number
        if "last_task_run" in part:
            total["last_task_run"] = max(total.get("last_task_run", 0), part["last_task_run"])
    return total


def dataset_statistics(tx: Tx, call: Call, project: str) -> Document | None:
    """Files and bytes of the newest version of the dataset that a project holds, if any."""
    query = {
        "project": [project],
        "system_tags": ["__$all", "dataset", "__$not", ARCHIVED],
        "search_hidden": True,
        "order_by": ["-last_update"],
        "only_fields": ["runtime"],
        "page_size": 1,
    }
    found = documents.find(tx, TASK, call, query)
    if not found:
        return None
    runtime = found[0]["runtime"]
    names = {"file_count": "ds_file_count", "total_size": "ds_total_size"}
    return {name: _whole(runtime.get(source)) for name, source in names.items()}


def _whole(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def with_content(tx: Tx, call: Call, kind: Kind, query: Mapping[str, Any]) -> list[str]:
    """The projects that have, in themselves or below, something that matches ``query``."""
    table = kind.table
    found = tx.execute(
        select(table.c.project)
        .distinct()
        .where(table.c.project.is_not(None), documents.matching(tx, kind, call, query))
    ).scalars()
    own = set(found)
    rows = tx.execute(select(projects.c.id, projects.c.doc).where(projects.c.id.in_(own)))
    return sorted(own.union(*(row.doc.get("path") or () for row in rows)))


def above(tx: Tx, call: Call, query: Mapping[str, Any]) -> list[str]:
    """The projects that have, at any depth below them, a project that matches ``query``."""
    found = documents.matching(tx, PROJECT, call, query)
    rows = tx.execute(select(projects.c.doc).where(found))
    return sorted(set().union(*(row.doc.get("path") or () for row in rows)))


# --- the end of a project ------------------------------------------------------------------


def release(tx: Tx, ids: Sequence[str]) -> int:
    """Leave the tasks and models of these projects without a project; gives how many tasks."""
    released = 0
    for table in (models, tasks):
        done = tx.execute(
            update(table).where(table.c.project.in_(ids)).values(project=None, last_change=tx.now)
        )
        released = done.rowcount
    return released


def own_tasks(tx: Tx, call: Call, ids: Sequence[str]) -> list[str]:
    """The ids of the company's tasks in these projects."""
    query = select(tasks.c.id).where(tasks.c.project.in_(ids), tasks.c.company == call.company)
    return list(tx.execute(query).scalars())


def delete_content(tx: Tx, call: Call, ids: Sequence[str]) -> tuple[int, int, Document]:
    """Delete the tasks and models of these projects.

    Gives the numbers of tasks and models, and the addresses of files they leave behind.
    """
    mine = (models.c.project.in_(ids), models.c.company == call.company)
    model_urls = {uri for uri in tx.execute(select(models.c.uri).where(*mine)).scalars() if uri}
    deleted_models = tx.execute(delete(models).where(*mine)).rowcount
    artifact_urls: set[str] = set()
    gone = own_tasks(tx, call, ids)
    for id in gone:
        left = task_life.delete(tx, call, id, force=True).cleared
        deleted_models += left.deleted_models
        model_urls.update(left.model_urls)
        artifact_urls.update(left.artifact_urls)
    urls = {"model_urls": sorted(model_urls), "artifact_urls": sorted(artifact_urls)}
    return len(gone), deleted_models, urls
