"""Clients that make, take and finish tasks through a server's deaths, and remember every yes."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from taskyard.api.errors import ApiError
from taskyard.client.session import Session

PIECES = 4
"""Pieces of console a run prints; and points of its curve."""


@dataclass
class Book:
    """What the server has said yes to."""

    created: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    given: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    """The workers that each attempt of each task was given to."""
    broken: list[str] = field(default_factory=list)
    """What no death of the server explains."""


def console_of(task: str) -> str:
    return "".join(piece_of(task, number) for number in range(PIECES))


def piece_of(task: str, number: int) -> str:
    return f"line {number} of {task}\n"


class Client(threading.Thread):
    """One machine: it also makes the tasks it takes, or that others take."""

    def __init__(self, connect: Callable[[], Session], queue: str, book: Book) -> None:
        super().__init__(name="client under faults")
        self.connect, self.queue, self.book = connect, queue, book
        self.worker = f"machine:{uuid.uuid4().hex[:8]}"
        self.over = threading.Event()

    def run(self) -> None:
        self.session = self.connect()
        while not self.over.is_set():
            try:
                self.round()
            except Exception as error:
                self.book.broken.append(repr(error))
                return

    def call(self, name: str, /, **body: Any) -> Any:
        """Ask until the answer comes, as clients that must not lose anything do."""
        return self.session.raw(name, body)

    def round(self) -> None:
        made = self.call("tasks.create", name="under faults", type="testing")["id"]
        self.book.created.add(made)
        self.enqueue(made)
        took = self.call("attempts.take", worker=self.worker, queues=[self.queue], known=[])
        for lease in took["attempts"]:
            self.book.given[lease["task"], lease["attempt"]].add(self.worker)
            self.work(lease["task"], lease["attempt"])

    def enqueue(self, task: str) -> None:
        try:
            self.call("tasks.enqueue", task=task, queue=self.queue)
        except ApiError:
            # The first yes was lost with the server: the task is where it should be, or gone on.
            status = self.call("tasks.get_by_id", task=task)["task"]["status"]
            assert status in {"queued", "in_progress", "completed"}, status

    def work(self, task: str, attempt: int) -> None:
        offset = 0
        for number in range(PIECES):
            piece = piece_of(task, number)
            console = {"offset": offset, "text": piece}
            report = {"task": task, "attempt": attempt, "worker": self.worker}
            kept = self.call("attempts.report", **report, console=console)["console"]
            offset += len(piece)
            assert kept == offset, f"{kept} bytes are kept of {offset}"
        self.report_curve(task)
        self.call("attempts.finish", task=task, attempt=attempt, outcome="completed", exit_code=0)
        self.book.finished.add(task)

    def report_curve(self, task: str) -> None:
        point = {"type": "training_stats_scalar", "task": task, "metric": "m", "variant": "v"}
        for number in range(PIECES):
            self.call("events.add", **point, iter=number, value=number / 2)
