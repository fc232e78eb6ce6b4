"""How many short processes a second one worker runs, of tasks that wait in its queue.

The last one in the queue writes when it began. Ours runs one task at a time, or several side by
side; HyperQueue runs one at a time. A bare loop starts the same program again as soon as it ended.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import peers, stage
from benchmarks.accounts import Account, account
from benchmarks.figures import Measure
from benchmarks.peers import Driver
from benchmarks.stage import Stage, Stamps

TASKS = 100
"""In each round, for each contender."""
SIDE_BY_SIDE = 4
"""Tasks at once, of the agent that runs several."""
NOTHING = "/bin/true"

AIMS = {
    "a program that does nothing": "1.4 times HyperQueue's, one at a time",
    "a Python that does nothing": "0.9 times the bare loop's, one at a time",
}


@dataclass
class Ours:
    """Our agent on one queue, and the processor time of each task of each round, in ms."""

    running: Stage
    queue: str
    accounts: list[Account | None]
    """Of the agent with all that it runs, and of the server."""
    spent: dict[str, list[list[float]]]

    def rate(self, kind: str, code: dict[str, str], stamps: Stamps, script: str) -> float:
        """Tasks a second that the agent takes from its queue and runs."""
        api = self.running.api
        tasks = [self.running.create_task("nothing", code) for _ in range(TASKS)]
        last = {"binary": "sh", "entry_point": "stamp.sh", "diff": script}
        tasks.append(self.running.create_task("stamp", last))
        queue = api.raw("queues.get_all", {"name": self.queue})["queues"][0]["id"]
        api.raw("queues.pause", {"queue": queue})
        api.raw("tasks.enqueue_many", {"ids": tasks, "queue": queue})
        time.sleep(stage.SETTLE)
        spent = self._spent()
        before = time.time_ns()
        api.raw("queues.resume", {"queue": queue})
        ended = stamps.next()
        for task in tasks[-SIDE_BY_SIDE:]:
            self.running.wait_for_end(task)
        now = self._spent()
        self.spent[kind].append([(b - a) / len(tasks) for a, b in zip(spent, now, strict=True)])
        return TASKS / (ended - before) * 1e9

    def _spent(self) -> list[float]:
        return [one.spent() for one in self.accounts if one]


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample all contenders in turn, ``rounds`` times for each kind of process."""
    stamps = Stamps(folder / "stamps")
    script = f"exec date +%s%N > {stamps.path}\n"
    stamp = folder / "stamp.sh"
    stamp.write_text(script)
    python = folder / "clean" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", python.parent.parent], check=True
    )
    kinds: dict[str, tuple[dict[str, str], list[str]]] = {
        "a program that does nothing": ({"binary": NOTHING}, [NOTHING]),
        "a Python that does nothing": (
            {"entry_point": "main.py", "diff": "pass\n"},
            [str(python), "-c", "pass"],
        ),
    }
    found = []
    with agents(folder) as ours, peers.driver("hyperqueue_cluster", folder=folder) as cluster:
        for kind, (code, command) in kinds.items():
            contenders: dict[str, Callable[[], float]] = {
                **{
                    name: partial(one.rate, kind, code, stamps, script)
                    for name, one in ours.items()
                },
                "hyperqueue": partial(through_hyperqueue, cluster, stamps, stamp, command),
                "bare loop": partial(in_a_loop, command),
            }
            rates: dict[str, list[float]] = {name: [] for name in contenders}
            for sample in contenders.values():  # what is done for the first time takes longer
                sample()
            for one in ours.values():
                one.spent[kind].clear()
            for _ in range(rounds):
                for name, sample in random.sample(list(contenders.items()), len(contenders)):
                    rates[name].append(sample())
            found.append(
                Measure(
                    benchmark="agent_rates",
                    what=kind,
                    unit="tasks/s",
                    better="higher",
                    aim=AIMS[kind],
                    samples=rates,
                )
            )
            found += _costs(kind, ours)
    stamps.close()
    found[-1].notes.append(
        "taskyard: on disk, with a folder, a supervisor, a log and an environment for each;"
        " hyperqueue: in memory, one at a time"
    )
    return found


@contextlib.contextmanager
def agents(folder: Path) -> Iterator[dict[str, Ours]]:
    """Agents of ours that run one and several tasks at a time, by what they are called here."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        serves = enter(account("server"))
        running = enter(stage.server(folder / "stage", within=serves.within if serves else ()))
        found = {}
        for name, queue, flags in (
            ("taskyard", "one", []),
            (f"taskyard, {SIDE_BY_SIDE} at once", "many", ["--services-mode", str(SIDE_BY_SIDE)]),
        ):
            runs = enter(account(queue))
            within = runs.within if runs else ()
            enter(stage.agent(running, queue, *flags, worker=f"bench:{queue}", within=within))
            found[name] = Ours(running, queue, [runs, serves], {kind: [] for kind in AIMS})
        yield found


def _costs(kind: str, ours: dict[str, Ours]) -> list[Measure]:
    """The processor time of a task; nothing where it cannot be told."""
    shares = {
        f"{name}, {part}": [round[place] for round in one.spent[kind]]
        for name, one in ours.items()
        for place, part in enumerate(("agent and run", "server"))
        if all(one.accounts)
    }
    what = f"processor time, {kind}"
    return [Measure(benchmark="agent_rates", what=what, unit="ms", samples=shares)] * bool(shares)


def through_hyperqueue(cluster: Driver, stamps: Stamps, script: Path, command: list[str]) -> float:
    time.sleep(stage.SETTLE)
    before = int(cluster.ask(" ".join(map(str, (script, TASKS, *command)))))
    return TASKS / (stamps.next() - before) * 1e9


def in_a_loop(command: list[str]) -> float:
    time.sleep(stage.SETTLE)
    environment = stage.plain_environment()
    before = time.monotonic()
    for _ in range(TASKS):
        os.waitpid(os.posix_spawn(command[0], command, environment), 0)
    return TASKS / (time.monotonic() - before)
