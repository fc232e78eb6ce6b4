"""Users, their key pairs and their sessions in the database, and what the first start makes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Insert, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskyard.api.errors import (
    CONFLICTING_FIELDS,
    FORBIDDEN,
    INVALID_TOKEN,
    INVALID_USER,
    INVALID_USER_ID,
    USER_ID_EXISTS,
    ApiError,
)
from taskyard.server.domain.company import COMPANY
from taskyard.server.domain.credentials import (
    Keys,
    hash_password,
    hash_secret,
    make_keys,
    password_matches,
    secret_matches,
)
from taskyard.server.domain.roles import ADMIN_ROLES
from taskyard.server.settings import FixedUser, Settings
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx

FIXED_LABEL = "configuration file"
"""The label of key pairs that the configuration file gives."""

users, credentials, settings = tables.users, tables.credentials, tables.settings
revoked = tables.revoked_sessions


class FirstKeys(NamedTuple):
    """The key pair of the first administrator: shown once, and kept nowhere in clear."""

    user: str
    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"FirstKeys(user={self.user!r}, access_key={self.access_key!r})"


@dataclass(frozen=True, slots=True)
class User:
    """Who somebody is, as far as access goes."""

    id: str
    name: str
    company: str
    role: str
    password: str | None = None


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key pair as it is kept, with the user it speaks for."""

    access: str
    secret_hash: str
    last_used: int
    user: User


def user_id(company: str, username: str) -> str:
    """The id of a user who logs in by name: the same in every installation."""
    return hashlib.md5(f"{company}:{username}".encode(), usedforsecurity=False).hexdigest()


def signing_key(tx: Tx) -> bytes:
    """The key that signs tokens: made once, the same for every server on this database."""
    _insert_once(tx, "signing_key", secrets.token_bytes(32))
    found = tx.execute(
        select(settings.c.value).where(settings.c.name == "signing_key")
    ).scalar_one()
    return bytes(found)


def installation_id(tx: Tx) -> str:
    """A word for this installation that says nothing about its key."""
    query = select(settings.c.value).where(settings.c.name == "signing_key")
    key = bytes(tx.execute(query).scalar_one())
    return hashlib.blake2b(key, person=b"installation", digest_size=16).hexdigest()


def ensure_first(tx: Tx, given: Settings) -> FirstKeys | None:
    """Bring the users of the configuration in; make an administrator if there is none.

    Returns the administrator's keys the one time they are made.
    """
    _sync_fixed(tx, given.users)
    if not _insert_once(tx, "first_start", b"done"):
        return None
    if any(user.role in ADMIN_ROLES for user in given.users):
        return None
    admin = create(tx, "admin", role="admin", username="admin")
    keys = add_keys(tx, admin, label="made at the first start")
    return FirstKeys(admin, keys.access, keys.secret)


def _insert_once(tx: Tx, name: str, value: bytes) -> bool:
    """Keep ``value`` under ``name`` unless there is one. True when this call did it."""
    statement = _on_conflict(tx, settings).values(name=name, value=value)
    return tx.execute(statement).rowcount == 1


def _on_conflict(tx: Tx, table: Any) -> Insert:
    # Two servers may start at once on one PostgreSQL: the second waits for, and keeps, the first's.
    if tx.dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _sync_fixed(tx: Tx, given: list[FixedUser]) -> None:
    wanted = {user_id(COMPANY, user.username): user for user in given}
    rows = tx.execute(select(users.c.id, users.c.doc)).all()
    for gone in [row.id for row in rows if row.doc.get("fixed") and row.id not in wanted]:
        tx.execute(update(users).where(users.c.id == gone).values(password=None))
        _drop_fixed_keys(tx, gone, keep="")
    for id, user in wanted.items():
        _sync_one(tx, id, user)


def _sync_one(tx: Tx, id: str, wanted: FixedUser) -> None:
    row = tx.execute(select(users.c.password, users.c.doc).where(users.c.id == id)).first()
    kept = row.password if row else None
    password = kept
    if not wanted.password:
        password = None
    elif kept is None or not password_matches(wanted.password, kept):
        password = hash_password(wanted.password)
    values: dict[str, Any] = {"name": wanted.name, "role": wanted.role, "password": password}
    doc = {**(row.doc if row else {}), "username": wanted.username, "fixed": True}
    if row is None:
        new = {"id": id, "company": COMPANY, "created": tx.now, "doc": doc, **values}
        tx.execute(_on_conflict(tx, users).values(**new))
    else:
        tx.execute(update(users).where(users.c.id == id).values(doc=doc, **values))
    _drop_fixed_keys(tx, id, keep=wanted.access_key)
    if wanted.access_key:
        _keep_fixed_key(tx, id, wanted)


