"""The tree of projects: each knows its parent and, in ``path``, all projects above it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, select, update

from taskyard.api.errors import (
    CANNOT_MERGE_INTO_CHILD,
    CANNOT_MOVE_INTO_ITSELF,
    CANNOT_UPDATE_LOCATION,
    NOT_UNIQUE,
    SOURCE_AND_DESTINATION_EQUAL,
    ApiError,
)
from taskyard.server.call import Call
from taskyard.server.domain import project_names as names
from taskyard.server.domain.terms import AnyOf
from taskyard.server.store.database import keeping
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.conditions import Dialect
from taskyard.server.store.documents.kinds import PROJECT
from taskyard.server.store.tables import models, projects, tasks

Document = dict[str, Any]


def create(tx: Tx, call: Call, name: str, fields: Mapping[str, Any]) -> str:
    """Make a project and what is missing above it; gives its id.

    Raises ApiError: NOT_UNIQUE when the name is taken, and what :func:`names.clean` raises.
    """
    name = names.clean(name)
    if _by_name(tx, call, name) is not None:
        raise ApiError(NOT_UNIQUE, "a project of this name exists", name=name)
    return _insert(tx, call, name, fields)


def ensure(tx: Tx, call: Call, name: str) -> str:
    """The id of the project with this name, which is made if need be."""
    cleaned = names.location(name)
    known = _by_name(tx, call, cleaned)
    return known.id if known is not None else _ensure_new(tx, call, names.clean(name))


def _ensure_new(tx: Tx, call: Call, name: str) -> str:
    # Another server may make the same project in the same moment.
    savepoint = tx.connection.begin_nested()
    try:
        made = _insert(tx, call, name, {})
    except ApiError as error:
        savepoint.rollback()
        known = _by_name(tx, call, name)
        if error.kind != NOT_UNIQUE[:2] or known is None:
            raise
        return str(known.id)
    savepoint.commit()
    return made


def _insert(tx: Tx, call: Call, name: str, fields: Mapping[str, Any]) -> str:
    keeping.hold_tree(tx, to_change=False)
    parent, path = _place(tx, call, names.parent(name))
    id = uuid.uuid4().hex
    documents.insert(
        tx,
        PROJECT,
        {
            **fields,
            "id": id,
            "company": call.company,
            "user": call.user,
            "name": name,
            "basename": names.basename(name),
            "parent": parent,
            "path": path,
        },
    )
    return id


def _place(tx: Tx, call: Call, location: str) -> tuple[str | None, list[str]]:
    """Id and path for projects right below ``location``, whose projects are made if need be."""
    if not location:
        return None, []
    known = _by_name(tx, call, location)
    id = known.id if known is not None else _ensure_new(tx, call, location)
    above = documents.get(tx, PROJECT, id, call, only=["path"])["path"]
    return id, [*above, id]


def _by_name(tx: Tx, call: Call, name: str) -> Row[Any] | None:
    query = select(projects.c.id).where(projects.c.company == call.company, projects.c.name == name)
    return tx.execute(query).first()


def edit(tx: Tx, call: Call, project: str, fields: Mapping[str, Any]) -> Document:
    """Change a project, its last name included; gives the fields that changed.

    Raises ApiError: INVALID_PROJECT_ID, READ_ONLY, CANNOT_UPDATE_LOCATION for a name elsewhere
    in the tree, NOT_UNIQUE for a name that is taken.
    """
    if fields.get("name") is not None:
        keeping.hold_tree(tx, to_change=True)
    known = documents.get(tx, PROJECT, project, call, only=["name"], for_write=True)
    changes = dict(fields)
    if changes.get("name") is not None:
        name = names.clean(changes["name"])
        if names.parent(name) != names.parent(known["name"]):
            raise ApiError(CANNOT_UPDATE_LOCATION, name=name)
        if name != known["name"] and _by_name(tx, call, name) is not None:
            raise ApiError(NOT_UNIQUE, "a project of this name exists", name=name)
        changes |= {"name": name, "basename": names.basename(name)}
    changes["last_update"] = tx.now
    documents.update(tx, PROJECT, project, changes)
    if "basename" in changes:
        _rename_below(tx, project, known["name"], changes["name"])
    return documents.get(tx, PROJECT, project, call, only=list(changes))


def below(tx: Tx, project: str) -> list[Row[Any]]:
    """Id, name and document of all projects under one, those higher up first."""
    condition = Dialect(tx.dialect, PROJECT).condition(AnyOf(("path",), (project,)))
    query = select(projects.c.id, projects.c.name, projects.c.doc).where(condition)
    return list(tx.execute(query.order_by(projects.c.name)).all())


def all_below(tx: Tx, call: Call, ids: Sequence[str]) -> dict[str, list[Document]]:
    """For each of these projects the projects under it: ``id``, ``name`` and if ``hidden``."""
    condition = Dialect(tx.dialect, PROJECT).condition(AnyOf(("path",), tuple(ids)))
    query = (
        select(projects.c.id, projects.c.name, projects.c.doc)
        .where(condition, projects.c.company.in_([call.company, ""]))
        .order_by(projects.c.name)
    )
    found: dict[str, list[Document]] = {id: [] for id in ids}
    for row in tx.execute(query):
        hidden = PROJECT.hidden_tag in (row.doc.get("system_tags") or ())
        for above in found.keys() & row.doc["path"]:
            found[above].append({"id": row.id, "name": row.name, "hidden": hidden})
    return found


def family(tx: Tx, project: str, *, to_remove: bool = False) -> list[str]:
    """A project and all below it; with ``to_remove`` nothing enters any of them any more."""
    if to_remove:
        keeping.hold_tree(tx, to_change=True)
    found = [project, *(child.id for child in below(tx, project))]
    if to_remove:
        keeping.lock(tx, projects, found)
    return found


def remove(tx: Tx, ids: Sequence[str]) -> None:
    """Delete projects that are empty."""
    tx.execute(delete(projects).where(projects.c.id.in_(ids)))


def _rename_below(tx: Tx, project: str, old: str, new: str) -> None:
    if old == new:
        return
    for child in below(tx, project):
        name = new + child.name[len(old) :]
        names.check_depth(name)
        tx.execute(update(projects).where(projects.c.id == child.id).values(name=name))


def move(tx: Tx, call: Call, project: str, location: str) -> int:
    """Put a project and all below it under ``location``; gives how many were moved.

    Raises ApiError: INVALID_PROJECT_ID, READ_ONLY, SOURCE_AND_DESTINATION_EQUAL,
    CANNOT_MOVE_INTO_ITSELF, PROJECT_PATH_TOO_DEEP, NOT_UNIQUE.
    """
    keeping.hold_tree(tx, to_change=True)
    known = documents.get(tx, PROJECT, project, call, only=["name", "parent"], for_write=True)
    old, location = known["name"], names.location(location)
    if location == names.parent(old):
        raise ApiError(SOURCE_AND_DESTINATION_EQUAL, source=old, destination=location)
    if location == old or location.startswith(f"{old}/"):
        raise ApiError(CANNOT_MOVE_INTO_ITSELF, source=old, destination=location)
    parent, path = _place(tx, call, location)
    moved = _move(tx, call, project, old, names.join(location, names.basename(old)), parent, path)
    touch(tx, [parent, known.get("parent")])
    return moved


def _move(
    tx: Tx,
    call: Call,
    project: str,
    old: str,
    new: str,
    parent: str | None,
    path: Sequence[str],
) -> int:
    if _by_name(tx, call, new) is not None:
        raise ApiError(NOT_UNIQUE, "a project of this name exists", name=new)
    names.check_depth(new)
    children = below(tx, project)
    changes = {"name": new, "parent": parent, "path": list(path), "last_update": tx.now}
    documents.update(tx, PROJECT, project, changes)
    for child in children:
        above = child.doc["path"]
        name = new + child.name[len(old) :]
        names.check_depth(name)
        inner = [*path, *above[above.index(project) :]]
        documents.update(tx, PROJECT, child.id, {"name": name, "path": inner})
    return 1 + len(children)


def merge(tx: Tx, call: Call, project: str, destination: str | None) -> tuple[int, int]:
    """Move what is in a project into another (None: the top level) and delete it.

    Projects of one name in both become one. Gives the numbers of tasks and models, and of
    projects, that were moved. Raises ApiError: INVALID_PROJECT_ID, READ_ONLY,
    SOURCE_AND_DESTINATION_EQUAL, CANNOT_MERGE_INTO_CHILD, NOT_UNIQUE, PROJECT_PATH_TOO_DEEP.
    """
    keeping.hold_tree(tx, to_change=True)
    documents.get(tx, PROJECT, project, call, only=["id"], for_write=True)
    if project == destination:
        raise ApiError(SOURCE_AND_DESTINATION_EQUAL, project=project)
    target: Document = {"name": "", "path": []}
    if destination:
        target = documents.get(
            tx, PROJECT, destination, call, only=["name", "path"], for_write=True
        )
        if project in target["path"]:
            raise ApiError(CANNOT_MERGE_INTO_CHILD, project=project, destination=destination)
    entities = _adopt(tx, project, destination)
    path = [*target["path"], *([destination] if destination else [])]
    # Gone before its content moves: a child may take over its name.
    tx.execute(delete(projects).where(projects.c.id == project))
    moved = 0
    query = select(projects.c.id, projects.c.name).where(projects.c.parent == project)
    for child in tx.execute(query.order_by(projects.c.name)).all():
        new = names.join(target["name"], names.basename(child.name))
        twin = _by_name(tx, call, new)
        if twin is None:
            moved += _move(tx, call, child.id, child.name, new, destination, path)
        else:
            inner_entities, inner_moved = merge(tx, call, child.id, twin.id)
            entities += inner_entities
            moved += inner_moved + 1
    touch(tx, [destination])
    return entities, moved


def _adopt(tx: Tx, project: str, destination: str | None) -> int:
    """Give a project's own tasks and models to another; gives how many."""
    moved = 0
    for table in (tasks, models):
        done = tx.execute(
            update(table)
            .where(table.c.project == project)
            .values(project=destination, last_change=tx.now)
        )
        moved += done.rowcount
    return moved


def touch(tx: Tx, ids: Iterable[str | None]) -> None:
    """Note that something changed in these projects."""
    known = {project for project in ids if project}
    if known:
        tx.execute(update(projects).where(projects.c.id.in_(known)).values(last_update=tx.now))
