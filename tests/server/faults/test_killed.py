"""A server that is killed again and again under load keeps every promise it has made.

``TASKYARD_KILLS`` says how often; ``make soak`` does it for longer.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.client.session import Session
from tests.beds import postgres
from tests.beds.waiting import until
from tests.server.faults.load import PIECES, Book, Client, console_of
from tests.server.faults.process import PATIENCE, ServerProcess, server_process

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("TASKYARD_KILLS", "5"))
CLIENTS = 5
BETWEEN = (0.1, 1.0)
"""Seconds the server lives before it is killed."""


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    url = ""
    if request.param == "postgresql":
        url = postgres.fresh_database(request.getfixturevalue("postgres_cluster"))
    with server_process(tmp_path / "data", url) as found:
        yield found


@pytest.mark.timeout(3600)
def test_a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(
    server: ServerProcess,
) -> None:
    session = server.connect(PATIENCE)
    queue = str(session.raw("queues.create", {"name": "faults"})["id"])
    book = Book()
    clients = [Client(lambda: server.connect(PATIENCE), queue, book) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    chance = random.Random(7)
    for _ in range(KILLS):
        done = len(book.finished)
        until(lambda done=done: len(book.finished) > done, "work between two deaths")  # type: ignore[misc]
        time.sleep(chance.uniform(*BETWEEN))
        server.kill()
        server.start()
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(PATIENCE)
        assert not client.is_alive()
    assert not book.broken
    assert len(book.finished) > KILLS
    check_every_promise(session, book)
    log.info("%s kills, %s tasks, %s finished", KILLS, len(book.created), len(book.finished))


def check_every_promise(session: Session, book: Book) -> None:
    known = {task["id"]: task["status"] for task in all_tasks(session)}
    assert not book.created - set(known), "made tasks are lost"
    assert {known[task] for task in book.finished} == {"completed"}
    assert {len(workers) for workers in book.given.values()} == {1}, "an entry was given twice"
    attempts: dict[str, set[int]] = {}
    for task, number in book.given:
        attempts.setdefault(task, set()).add(number)
    assert {len(numbers) for numbers in attempts.values()} == {1}, "a task ran twice"
    for task in book.finished:
        assert printed(session, task) == console_of(task)
        assert curve(session, task) == [(n, n / 2) for n in range(PIECES)]


def all_tasks(session: Session) -> Iterator[dict[str, str]]:
    page = 0
    while True:
        asked = {"only_fields": ["id", "status"], "page": page, "page_size": 500}
        found = session.raw("tasks.get_all", asked)["tasks"]
        yield from found
        if not found:
            return
        page += 1


def printed(session: Session, task: str) -> str:
    return "".join(
        piece["text"] + "\n" * (not piece.get("partial"))
        for piece in session.raw("events.follow_log", {"task": task})["lines"]
    )


def curve(session: Session, task: str) -> list[tuple[int, float]]:
    asked = {"task": task, "samples": 100}
    found = session.raw("events.scalar_metrics_iter_histogram", asked)["m"]["v"]
    return list(zip(found["x"], found["y"], strict=True))
