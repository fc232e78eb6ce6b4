"""From a durable enqueue to the start of the process, with an idle agent.

The process is the same for all: a shell that becomes ``date`` and writes when it ran. The clock
starts just before the call that submits.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import peers, stage, turns
from benchmarks.figures import Measure
from benchmarks.stage import Stage, Stamps
from benchmarks.turns import Sample

POLLED_SHARE = 15
"""One sample of the agent that polls to this many of the others: each takes it ten seconds."""


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample every contender in turn, ``rounds`` times."""
    stamps = Stamps(folder / "stamps")
    script = f"exec date +%s%N > {stamps.path}\n"
    path = folder / "stamp.sh"
    path.write_text(script)
    with (
        stage.server(folder / "stage") as running,
        stage.agent(running, "ours"),
        peers.clearml_agent(running, "clearml", environments=False),
        peers.driver("hyperqueue_cluster", folder=folder) as cluster,
    ):
        contenders: dict[str, Sample] = {
            "taskyard": lambda: through_queue(running, stamps, script, "ours"),
            "hyperqueue": lambda: through_hyperqueue(cluster, stamps, path),
        }
        polled: dict[str, Sample] = {
            "clearml-agent": lambda: through_queue(running, stamps, script, "clearml")
        }
        for sample in contenders.values():  # the first one makes what the others find
            sample()
            sample()
        samples = turns.take(contenders, rounds, polled=polled, share=POLLED_SHARE)
    stamps.close()
    return [
        Measure(
            benchmark="dispatch",
            what="enqueue to the process's start",
            unit="ms",
            aim="p50 under 10 ms, and at most HyperQueue's while written to disk",
            samples=samples,
            notes=[
                "taskyard and clearml-agent: enqueued in the same server, on disk when answered;"
                " hyperqueue: kept in memory only",
                "clearml-agent polls every 5 s and was told to install no environment",
            ],
        )
    ]


def through_queue(running: Stage, stamps: Stamps, script: str, queue: str) -> float:
    """Milliseconds for one task through a queue of our server."""
    task = running.create_task("stamp", {"binary": "sh", "entry_point": "stamp.sh", "diff": script})
    time.sleep(stage.SETTLE)
    before = running.enqueue(task, queue)
    started = stamps.next()
    running.wait_for_end(task)
    time.sleep(stage.SETTLE)
    return (started - before) / 1e6


def through_hyperqueue(cluster: peers.Driver, stamps: Stamps, script: Path) -> float:
    time.sleep(stage.SETTLE)
    before = int(cluster.ask(str(script)))
    started = stamps.next()
    time.sleep(stage.SETTLE)
    return (started - before) / 1e6
