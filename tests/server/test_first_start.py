"""What the first start makes, and the users of the configuration file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from taskyard.server.domain.company import COMPANY
from taskyard.server.domain.credentials import password_matches, secret_matches
from taskyard.server.settings import FixedUser, Settings
from taskyard.server.store import users
from taskyard.server.store.database import databases, schema
from taskyard.server.store.database.engine import Database, Tx

T = TypeVar("T")


class Store:
    """An empty control database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = self.open()
        schema.upgrade(self.database.engine, "control")

    def open(self) -> Database:
        return databases.connect(self.url, lambda _topics: None)

    def write(self, work: Callable[[Tx], T]) -> T:
        async def run() -> T:
            return await self.database.write(work)

        return asyncio.run(run())

    def start(self, *configured: FixedUser) -> users.FirstKeys | None:
        return self.write(lambda tx: users.ensure_first(tx, Settings(users=list(configured))))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    found = Store(database_url)
    yield found
    found.database.close()


ADA = FixedUser(name="Ada", username="ada", password="correct horse")
BOT = FixedUser(name="Bot", username="bot", access_key="BOTKEY", secret_key="bot secret")
ROOT = FixedUser(name="Root", username="root", role="admin", password="pw")


def test_the_first_start_makes_an_administrator_with_keys(store: Store) -> None:
    keys = store.start()
    assert keys is not None
    known = store.write(lambda tx: users.find_key(tx, keys.access_key))
    assert known is not None
    assert known.user.role == "admin"
    assert secret_matches(keys.secret_key, known.secret_hash)


def test_later_starts_make_no_more(store: Store) -> None:
    store.start()
    assert store.start() is None


def test_the_secret_is_kept_nowhere_in_clear(store: Store) -> None:
    keys = store.start()
    assert keys is not None
    rows = store.write(lambda tx: str(tx.execute(users.credentials.select()).all()))
    assert keys.secret_key not in rows


def test_printing_the_first_keys_does_not_show_the_secret(store: Store) -> None:
    keys = store.start()
    assert keys is not None
    assert keys.secret_key not in repr(keys)


def test_a_configured_administrator_needs_no_other(store: Store) -> None:
    assert store.start(ROOT) is None
    found = store.write(lambda tx: [row.id for row in tx.execute(users.users.select())])
    assert found == [users.user_id(COMPANY, "root")]


def test_the_signing_key_stays(store: Store) -> None:
    assert store.write(users.signing_key) == store.write(users.signing_key)


def test_servers_that_start_together_agree(store: Store) -> None:
    databases = [store.open() for _ in range(4)]

    async def all_start() -> list[tuple[bytes, users.FirstKeys | None]]:
        def start(tx: Tx) -> tuple[bytes, users.FirstKeys | None]:
            return users.signing_key(tx), users.ensure_first(tx, Settings(users=[ADA, BOT]))

        return await asyncio.gather(*(database.write(start) for database in databases))

    found = asyncio.run(all_start())
    for database in databases:
        database.close()
    assert len({key for key, _ in found}) == 1
    assert sum(keys is not None for _, keys in found) == 1


def test_a_configured_user_has_their_password(store: Store) -> None:
    store.start(ADA)
    found = store.write(lambda tx: users.find_by_name(tx, "ada"))
    assert found is not None
    assert found.password is not None
    assert password_matches("correct horse", found.password)


def test_a_configured_user_has_their_keys(store: Store) -> None:
    store.start(BOT)
    known = store.write(lambda tx: users.find_key(tx, "BOTKEY"))
    assert known is not None
    assert (known.user.name, secret_matches("bot secret", known.secret_hash)) == ("Bot", True)


def test_a_changed_configuration_is_followed(store: Store) -> None:
    store.start(ADA)
    changed = FixedUser(name="Ada L.", username="ada", password="new horse", role="admin")
    store.start(changed)
    found = store.write(lambda tx: users.find_by_name(tx, "ada"))
    assert found is not None
    assert (found.name, found.role) == ("Ada L.", "admin")
    assert found.password is not None
    assert password_matches("new horse", found.password)


def test_an_unchanged_password_keeps_its_hash(store: Store) -> None:
    def kept(tx: Tx) -> str | None:
        found = users.find_by_name(tx, "ada")
        return found.password if found else None

    store.start(ADA)
    before = store.write(kept)
    store.start(ADA)
    assert store.write(kept) == before


def test_a_secret_that_changed_in_the_configuration_replaces_the_old(store: Store) -> None:
    store.start(BOT)
    store.start(FixedUser(name="Bot", username="bot", access_key="BOTKEY", secret_key="new"))
    known = store.write(lambda tx: users.find_key(tx, "BOTKEY"))
    assert known is not None
    assert secret_matches("new", known.secret_hash)


def test_a_user_taken_out_of_the_configuration_cannot_log_in(store: Store) -> None:
    store.start(ADA, BOT)
    store.start()
    ada = store.write(lambda tx: users.find_by_name(tx, "ada"))
    assert ada is not None
    assert ada.password is None
    assert store.write(lambda tx: users.find_key(tx, "BOTKEY")) is None


def test_keys_that_a_configured_user_made_stay(store: Store) -> None:
    store.start(ADA)
    ada = users.user_id(COMPANY, "ada")
    made = store.write(lambda tx: users.add_keys(tx, ada))
    store.start(ADA)
    assert store.write(lambda tx: users.find_key(tx, made.access)) is not None
