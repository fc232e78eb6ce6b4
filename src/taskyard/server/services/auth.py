"""Tokens and key pairs, and the accounts behind them."""

from __future__ import annotations

import asyncio
from typing import Any

from taskyard.api import auth as api
from taskyard.api.errors import INVALID_ID, VALIDATION, ApiError
from taskyard.api.wire import Empty
from taskyard.server.auth import COOKIE
from taskyard.server.call import Call, reads, serves, writes
from taskyard.server.domain.credentials import hash_password
from taskyard.server.domain.roles import outranks
from taskyard.server.guard import LONGEST, Identity
from taskyard.server.store import users
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire


@serves(api.Login)
async def login(call: Call, request: api.Login) -> api.TokenResponse:
    identity = Identity(call.user, call.user_name, call.company, call.role)
    token = _issue(call, identity, request.expiration_sec, session=call.session or None)
    call.cookies[COOKIE] = token
    return api.TokenResponse(token=token)


@serves(api.GetTokenForUser)
async def get_token_for_user(call: Call, request: api.GetTokenForUser) -> api.TokenResponse:
    company = request.company or call.company
    user = await call.server.control.read(lambda tx: users.get(tx, request.user, company))
    _refuse_above(call, user)
    identity = Identity(user.id, user.name, user.company, user.role)
    return api.TokenResponse(token=_issue(call, identity, request.expiration_sec))


def _issue(call: Call, identity: Identity, wanted: int | None, session: str | None = None) -> str:
    lifetime = wanted if wanted and wanted > 0 else call.server.settings.token_lifetime
    return call.server.guard.tokens.issue(
        identity, expires_in=min(lifetime, LONGEST), session=session
    )


@writes(api.Logout)
def logout(tx: Tx, call: Call, request: api.Logout) -> Empty:
    end_session(tx, call)
    return Empty()


def end_session(tx: Tx, call: Call) -> None:
    """Refuse the tokens of the caller's session from now on, and clear the cookie."""
    call.cookies[COOKIE] = None
    if call.session:
        users.revoke_session(tx, call.session, tx.now + LONGEST * 1_000_000)


@reads(api.ValidateToken)
def validate_token(tx: Tx, call: Call, request: api.ValidateToken) -> api.ValidateTokenResponse:
    try:
        identity = call.server.guard.tokens.verify(request.token)
        users.require_session(tx, identity.user, identity.session)
    except ApiError as error:
        return api.ValidateTokenResponse(valid=False, msg=error.what)
    return api.ValidateTokenResponse(valid=True, user=identity.user, company=identity.company)


@reads(api.ValidateUser)
def validate_user(tx: Tx, call: Call, request: api.ValidateUser) -> api.ValidateUserResponse:
    user = users.find_by_name(tx, request.email)
    if user is None or user.company != call.company:
        return api.ValidateUserResponse(valid=False)
    return api.ValidateUserResponse(valid=True, user=user.id)


@serves(api.CreateUser)
async def create_user(call: Call, request: api.CreateUser) -> api.IdResponse:
    if request.company not in {None, "", call.company}:
        raise ApiError(INVALID_ID, "there is no such company", company=request.company)
    if request.password and not (request.username or request.email):
        raise ApiError(VALIDATION, "a password needs a username or an e-mail address to log in by")
    details = {
        name: value
        for name in ("given_name", "family_name", "avatar")
        if (value := getattr(request, name)) is not None
    }
    # Slow on purpose, so not where other writes would wait for it.
    hashed = await asyncio.to_thread(hash_password, request.password) if request.password else None

    def create(tx: Tx) -> str:
        return users.create(
            tx,
            request.name,
            company=call.company,
            role=request.role,
            username=request.username or "",
            password_hash=hashed,
            email=request.email,
            details=details,
        )

    return api.IdResponse(id=await call.server.control.write(create))


@writes(api.EditUser)
def edit_user(tx: Tx, call: Call, request: api.EditUser) -> api.UpdatedResponse:
    user = users.get(tx, request.user, call.company)
    _refuse_above(call, user)
    if request.role is None or request.role == user.role:
        return api.UpdatedResponse(updated=0, fields={})
    users.keep_an_admin(tx, user, role=request.role)
    updated = users.change(tx, user.id, role=request.role)
    return api.UpdatedResponse(updated=updated, fields={"role": request.role})


@writes(api.DeleteUser)
def delete_user(tx: Tx, call: Call, request: api.DeleteUser) -> api.DeletedResponse:
    return api.DeletedResponse(deleted=remove_user(tx, call, request.user))


def remove_user(tx: Tx, call: Call, id: str) -> int:
    """Delete a user below the caller. Raises ApiError for an unknown one and the last admin."""
    user = users.get(tx, id, call.company)
    _refuse_above(call, user)
    users.keep_an_admin(tx, user)
    return users.remove(tx, id)


def _refuse_above(call: Call, user: users.User) -> None:
    if outranks(user.role, call.role):
        raise users.above(user)


@writes(api.CreateCredentials)
def create_credentials(
    tx: Tx, call: Call, request: api.CreateCredentials
) -> api.NewCredentialsResponse:
    keys = users.add_keys(tx, call.user, label=request.label)
    made = api.NewCredentials(access_key=keys.access, secret_key=keys.secret, label=request.label)
    return api.NewCredentialsResponse(credentials=made)


@reads(api.GetCredentials)
def get_credentials(tx: Tx, call: Call, request: api.GetCredentials) -> api.CredentialsResponse:
    found = [_shown(row) for row in users.list_keys(tx, call.user)]
    return api.CredentialsResponse(credentials=found, additional_credentials={})


def _shown(row: Any) -> api.CredentialKey:
    return api.CredentialKey(
        access_key=row.access_key,
        label=row.label,
        last_used=to_wire(row.last_used),
        last_used_from=row.last_used_from,
    )


@writes(api.EditCredentials)
def edit_credentials(tx: Tx, call: Call, request: api.EditCredentials) -> api.EditedResponse:
    updated = users.label_key(tx, call.user, request.access_key, request.label)
    return api.EditedResponse(updated=updated)


@writes(api.RevokeCredentials)
def revoke_credentials(tx: Tx, call: Call, request: api.RevokeCredentials) -> api.RevokedResponse:
    return api.RevokedResponse(revoked=users.revoke_key(tx, call.user, request.access_key))


@serves(api.FixedUsersMode)
async def fixed_users_mode(call: Call, request: api.FixedUsersMode) -> api.FixedUsersModeResponse:
    enabled = bool(call.server.settings.users)
    return api.FixedUsersModeResponse(enabled=enabled, guest=api.Guest(enabled=False))
