"""Logging in and out, key pairs, and the accounts behind them."""

from __future__ import annotations

from typing import Literal

from taskyard.api.wire import Document, Request, Response, action

GivenRole = Literal["admin", "superuser", "user", "annotator", "guest"]


class TokenResponse(Response):
    token: str


@action("auth.login", answers=TokenResponse)
class Login(Request):
    """Get a token: with a key pair, a name and a password, or an older token."""

    expiration_sec: int | None = None
    """How long the token should live, in seconds; at most a year."""


@action("auth.logout")
class Logout(Request):
    """End the session: none of its tokens is taken any more."""


@action("auth.get_token_for_user", answers=TokenResponse, access="admin")
class GetTokenForUser(Request):
    """Get a token that speaks for another user."""

    user: str
    company: str | None = None
    expiration_sec: int | None = None


class ValidateTokenResponse(Response):
    valid: bool
    user: str | None = None
    company: str | None = None
    msg: str | None = None
    """Why it is not valid."""


@action("auth.validate_token", answers=ValidateTokenResponse)
class ValidateToken(Request):
    """Say whether a token is good, and whose it is."""

    token: str


class ValidateUserResponse(Response):
    valid: bool
    user: str | None = None


@action("auth.validate_user", answers=ValidateUserResponse, access="admin")
class ValidateUser(Request):
    """Say whether an e-mail address belongs to a user."""

    email: str


class IdResponse(Response):
    id: str


@action("auth.create_user", answers=IdResponse, access="admin")
class CreateUser(Request):
    """Add a user. With a username and a password they can log in without a key pair."""

    name: str
    email: str | None = None
    company: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    avatar: str | None = None
    role: GivenRole = "user"
    username: str | None = None
    password: str | None = None


class UpdatedResponse(Response):
    updated: int
    """How many were changed: 0 or 1."""
    fields: Document
    """The fields that changed, with their new values."""


@action("auth.edit_user", answers=UpdatedResponse, access="admin")
class EditUser(Request):
    """Change the role of a user."""

    user: str
    role: GivenRole | None = None


class DeletedResponse(Response):
    deleted: int
    """How many were deleted: 0 or 1."""


@action("auth.delete_user", answers=DeletedResponse, access="admin")
class DeleteUser(Request):
    """Delete a user with their key pairs. What they made stays."""

    user: str


class NewCredentials(Response):
    access_key: str
    secret_key: str
    label: str | None


class NewCredentialsResponse(Response):
    credentials: NewCredentials


@action("auth.create_credentials", answers=NewCredentialsResponse)
class CreateCredentials(Request):
    """Make a key pair for the caller. Its secret is shown this once."""

    label: str | None = None


class CredentialKey(Response):
    """A key pair without its secret."""

    access_key: str
    label: str | None
    last_used: str | None
    last_used_from: str | None


class CredentialsResponse(Response):
    credentials: list[CredentialKey]
    additional_credentials: Document
    """Keys for other companies. Always empty: a user of this server belongs to one."""


@action("auth.get_credentials", answers=CredentialsResponse)
class GetCredentials(Request):
    """List the caller's key pairs, without the secrets."""


class EditedResponse(Response):
    updated: int


@action("auth.edit_credentials", answers=EditedResponse, since="2.19")
class EditCredentials(Request):
    """Label a key pair of the caller."""

    access_key: str
    label: str | None = None


class RevokedResponse(Response):
    revoked: int


@action("auth.revoke_credentials", answers=RevokedResponse)
class RevokeCredentials(Request):
    """Delete a key pair of the caller. Tokens made with it live until they expire."""

    access_key: str


class Guest(Response):
    enabled: bool


class FixedUsersModeResponse(Response):
    enabled: bool
    guest: Guest


@action("auth.fixed_users_mode", answers=FixedUsersModeResponse, access="open")
class FixedUsersMode(Request):
    """Say whether users come from the configuration file, and whether guests may enter."""
