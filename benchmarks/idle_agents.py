"""What idle agents cost the server, and how long a task waits for one of them.

Agents that wait in the server beside agents that ask every five seconds, on the same server and
in turn: one alone, then a thousand. Tasks come at random moments.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks import peers, stage
from benchmarks.figures import Measure
from benchmarks.peers import Driver
from benchmarks.stage import Failed, Stage

AGENTS = (1, 1000)
PICKUP_AIMS = {1: "a five-hundredth of the agent's that polls", 1000: "p99 under 10 ms"}
PROCESSOR_AIM = "half of the agents' that poll"
SPAN = 90.0
"""Seconds each is watched: long enough for each waiting agent to ask again three times."""
POLL = 5.0
"""Seconds between two questions of an agent that polls. A task comes up to that long after the one
before was picked up, so that it meets any moment of the agent's rhythm."""
WAIT = {"taskyard": 30, "5 s poll": 0}
"""Seconds each contender's agents wait in the server."""


def run(folder: Path, rounds: int) -> list[Measure]:
    """Watch each contender ``rounds`` times for each number of agents."""
    found = []
    for agents in AGENTS:
        pickup: dict[str, list[float]] = {name: [] for name in WAIT}
        share: dict[str, list[float]] = {name: [] for name in WAIT}
        memory: dict[str, list[float]] = {name: [] for name in WAIT}
        for number in range(rounds):
            for name in random.sample(list(WAIT), len(WAIT)):
                # A server of its own: the memory of one is not to be that of the other.
                place = folder / f"{agents}-{number}-{WAIT[name]}"
                with stage.server(place) as running:
                    queue = str(running.api.raw("queues.create", {"name": "idle queue"})["id"])
                    with idle(running, queue, agents, WAIT[name]) as load:
                        pickup[name] += _watch(running, queue, load, share[name], memory[name])
        who = "1 agent" if agents == 1 else f"{agents:,} agents"
        for what, unit, aim, samples in (
            ("enqueue to an agent's having it", "ms", PICKUP_AIMS[agents], pickup),
            ("the server's processor time", "% of a core", PROCESSOR_AIM, share),
            ("the server's memory", "MiB", "", memory),
        ):
            found.append(
                Measure(
                    benchmark="idle_agents",
                    what=f"{what}, {who}",
                    unit=unit,
                    aim=aim,
                    samples=samples,
                )
            )
    found[-1].notes.append(
        f"over {SPAN:.0f} s, with a task every few seconds; the agents that poll send one request"
        " each time"
    )
    return found


@contextlib.contextmanager
def idle(running: Stage, queue: str, agents: int, wait: int) -> Iterator[Driver]:
    """Agents that have asked for work."""
    keys = {
        "TASKYARD_ACCESS_KEY": running.profile.access_key,
        "TASKYARD_SECRET_KEY": running.profile.secret_key,
    }
    arguments = (running.profile.url, queue, str(agents), str(wait))
    with peers.driver(
        "idle_load",
        *arguments,
        folder=running.folder,
        python=Path(sys.executable),
        secrets=keys,
    ) as load:
        load.hear()
        yield load


def _watch(
    running: Stage, queue: str, load: Driver, share: list[float], memory: list[float]
) -> list[float]:
    """Enqueue tasks for a while; gives the milliseconds each took to get to an agent."""
    server = psutil.Process(running.pid)
    found = []
    spent, began = stage.spent(server), time.monotonic()
    while time.monotonic() < began + SPAN:
        task = running.create_task("pick up", {})
        time.sleep(random.uniform(0, POLL))
        before = time.time_ns()
        running.api.raw("tasks.enqueue", {"task": task, "queue": queue})
        got, at = load.hear().split()
        if got != task:
            raise Failed(f"task {got} came where {task} was sent")
        found.append((int(at) - before) / 1e6)
    share.append((stage.spent(server) - spent) / (time.monotonic() - began) * 100)
    memory.append(server.memory_info().rss / 2**20)
    return found