def _drop_fixed_keys(tx: Tx, user: str, *, keep: str) -> None:
    tx.execute(
        delete(credentials).where(
            credentials.c.user == user,
            credentials.c.label == FIXED_LABEL,
            credentials.c.access_key != keep,
        )
    )


def _keep_fixed_key(tx: Tx, user: str, wanted: FixedUser) -> None:
    known = find_key(tx, wanted.access_key)
    if known and known.user.id == user and secret_matches(wanted.secret_key, known.secret_hash):
        return
    kept = {"secret_hash": hash_secret(wanted.secret_key), "user": user, "label": FIXED_LABEL}
    if known:
        mine = credentials.c.access_key == wanted.access_key
        tx.execute(update(credentials).where(mine).values(**kept))
    else:
        new = {"access_key": wanted.access_key, "created": tx.now, **kept}
        tx.execute(_on_conflict(tx, credentials).values(**new))


def create(
    tx: Tx,
    name: str,
    *,
    id: str = "",
    company: str = COMPANY,
    role: str = "user",
    username: str = "",
    password_hash: str | None = None,
    email: str | None = None,
    details: dict[str, Any] | None = None,
) -> str:
    """Add a user; returns the id, which follows from the username where there is one.

    Raises ApiError: USER_ID_EXISTS for a taken id, CONFLICTING_FIELDS for a taken e-mail address.
    """
    id = id or (user_id(company, username) if username else secrets.token_hex(16))
    if email and _has_email(tx, email):
        raise ApiError(CONFLICTING_FIELDS, "another user has this e-mail address", email=email)
    doc = dict(details or {})
    if username:
        doc["username"] = username
    values = {
        "id": id,
        "company": company,
        "name": name,
        "role": role,
        "email": email,
        "password": password_hash,
        "created": tx.now,
        "doc": doc,
    }
    if tx.execute(_on_conflict(tx, users).values(**values)).rowcount == 0:
        raise ApiError(USER_ID_EXISTS, id=id)
    return id


def _has_email(tx: Tx, email: str) -> bool:
    # Of two who come with one address at once, the second waits here until the first is known.
    tx.execute(select(users.c.id).order_by(users.c.id).limit(1).with_for_update())
    return tx.execute(select(users.c.id).where(users.c.email == email)).first() is not None


def find(tx: Tx, id: str) -> User | None:
    """The user with this id, or None."""
    row = tx.execute(select(users).where(users.c.id == id)).first()
    return _user(row) if row else None


def only_admin(tx: Tx) -> User | None:
    """The administrator of the first start, as long as nobody signs in with a password."""
    if tx.execute(select(users.c.id).where(users.c.password.is_not(None))).first():
        return None
    admins = select(users).where(users.c.role == "admin").order_by(users.c.created, users.c.id)
    row = tx.execute(admins.limit(1)).first()
    return _user(row) if row else None


def find_by_name(tx: Tx, name: str) -> User | None:
    """The user who logs in as ``name`` (a username or an e-mail address), or None."""
    row = tx.execute(select(users).where(users.c.id == user_id(COMPANY, name))).first()
    if row is None:
        row = tx.execute(select(users).where(users.c.email == name)).first()
    return _user(row) if row else None


