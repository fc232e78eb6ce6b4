"""A data set: the database of a team with very many tasks, made once and kept in the cache.

Fifty people, two hundred projects of very different sizes, some tags, six parameters and four
metrics a task. Everything follows from a task's number: each making of it is the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text
from sqlalchemy.schema import CreateIndex, CreateTable

from benchmarks import stage
from benchmarks.stage import Stage
from taskyard.api.states import Status
from taskyard.server.domain.last_metrics import key
from taskyard.server.store import tables
from taskyard.server.store.database import databases
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.documents import texts

CACHE = Path(__file__).parent.parent / ".cache" / "benchmarks"
AT_ONCE = 5_000
SECOND = 1_000_000
NEWEST = 1_790_000_000 * SECOND
"""When the last of them changed, in microseconds since the epoch."""
APART = 20 * SECOND

PROJECTS, USERS = 200, 50
STATUSES = {
    Status.COMPLETED: 700,
    Status.FAILED: 150,
    Status.STOPPED: 80,
    Status.CREATED: 40,
    Status.PUBLISHED: 20,
    Status.QUEUED: 8,
    Status.IN_PROGRESS: 2,
}
"""Of a thousand tasks."""
TYPES = {"training": 85, "testing": 8, "data_processing": 4, "inference": 2, "optimizer": 1}
MODELS = ("resnet50", "vit-b16", "bert-large", "llama-7b", "unet", "xgboost", "convnext", "t5")
WORDS = ("baseline", "ablation", "finetune", "sweep", "distill", "eval", "pretrain", "debug")
TAGS = ("nightly", "prod", "v1", "v2", "v3", "bug", "demo", "paper", "review", "old")
RARE_TAG, RARE_EVERY = "golden", 50_000
METRICS = (("loss", "train"), ("loss", "val"), ("accuracy", "train"), ("accuracy", "val"))


def name_of(what: str, number: int) -> str:
    """The id of the ``number``-th user, project or task."""
    return hashlib.md5(f"{what} {number}".encode(), usedforsecurity=False).hexdigest()


@contextlib.contextmanager
def served(database: str, tasks: int) -> Iterator[Stage]:
    """A server on the data set, on ``sqlite`` or ``postgresql``; makes it when it is not there."""
    shape = [str(CreateTable(table)) for table in tables.metadata.sorted_tables]
    shape += [str(CreateIndex(i)) for t in tables.metadata.sorted_tables for i in t.indexes]
    digest = hashlib.sha256("".join([*sorted(shape), str(tasks)]).encode()).hexdigest()[:8]
    folder = CACHE / f"tasks-{database}-{digest}"
    with stage.database(folder, database) as url:
        made = folder / "made"
        if not made.exists():
            with stage.server(folder, url) as running:
                company = running.api.raw("users.get_current_user")["user"]["company"]["id"]
            store = databases.connect(
                url or f"sqlite:///{folder / 'server' / 'taskyard.db'}", lambda _: None
            )
            try:
                _fill(store.engine, company, tasks)
                _index(store.engine)
            finally:
                store.close()
            made.touch()
        with stage.server(folder, url) as running:
            yield running


def _fill(store: Engine, company: str, tasks: int) -> None:
    chance = random.Random(1)
    with store.connect() as connection:
        connection.execute(insert(tables.users), [_user(n, company) for n in range(USERS)])
        connection.execute(insert(tables.projects), [_project(n, company) for n in range(PROJECTS)])
        for start in range(0, tasks, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, tasks))
            made = [_task(number, tasks - number, company, chance) for number in numbers]
            connection.execute(insert(tables.tasks), made)
            changed = [{"task": task["id"]} for task in made]
            connection.execute(insert(texts.changed_texts), changed)
        connection.commit()
        if store.dialect.name == "postgresql":
            # What its own housekeeping does after a while.
            connection.execute(text("ANALYZE"))
            connection.commit()


def _index(store: Engine) -> None:
    """What a server does in the minutes after it has found so many tasks."""
    left = True
    while left:
        with store.begin() as connection:
            left = texts.index_some(Tx(connection), AT_ONCE) > 0


def _user(number: int, company: str) -> dict[str, Any]:
    return {
        "id": name_of("user", number),
        "company": company,
        "name": f"user{number:02}",
        "role": "user",
        "created": NEWEST,
        "doc": {},
    }


def _project(number: int, company: str) -> dict[str, Any]:
    return {
        "id": name_of("project", number),
        "company": company,
        "name": f"project{number:03}",
        "basename": f"project{number:03}",
        "created": NEWEST,
        "last_update": NEWEST,
        "doc": {"path": []},
    }


def _task(number: int, age: int, company: str, chance: random.Random) -> dict[str, Any]:
    (status,) = chance.choices(list(STATUSES), list(STATUSES.values()))
    (kind,) = chance.choices(list(TYPES), list(TYPES.values()))
    model, word = chance.choice(MODELS), chance.choice(WORDS)
    created = NEWEST - age * APART
    started = None if status in {Status.CREATED, Status.QUEUED} else created + 5 * SECOND
    lasted = chance.randrange(60, 7200)
    ended = status not in {Status.CREATED, Status.QUEUED, Status.IN_PROGRESS}
    last = created + lasted * SECOND if started else created
    archived = chance.random() < 0.03
    # The larger half of all tasks lies in the first few projects.
    project = min(PROJECTS, int(chance.paretovariate(0.7))) - 1
    return {
        "id": name_of("task", number),
        "company": company,
        "name": f"{model} {word} {number % 1000}",
        "type": kind,
        "status": str(status),
        "status_reason": "",
        "status_message": "",
        "user": name_of("user", min(USERS, int(chance.paretovariate(0.9))) - 1),
        "project": name_of("project", project),
        "parent": None,
        "queue": None,
        "created": created,
        "started": started,
        "completed": last if ended else None,
        "published": None,
        "status_changed": last,
        "last_update": last,
        "last_change": last,
        "last_changed_by": None,
        "last_worker": f"gpu{number % 40:02}:0" if started else None,
        "last_worker_report": None,
        "last_iteration": chance.randrange(100_000) if started else 0,
        "active_duration": lasted if ended else None,
        "hidden": False,
        "archived": archived,
        "enqueue_status": None,
        "doc": _doc(number, model, chance, reported=started is not None, archived=archived),
    }


def _doc(
    number: int, model: str, chance: random.Random, *, reported: bool, archived: bool
) -> dict[str, Any]:
    tags = set(chance.sample(TAGS, chance.randrange(3)))
    if number % RARE_EVERY == 7:
        tags.add(RARE_TAG)
    parameters = {
        "lr": f"{10 ** chance.uniform(-5, -1):.6f}",
        "batch_size": chance.choice(("16", "32", "64")),
        "epochs": str(chance.randrange(1, 200)),
        "model": model,
        "seed": str(number),
        "data": "/data/imagenet/train",
    }
    doc: dict[str, Any] = {
        "tags": sorted(tags),
        "system_tags": ["archived"] if archived else [],
        "comment": "",
        "script": {
            "binary": "python",
            "repository": f"https://git.example.com/vision/{model}.git",
            "branch": "main",
            "version_num": name_of("commit", number % 500),
            "entry_point": "train.py",
            "working_dir": ".",
            "requirements": {"pip": "numpy==2.1.3\npandas==2.2.3\ntorch==2.5.1\ntqdm\n"},
            "diff": "",
        },
        "hyperparams": {
            "Args": {
                name: {"section": "Args", "name": name, "value": value, "type": "str"}
                for name, value in parameters.items()
            }
        },
        "configuration": {},
        "runtime": {"progress": "100"},
    }
    if reported:
        doc["last_metrics"] = _metrics(chance)
    return doc


def _metrics(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric, variant in METRICS:
        value = chance.random()
        found.setdefault(key(metric), {})[key(variant)] = {
            "metric": metric,
            "variant": variant,
            "value": value,
            "min_value": value / 2,
            "min_value_iteration": 10,
            "max_value": value * 2,
            "max_value_iteration": 20,
            "first_value": value,
            "first_value_iteration": 0,
            "mean_value": value,
            "count": 1000,
        }
    return found
