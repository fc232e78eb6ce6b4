"""Users: who they are and what their pages look like."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from taskyard.api import users as api
from taskyard.api.errors import FORBIDDEN, INVALID_ID, INVALID_USER_ID, ApiError
from taskyard.api.wire import Document, Empty
from taskyard.server.call import Call, reads, writes
from taskyard.server.domain import preferences, search
from taskyard.server.domain.company import COMPANY_NAME
from taskyard.server.domain.roles import outranks
from taskyard.server.services.auth import remove_user
from taskyard.server.store import tables, users
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import documents, references
from taskyard.server.store.documents.kinds import USER

DETAILS = ("given_name", "family_name", "avatar")
DOWNLOAD_LIMIT = 1_000_000
"""The most rows a page may ask to download."""


@reads(api.GetById)
def get_by_id(tx: Tx, call: Call, request: api.GetById) -> api.UserResponse:
    return api.UserResponse(user=_with_company(documents.get(tx, USER, request.user, call)))


@reads(api.GetCurrentUser)
def get_current_user(tx: Tx, call: Call, request: api.GetCurrentUser) -> api.CurrentUserResponse:
    user = _with_company(documents.get(tx, USER, call.user, call))
    # A role given in the token (acting for somebody) is the one that counts.
    user["role"] = call.role
    row = users.row(tx, call.user)
    user["preferences"] = row.doc.get("preferences", {}) if row else {}
    settings = {"max_download_items": DOWNLOAD_LIMIT}
    return api.CurrentUserResponse(user=user, getting_started=None, settings=settings)


def _with_company(user: Document) -> Document:
    return {**_public(user), "company": {"id": user.get("company", ""), "name": COMPANY_NAME}}


@reads(api.GetAll)
def get_all(tx: Tx, call: Call, request: api.GetAll) -> api.UsersResponse:
    return api.UsersResponse(users=_find(tx, call))


@reads(api.GetAllEx)
def get_all_ex(tx: Tx, call: Call, request: api.GetAllEx) -> api.UsersResponse:
    extra = []
    if request.active_in_projects is not None:
        extra.append(tables.users.c.id.in_(_active_in(tx, call, request.active_in_projects)))
    found = _find(tx, call, *extra)
    references.expand(tx, USER, call, found, search.projection(call.body))
    return api.UsersResponse(users=found)


def _find(tx: Tx, call: Call, *extra: ColumnElement[bool]) -> list[Document]:
    found = documents.find(tx, USER, call, call.body, *extra)
    return [_public(user) for user in found]


def _public(user: Document) -> Document:
    # A projection may name them, but preferences are nobody else's.
    return {k: v for k, v in user.items() if k not in {"preferences", "fixed"}}


def _active_in(tx: Tx, call: Call, projects: list[str]) -> Any:
    tasks = tables.tasks
    query = select(tasks.c.user).where(tasks.c.company == call.company, tasks.c.user.is_not(None))
    if not projects:
        return query
    return query.where(tasks.c.project.in_(documents.with_descendants(tx, projects)))


@writes(api.Create)
def create(tx: Tx, call: Call, request: api.Create) -> Empty:
    if request.company not in {None, "", call.company}:
        raise ApiError(INVALID_ID, "there is no such company", company=request.company)
    details = {k: v for k in DETAILS if (v := getattr(request, k)) is not None}
    users.create(tx, request.name, id=request.id, company=call.company, details=details)
    return Empty()


@writes(api.Update)
def update(tx: Tx, call: Call, request: api.Update) -> api.UpdatedResponse:
    if request.user != call.user:
        if not call.is_admin:
            raise ApiError(FORBIDDEN, "only administrators change others", role=call.role)
        user = users.get(tx, request.user, call.company)
        if outranks(user.role, call.role):
            raise users.above(user)
    row = users.locked(tx, request.user)
    if row is None:
        raise ApiError(INVALID_USER_ID, id=request.user)
    details = {k: v for k in DETAILS if (v := getattr(request, k)) is not None}
    if details:
        users.set_details(tx, request.user, {**row.doc, **details})
    if request.name is not None:
        users.change(tx, request.user, name=request.name)
        details["name"] = request.name
    return api.UpdatedResponse(updated=int(bool(details)), fields=details)


@writes(api.Delete)
def delete(tx: Tx, call: Call, request: api.Delete) -> api.DeletedResponse:
    return api.DeletedResponse(deleted=remove_user(tx, call, request.user))


@reads(api.GetPreferences)
def get_preferences(tx: Tx, call: Call, request: api.GetPreferences) -> api.PreferencesResponse:
    row = users.row(tx, call.user)
    return api.PreferencesResponse(preferences=row.doc.get("preferences", {}) if row else {})


@writes(api.SetPreferences)
def set_preferences(tx: Tx, call: Call, request: api.SetPreferences) -> api.UpdatedResponse:
    row = users.locked(tx, call.user)
    if row is None:
        raise ApiError(INVALID_USER_ID, id=call.user)
    wanted = preferences.changed(row.doc.get("preferences", {}), request.preferences)
    users.set_details(tx, call.user, {**row.doc, "preferences": wanted})
    return api.UpdatedResponse(updated=1, fields={"preferences": wanted})