def names(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """The names of users, by id; unknown ones are left out."""
    rows = tx.execute(select(users.c.id, users.c.name).where(users.c.id.in_(sorted(ids))))
    return {row.id: row.name for row in rows}


def get(tx: Tx, id: str, company: str) -> User:
    """The user with this id. Raises ApiError(INVALID_USER_ID) when the company has none."""
    found = find(tx, id)
    if found is None or found.company != company:
        raise ApiError(INVALID_USER_ID, id=id)
    return found


def _user(row: Row[Any]) -> User:
    return User(row.id, row.name, row.company, row.role, row.password)


def above(user: User) -> ApiError:
    """The refusal to touch a user who ranks above the caller."""
    return ApiError(FORBIDDEN, "the user's role is above yours", user=user.id, role=user.role)


def keep_an_admin(tx: Tx, user: User, *, role: str = "") -> None:
    """Raise ApiError(INVALID_USER) if nobody could administer the server without ``user``.

    ``role`` is what the user is about to become; empty when they are about to go.
    """
    if user.role not in ADMIN_ROLES or role in ADMIN_ROLES:
        return
    others = users.c.role.in_(ADMIN_ROLES) & (users.c.id != user.id)
    if tx.execute(select(users.c.id).where(others)).first() is None:
        raise ApiError(
            INVALID_USER,
            "this is the last administrator",
            hint="Make another user an administrator first.",
            user=user.id,
        )


def require_session(tx: Tx, id: str, session: str) -> User:
    """The user of a session that goes on. Raises ApiError(INVALID_TOKEN) when it has ended."""
    user = find(tx, id)
    ended = select(revoked.c.session).where(revoked.c.session == session)
    if user is None or tx.execute(ended).first() is not None:
        raise ApiError(INVALID_TOKEN, "the session has ended", hint="Log in again.")
    return user


def change(tx: Tx, id: str, **values: Any) -> int:
    """Set columns of a user; what servers remember about it is forgotten. Returns 0 or 1."""
    tx.signal(f"user:{id}")
    return tx.execute(update(users).where(users.c.id == id).values(**values)).rowcount


def row(tx: Tx, id: str) -> Row[Any] | None:
    """A user with everything that is kept about them, or None."""
    return tx.execute(select(users).where(users.c.id == id)).first()


def locked(tx: Tx, id: str) -> Row[Any] | None:
    """Like ``row``, and nobody else changes it before the transaction ends."""
    return tx.execute(select(users).where(users.c.id == id).with_for_update()).first()


def set_details(tx: Tx, id: str, details: dict[str, Any]) -> None:
    """Replace the document of a user."""
    tx.execute(update(users).where(users.c.id == id).values(doc=details))


def remove(tx: Tx, id: str) -> int:
    """Delete a user and their keys; their sessions end. Returns 0 or 1."""
    tx.signal(f"user:{id}")
    return tx.execute(delete(users).where(users.c.id == id)).rowcount


def add_keys(tx: Tx, user: str, *, label: str | None = None) -> Keys:
    """Make a key pair for a user. This is the only time its secret is seen."""
    keys = make_keys()
    tx.execute(
        credentials.insert().values(
            access_key=keys.access,
            secret_hash=hash_secret(keys.secret),
            user=user,
            label=label,
            created=tx.now,
        )
    )
    return keys


def find_key(tx: Tx, access: str) -> KnownKey | None:
    """A key pair and its user by the access key, or None."""
    joined = credentials.join(users, credentials.c.user == users.c.id)
    query = select(
        users, credentials.c.access_key, credentials.c.secret_hash, credentials.c.last_used
    )
    row = tx.execute(query.select_from(joined).where(credentials.c.access_key == access)).first()
    if row is None:
        return None
    return KnownKey(row.access_key, row.secret_hash, row.last_used or 0, _user(row))


def list_keys(tx: Tx, user: str) -> list[Row[Any]]:
    """The user's key pairs without their secrets, oldest first."""
    query = select(
        credentials.c.access_key,
        credentials.c.label,
        credentials.c.last_used,
        credentials.c.last_used_from,
    ).where(credentials.c.user == user)
    ordered = query.order_by(credentials.c.created, credentials.c.access_key)
    return list(tx.execute(ordered).all())


def label_key(tx: Tx, user: str, access: str, label: str | None) -> int:
    """Name a key pair of the user. Returns 0 when they have no such pair, else 1."""
    mine = (credentials.c.access_key == access) & (credentials.c.user == user)
    return tx.execute(update(credentials).where(mine).values(label=label)).rowcount


def revoke_key(tx: Tx, user: str, access: str) -> int:
    """Delete a key pair of the user. Returns 0 when they have no such pair, else 1."""
    tx.signal(f"key:{access}")
    mine = (credentials.c.access_key == access) & (credentials.c.user == user)
    return tx.execute(delete(credentials).where(mine)).rowcount


def touch_key(tx: Tx, access: str, used_from: str) -> None:
    """Note when and from where a key pair was last used."""
    mine = credentials.c.access_key == access
    values = {"last_used": tx.now, "last_used_from": used_from}
    tx.execute(update(credentials).where(mine).values(**values))


def revoke_session(tx: Tx, session: str, expires: int) -> None:
    """Refuse every token of a session. ``expires`` (microseconds) is when they end anyway."""
    tx.signal(f"session:{session}")
    tx.execute(delete(revoked).where(revoked.c.expires < tx.now))
    tx.execute(_on_conflict(tx, revoked).values(session=session, expires=expires))
