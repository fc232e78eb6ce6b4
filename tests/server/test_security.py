"""Every action, as the registry has them: who may call it, and whose objects it reaches."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from taskyard.api.wire import Action
from taskyard.client.http import Connection
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx
from tests.beds.server import Api, Running
from tests.server.requests import holds, least, newest

ACTIONS = newest()
GUARDED = [a for a in ACTIONS if a.access != "open"]
FOR_ADMINS = [a for a in ACTIONS if a.access == "admin"]

OTHERS = "another company"


def named(actions: list[Action]) -> list[Any]:
    return [pytest.param(a, id=a.name) for a in actions]


def meta_of(body: bytes) -> dict[str, Any]:
    return dict(msgspec.json.decode(body)["meta"])


def code(body: bytes) -> tuple[int, int]:
    meta = meta_of(body)
    return meta["result_code"], meta["result_subcode"]


@pytest.fixture(scope="module")
def stranger(server: Running) -> Connection:
    return Connection(server.url)


@pytest.mark.parametrize("action", named(GUARDED))
def test_nobody_gets_in_without_credentials(stranger: Connection, action: Action) -> None:
    answer = stranger.request("POST", f"/{action.name}", msgspec.json.encode(least(action)), {})
    assert code(answer.body) == (401, 20)


def test_what_is_open_to_all_is_harmless() -> None:
    assert {a.name for a in ACTIONS if a.access == "open"} == {
        "auth.fixed_users_mode",
        "debug.ping",
        "login.logout",
        "login.supported_modes",
    }


@pytest.fixture(scope="module")
def plain_user(server: Running) -> Api:
    """A user who does not administer the server."""
    admin = Api(server)
    made = admin("auth.create_user", name="plain", role="user")["id"]
    acting = {"X-ClearML-Impersonate-As": made}
    answer = admin.send("POST", "/auth.create_credentials", b"{}", acting)
    keys = msgspec.json.decode(answer.body)["data"]["credentials"]
    return admin.as_user(keys["access_key"], keys["secret_key"])


@pytest.mark.parametrize("action", named(FOR_ADMINS))
def test_what_is_for_administrators_is_refused_to_others(plain_user: Api, action: Action) -> None:
    answer = plain_user.send("POST", f"/{action.name}", msgspec.json.encode(least(action)))
    assert code(answer.body) == (403, 20)


def test_a_user_cannot_change_another_user(plain_user: Api, api: Api) -> None:
    other = api("users.get_current_user")["user"]["id"]
    answer = plain_user.send(
        "POST", "/users.update", msgspec.json.encode({"user": other, "name": "mine now"})
    )
    assert code(answer.body)[0] in {400, 403}


# --- objects of another company ------------------------------------------------------------


@dataclass(frozen=True)
class Foreign:
    """Ids of another company's objects, by the word that requests name them with."""

    task: str
    project: str
    model: str
    queue: str
    user: str
    worker: str

    def all(self) -> list[str]:
        return [self.task, self.project, self.model, self.queue, self.user, self.worker]


UNKNOWN = Foreign(*(f"{number:032x}" for number in range(1, 7)))
OWNED = (tables.tasks, tables.projects, tables.models, tables.queues, tables.users)


@pytest.fixture(scope="module")
def foreign(server: Running) -> Foreign:
    api = Api(server)
    word = uuid.uuid4().hex
    project = api("projects.create", name=f"foreign {word}")["id"]
    task = api("tasks.create", name="secret name", type="training", project=project)["id"]
    model = api("models.create", name="secret name", uri="file:///secret", task=task)["id"]
    queue = api("queues.create", name=f"foreign {word}")["id"]
    api("tasks.enqueue", task=task, queue=queue)
    user = api("auth.create_user", name=f"foreign {word}")["id"]
    worker = f"foreign {word}"
    api("workers.register", worker=worker, queues=[queue])
    made = Foreign(task, project, model, queue, user, worker)

    def give_away(tx: Tx) -> None:
        for table in OWNED:
            tx.execute(update(table).where(table.c.id.in_(made.all())).values(company=OTHERS))
        known = tables.workers
        key = f"{OTHERS}:{worker}"
        tx.execute(update(known).where(known.c.id == worker).values(company=OTHERS, key=key))

    server.await_(server.server.control.write(give_away))
    return made


