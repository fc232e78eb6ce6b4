"""How many tasks a second go into the queue and out of it, for one client and for eight.

Every client is a process of its own. Ours goes over HTTP, with keys, and is on disk when answered;
so are the peers, each in the way it has: Huey in SQLite in the client's own process, Celery in
Redis with its log flushed at every write, Procrastinate in PostgreSQL. Out means taken so that a
crash loses nothing and then told to be done; Huey's consumers take, and nothing more.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import peers, stage
from benchmarks.figures import Measure
from benchmarks.peers import Driver
from benchmarks.stage import Failed, Stage

TASKS = {1: 400, 8: 1600}
"""In each round, for all clients together, by the number of clients."""

AIMS_INTO = "8 clients: twice Huey's, six times Procrastinate's; p99 under 5 ms"
AIMS_OUT = "8 clients: 1.5 times Celery's; p99 under 5 ms"


@dataclass
class Contender:
    """The clients of one queue, and what was measured of them."""

    name: str
    clients: list[Driver]
    put: Callable[[int], list[str]]
    """What to tell each client so that together they put so many tasks."""
    into: list[float] = field(default_factory=list)
    """Tasks a second, of each round."""
    out: list[float] = field(default_factory=list)
    put_ms: list[float] = field(default_factory=list)
    """Of each task."""
    take_ms: list[float] = field(default_factory=list)
    server: psutil.Process | None = None
    """Ours, whose processor time is counted."""
    put_work: list[float] = field(default_factory=list)
    """Milliseconds of it for each task, of each round."""
    take_work: list[float] = field(default_factory=list)

    def round(self, tasks: int) -> None:
        told = self.put(tasks)
        before = self._worked()
        self.into.append(self._rate(told, tasks, self.put_ms))
        between = self._worked()
        self.out.append(self._rate(["take"] * len(told), tasks, self.take_ms))
        if self.server is not None:
            self.put_work.append((between - before) / tasks)
            self.take_work.append((self._worked() - between) / tasks)

    def _worked(self) -> float:
        """Milliseconds of the server's processor time so far."""
        return 0.0 if self.server is None else stage.spent(self.server) * 1000

    def forget(self) -> None:
        every = (self.into, self.out, self.put_ms, self.take_ms, self.put_work, self.take_work)
        for samples in every:
            samples.clear()

    def _rate(self, told: list[str], tasks: int, steps: list[float]) -> float:
        """Tasks a second, from the first client's beginning to the last one's end."""
        for client, line in zip(self.clients, told, strict=True):
            client.tell(line)
        answers = [[int(word) for word in client.hear().split()] for client in self.clients]
        done = sum(len(answer) - 2 for answer in answers)
        if done != tasks:
            raise Failed(f"{done} tasks instead of {tasks} went through {self.name}")
        steps += [step / 1000 for _, _, *own in answers for step in own]
        took = max(answer[1] for answer in answers) - min(answer[0] for answer in answers)
        return done / (took / 1e9)


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample all contenders in turn, ``rounds`` times for each number of clients."""
    found = []
    with (
        stage.server(folder / "stage") as running,
        peers.redis(folder) as redis,
        stage.database(folder, "postgresql") as postgresql,
    ):
        peers.prepare_procrastinate(postgresql)
        for clients, tasks in TASKS.items():
            with contextlib.ExitStack() as stack:
                enter = stack.enter_context
                all_of_them = [
                    enter(ours(running, clients, "taskyard", "together")),
                    enter(ours(running, clients, "taskyard, a call each", "apart")),
                    enter(peer("huey", clients, folder, str(folder / f"huey-{clients}.db"))),
                    enter(peer("celery", clients, folder, redis)),
                    enter(peer("procrastinate", clients, folder, postgresql)),
                ]
                for contender in all_of_them:  # what is done for the first time takes longer
                    contender.round(tasks)
                    contender.forget()
                for _ in range(rounds):
                    for contender in random.sample(all_of_them, len(all_of_them)):
                        contender.round(tasks)
                found += measures(all_of_them, clients)
    found[-1].notes += [
        "all are on disk when answered; huey is in the client's own process, and takes without a"
        " lease: what a crashed consumer had is lost",
        "taskyard: the end of a task and the next one are one call, which is what is timed;"
        " a call each: two calls",
    ]
    return found


def measures(contenders: list[Contender], clients: int) -> list[Measure]:
    """Rates and times of all contenders, in and out."""
    who = "1 client" if clients == 1 else f"{clients} clients"
    shown: list[tuple[str, str, str, Callable[[Contender], list[float]]]] = [
        ("tasks enqueued", "1/s", AIMS_INTO, lambda one: one.into),
        ("time to enqueue one", "ms", AIMS_INTO, lambda one: one.put_ms),
        ("tasks claimed and finished", "1/s", AIMS_OUT, lambda one: one.out),
        ("time to claim and finish one", "ms", AIMS_OUT, lambda one: one.take_ms),
        ("the server's processor time to enqueue one", "ms", "", lambda one: one.put_work),
        (
            "the server's processor time to claim and finish one",
            "ms",
            "",
            lambda one: one.take_work,
        ),
    ]
    return [
        Measure(
            benchmark="queue_rates",
            what=f"{what}, {who}",
            unit=unit,
            better="higher" if unit == "1/s" else "lower",
            aim=aim if clients == 8 else "",
            samples={one.name: found for one in contenders if (found := samples(one))},
        )
        for what, unit, aim, samples in shown
    ]


@contextlib.contextmanager
def ours(running: Stage, clients: int, name: str, how: str) -> Iterator[Contender]:
    """Clients of our server, ready to be told."""
    queue = str(running.api.raw("queues.create", {"name": f"load of {clients}, {how}"})["id"])
    keys = {
        "TASKYARD_ACCESS_KEY": running.profile.access_key,
        "TASKYARD_SECRET_KEY": running.profile.secret_key,
    }

    def put(tasks: int) -> list[str]:
        made = [running.create_task("load", {}) for _ in range(tasks)]
        return [f"put {' '.join(made[i::clients])}" for i in range(clients)]

    arguments = (running.profile.url, queue, how)
    with several(clients, "api_load", arguments, running.folder, secrets=keys) as load:
        yield Contender(name, load, put, server=psutil.Process(running.pid))


@contextlib.contextmanager
def peer(name: str, clients: int, folder: Path, place: str) -> Iterator[Contender]:
    """Clients of one peer, ready to be told."""
    with several(clients, f"{name}_load", (place,), folder) as load:
        yield Contender(name, load, lambda tasks: [f"put {tasks // clients}"] * clients)


@contextlib.contextmanager
def several(
    count: int,
    name: str,
    arguments: tuple[str, ...],
    folder: Path,
    secrets: Mapping[str, str] | None = None,
) -> Iterator[list[Driver]]:
    """So many processes of one program: ours where they are given keys."""
    with contextlib.ExitStack() as stack:
        python = Path(sys.executable) if secrets else peers.install()
        load = [
            stack.enter_context(
                peers.driver(name, *arguments, folder=folder, python=python, secrets=secrets)
            )
            for _ in range(count)
        ]
        for client in load:
            client.hear()
        yield load
