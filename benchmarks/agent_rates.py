"""How many short processes a second one worker runs, of tasks that wait in its queue.

The last one in the queue writes when it began. Ours runs one task at a time, or several side by
side; HyperQueue runs one at a time. A bare loop starts the same program again as soon as it ended.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import peers, stage
from benchmarks.figures import Measure
from benchmarks.peers import Driver
from benchmarks.stage import Stage, Stamps

TASKS = 100
"""In each round, for each contender."""
SIDE_BY_SIDE = 4
"""Tasks at once, of the agent that runs several."""
NOTHING = Path("/bin/true")

AIMS = {
    "a program that does nothing": "1.4 times HyperQueue's, one at a time",
    "a Python that does nothing": "0.9 times the bare loop's, one at a time",
}


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
    many = ["--services-mode", str(SIDE_BY_SIDE)]
    found = []
    with (
        stage.server(folder / "stage") as running,
        stage.agent(running, "one"),
        stage.agent(running, "many", *many, worker="bench:many"),
        peers.driver("hyperqueue_cluster", folder=folder) as cluster,
    ):

        def ours(queue: str, code: dict[str, str]) -> Callable[[], float]:
            return lambda: through_queue(running, stamps, script, queue, code)

        def hyperqueue(*command: object) -> Callable[[], float]:
            return lambda: through_hyperqueue(cluster, stamps, stamp, command)

        nothing = {"binary": str(NOTHING)}
        passing = {"entry_point": "main.py", "diff": "pass\n"}
        kinds: list[dict[str, Callable[[], float]]] = [
            {
                "taskyard": ours("one", nothing),
                f"taskyard, {SIDE_BY_SIDE} at once": ours("many", nothing),
                "hyperqueue": hyperqueue(NOTHING),
                "bare loop": lambda: in_a_loop([NOTHING]),
            },
            {
                "taskyard": ours("one", passing),
                f"taskyard, {SIDE_BY_SIDE} at once": ours("many", passing),
                "hyperqueue": hyperqueue(python, "-c", "pass"),
                "bare loop": lambda: in_a_loop([python, "-c", "pass"]),
            },
        ]
        for (what, aim), contenders in zip(AIMS.items(), kinds, strict=True):
            rates: dict[str, list[float]] = {name: [] for name in contenders}
            for sample in contenders.values():  # what is done for the first time takes longer
                sample()
            for _ in range(rounds):
                for name, sample in random.sample(list(contenders.items()), len(contenders)):
                    rates[name].append(sample())
            found.append(
                Measure(
                    benchmark="agent_rates",
                    what=what,
                    unit="tasks/s",
                    better="higher",
                    aim=aim,
                    samples=rates,
                )
            )
    stamps.close()
    found[-1].notes.append(
        "taskyard: on disk, with a folder, a supervisor, a log and an environment for each;"
        " hyperqueue: in memory, one at a time"
    )
    return found


def through_queue(
    running: Stage, stamps: Stamps, script: str, queue: str, code: dict[str, str]
) -> float:
    """Tasks a second that our agent takes from its queue and runs."""
    tasks = [running.create_task("nothing", code) for _ in range(TASKS)]
    last = {"binary": "sh", "entry_point": "stamp.sh", "diff": script}
    tasks.append(running.create_task("stamp", last))
    id = running.api.raw("queues.get_all", {"name": queue})["queues"][0]["id"]
    running.api.raw("queues.pause", {"queue": id})
    running.api.raw("tasks.enqueue_many", {"ids": tasks, "queue": id})
    time.sleep(stage.SETTLE)
    before = time.time_ns()
    running.api.raw("queues.resume", {"queue": id})
    ended = stamps.next()
    for task in tasks[-SIDE_BY_SIDE:]:
        running.wait_for_end(task)
    return TASKS / (ended - before) * 1e9


def through_hyperqueue(
    cluster: Driver, stamps: Stamps, script: Path, command: tuple[object, ...]
) -> float:
    time.sleep(stage.SETTLE)
    before = int(cluster.ask(" ".join(map(str, (script, TASKS, *command)))))
    return TASKS / (stamps.next() - before) * 1e9


def in_a_loop(command: list[Path | str]) -> float:
    time.sleep(stage.SETTLE)
    environment = stage.plain_environment()
    before = time.monotonic()
    for _ in range(TASKS):
        os.waitpid(os.posix_spawn(command[0], [str(word) for word in command], environment), 0)
    return TASKS / (time.monotonic() - before)