@pytest.fixture
def untouched(server: Running, foreign: Foreign) -> Iterator[None]:
    """What the other company has is the same after the test as before."""

    def look(tx: Tx) -> list[Any]:
        rows: list[Any] = []
        for table in (*OWNED, tables.workers):
            rows += tx.execute(select(table).where(table.c.company == OTHERS)).all()
        entries = tables.entries
        rows += tx.execute(select(entries).where(entries.c.queue == foreign.queue)).all()
        return [tuple(row) for row in rows]

    before = server.await_(server.server.control.read(look))
    assert len(before) == len(foreign.all()) + 1
    yield
    assert server.await_(server.server.control.read(look)) == before


KINDS = {
    "task": "task",
    "tasks": "task",
    "parent": "task",
    "new_task_parent": "task",
    "new_task_project": "project",
    "project": "project",
    "projects": "project",
    "destination_project": "project",
    "model": "model",
    "models": "model",
    "queue": "queue",
    "queues": "queue",
    "queue_ids": "queue",
    "last_queue": "queue",
    "user": "user",
    "worker": "worker",
    "worker_ids": "worker",
}
"""Which kind of object a field names; ``id`` and ``ids`` are of the service's own kind."""

SERVICES = {
    "tasks": "task",
    "reports": "task",
    "pipelines": "task",
    "models": "model",
    "projects": "project",
    "queues": "queue",
    "users": "user",
}


def naming(action: Action) -> list[tuple[str, str]]:
    """The fields of a request that name objects, with the kind of each."""
    found = []
    for field in msgspec.structs.fields(action.request):
        kind = KINDS.get(field.name)
        if field.name in {"id", "ids"}:
            kind = SERVICES.get(action.service)
        if kind and holds(field.type) != "other":
            found.append((field.name, kind))
    return found


REACHING = [
    pytest.param(action, field, kind, id=f"{action.name}-{field}")
    for action in ACTIONS
    for field, kind in naming(action)
    # Anybody may make a worker of any name; the name is then the caller's company's own.
    if (action.name, field)
    not in {
        ("workers.register", "worker"),
        ("workers.status_report", "worker"),
        ("attempts.take", "worker"),
        ("attempts.renew", "worker"),
        ("users.create", "id"),
    }
]


DETAILS: dict[str, dict[str, Any]] = {
    "models.move": {"project_name": "here"},
    "reports.move": {"project_name": "here"},
    "tasks.move": {"project_name": "here"},
    "queues.add_or_update_metadata": {"metadata": [{"key": "k", "value": "v"}]},
    "queues.get_queue_metrics": {"from_date": 1, "to_date": 2},
    "workers.get_stats": {"from_date": 1, "to_date": 2},
    "workers.get_timeline": {"from_date": 1, "to_date": 2},
}
"""What a few actions want beyond the fields they declare as required."""


def answer_about(api: Api, action: Action, field: str, kind: str, ids: Foreign) -> Any:
    """What an action answers about an object, with all ids written as words."""
    by_name = {f.name: f.type for f in msgspec.structs.fields(action.request)}
    body = least(action) | DETAILS.get(action.name, {})
    for name, of_kind in naming(action):
        if name == field or name in body:
            id = getattr(ids, of_kind)
            body[name] = [id] if holds(by_name[name]) == "texts" else id
    raw = api.send("POST", f"/{action.name}", msgspec.json.encode(body)).body
    assert b"secret name" not in raw
    text = raw.decode()
    for name in Foreign.__dataclass_fields__:
        text = text.replace(getattr(ids, name), f"<{name}>")
    # Workers of one's own may have these names by now: when they were told something is no secret.
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "<moment>", text)
    answer = msgspec.json.decode(text)
    meta = answer["meta"]
    return meta["result_code"], meta["result_subcode"], meta["result_msg"], answer["data"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("action", "field", "kind"), REACHING)
def test_what_belongs_to_others_is_as_good_as_unknown(
    api: Api, foreign: Foreign, action: Action, field: str, kind: str
) -> None:
    seen = answer_about(api, action, field, kind, foreign)
    assert seen[:2] not in {(400, 11), (400, 12)}, "the request is not fit to reach an object"
    assert seen == answer_about(api, action, field, kind, UNKNOWN)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "name", [a.name for a in ACTIONS if a.name.partition(".")[2] in {"get_all", "get_all_ex"}]
)
def test_no_list_shows_what_belongs_to_others(api: Api, foreign: Foreign, name: str) -> None:
    body = msgspec.json.encode({"search_hidden": True, "task": "x"})
    raw = api.send("POST", f"/{name}", body).body.decode()
    assert not [id for id in foreign.all() if id in raw]
