"""How many tasks a second go into the queue and out of it, for one client and for eight.

Every client is a process of its own. Ours goes over HTTP, with keys, and is on disk when answered;
so is Huey's, in the client's own process. Out means taken under a lease and finished for ours;
Huey's consumers take, and nothing more.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers, stage
from benchmarks.figures import Measure
from benchmarks.peers import Driver
from benchmarks.stage import Failed, Stage

CLIENTS = (1, 8)
TASKS = 400
"""In each round, for all clients together."""


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample ours and Huey in turn, ``rounds`` times for each number of clients."""
    found = []
    with stage.server(folder / "stage") as running:
        for clients in CLIENTS:
            into: dict[str, list[float]] = {"taskyard": [], "huey": []}
            out: dict[str, list[float]] = {"taskyard": [], "huey": []}
            with ours(running, clients) as our_load, huey(folder, clients) as huey_load:
                for _ in range(rounds):
                    for name, load in (("taskyard", our_load), ("huey", huey_load)):
                        into[name].append(_rate(load, put(running, name, clients)))
                        out[name].append(_rate(load, ["take"] * clients))
            who = "1 client" if clients == 1 else f"{clients} clients"
            found += [
                Measure(
                    benchmark="queue_rates",
                    what=f"tasks enqueued a second, {who}",
                    unit="1/s",
                    better="higher",
                    aim="8 clients: twice Huey" if clients == 8 else "",
                    samples=into,
                ),
                Measure(
                    benchmark="queue_rates",
                    what=f"tasks claimed and finished a second, {who}",
                    unit="1/s",
                    better="higher",
                    samples=out,
                ),
            ]
    found[-1].notes.append("huey takes without a lease: what a crashed consumer had is lost")
    return found


def put(running: Stage, name: str, clients: int) -> list[str]:
    """What to tell each client so that together they put TASKS tasks."""
    share = TASKS // clients
    if name == "huey":
        return [f"put {share}"] * clients
    made = [running.create_task("load", {}) for _ in range(share * clients)]
    return [f"put {' '.join(made[i * share : (i + 1) * share])}" for i in range(clients)]


def _rate(load: list[Driver], told: list[str]) -> float:
    """Tasks a second, from the first client's beginning to the last one's end."""
    for client, line in zip(load, told, strict=True):
        client.tell(line)
    answers = [[int(word) for word in client.hear().split()] for client in load]
    done = sum(count for _, _, count in answers)
    if done != TASKS // len(load) * len(load):
        raise Failed(f"{done} tasks instead of {TASKS} went through {load[0].name}")
    took = max(end for _, end, _ in answers) - min(begin for begin, _, _ in answers)
    return done / (took / 1e9)


@contextlib.contextmanager
def ours(running: Stage, clients: int) -> Iterator[list[Driver]]:
    """Clients of our server, ready to be told."""
    queue = str(running.api.raw("queues.create", {"name": f"load of {clients}"})["id"])
    keys = {
        "TASKYARD_ACCESS_KEY": running.profile.access_key,
        "TASKYARD_SECRET_KEY": running.profile.secret_key,
    }
    with _several(
        clients, "api_load", running.profile.url, queue, folder=running.folder, secrets=keys
    ) as load:
        yield load


@contextlib.contextmanager
def huey(folder: Path, clients: int) -> Iterator[list[Driver]]:
    """Clients of one Huey database, ready to be told."""
    with _several(clients, "huey_load", str(folder / f"huey-{clients}.db"), folder=folder) as load:
        yield load


@contextlib.contextmanager
def _several(
    count: int, name: str, *arguments: str, folder: Path, secrets: dict[str, str] | None = None
) -> Iterator[list[Driver]]:
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
