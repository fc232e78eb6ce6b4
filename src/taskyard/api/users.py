"""Users: who they are and what their pages look like."""

from __future__ import annotations

from typing import Any

from taskyard.api.wire import Document, Request, Response, action


class UserResponse(Response):
    user: Document


class UsersResponse(Response):
    users: list[Document]


@action("users.get_by_id", answers=UserResponse)
class GetById(Request):
    """One user by id."""

    user: str


class CurrentUserResponse(Response):
    user: Document
    getting_started: Document | None
    settings: Document


@action("users.get_current_user", answers=CurrentUserResponse)
class GetCurrentUser(Request):
    """The caller, with their company, and the server's settings for pages."""

    get_supported_features: bool = False


@action("users.get_all", answers=UsersResponse)
class GetAll(Request):
    """Users by filter, ordered and projected as the query says."""

    id: list[str] | str | None = None
    name: str | None = None
    role: list[str] | str | None = None
    only_fields: list[str] | str | None = None
    order_by: list[str] | str | None = None
    page: int | None = None
    page_size: int | None = None


@action("users.get_all_ex", answers=UsersResponse)
class GetAllEx(GetAll, kw_only=True):
    """Like ``get_all``; can also ask for those who have tasks in certain projects."""

    active_in_projects: list[str] | None = None
    """Ids of projects, which stand for those below too; an empty list stands for all."""


@action("users.create", access="admin")
class Create(Request):
    """Add a user under an id of the caller's choice."""

    id: str
    name: str
    company: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    avatar: str | None = None


class UpdatedResponse(Response):
    updated: int
    """How many were changed: 0 or 1."""
    fields: Document
    """The fields that changed, with their new values."""


@action("users.update", answers=UpdatedResponse)
class Update(Request):
    """Change how a user is called. People change themselves, administrators anybody."""

    user: str
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    avatar: str | None = None


class DeletedResponse(Response):
    deleted: int
    """How many were deleted: 0 or 1."""


@action("users.delete", answers=DeletedResponse, access="admin")
class Delete(Request):
    """Delete a user with their key pairs. What they made stays."""

    user: str


class PreferencesResponse(Response):
    preferences: Document


@action("users.get_preferences", answers=PreferencesResponse)
class GetPreferences(Request):
    """The caller's preferences."""


@action("users.set_preferences", answers=UpdatedResponse)
class SetPreferences(Request):
    """Change some of the caller's preferences."""

    preferences: dict[str, Any]
    """Values by dotted path: ``{"table.columns": [...]}`` leaves the rest of ``table`` alone."""
