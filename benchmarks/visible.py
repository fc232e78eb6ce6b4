"""How soon what a task prints can be read on the server, and how soon its end is known there.

The task prints the time again and again, after pauses of random length, and then ends. A reader
waits in the server for its lines, as the page does, and looks every few milliseconds whether it
has ended.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

from benchmarks import peers, stage
from benchmarks.figures import Measure
from benchmarks.stage import PATIENCE, Failed, Stage

LINES = 20
"""In each run."""
PAUSES = (0.02, 0.6)
"""Seconds between two of them, the shortest and the longest."""
LOOK = 0.005
"""Seconds between two looks whether the task has ended."""
MARK = "printed at"

SCRIPT = f"""
import random, sys, time
for _ in range({LINES}):
    time.sleep(random.uniform{PAUSES})
    sys.stdout.write(f"{MARK} {{time.time_ns()}}\\n")
    sys.stdout.flush()
"""


def run(folder: Path, rounds: int) -> list[Measure]:
    """Have each contender run the script ``rounds`` times, in turn."""
    lines: dict[str, list[float]] = {"taskyard": [], "clearml-agent": []}
    ends: dict[str, list[float]] = {name: [] for name in lines}
    with (
        stage.server(folder / "stage") as running,
        stage.agent(running, "taskyard"),
        peers.clearml_agent(running, "clearml-agent", environments=False),
    ):
        for _ in range(rounds):
            for name in random.sample(list(lines), len(lines)):
                seen, end = watch(running, name)
                lines[name] += seen
                ends[name].append(end)
    aim = "under 250 ms, and a tenth of clearml-agent's mean"
    return [
        Measure(
            benchmark="visible",
            what=what,
            unit="ms",
            aim=aim,
            samples=samples,
            notes=[] if samples is lines else ["the end: from the last line to the task's status"],
        )
        for what, samples in (("a line to its reader", lines), ("the end to its reader", ends))
    ]


def watch(running: Stage, queue: str) -> tuple[list[float], float]:
    """Milliseconds until each line was read, and from the last one until the end was known."""
    code = {"entry_point": "main.py", "diff": SCRIPT}
    task = running.create_task("says when", code)
    running.enqueue(task, queue)
    ended: list[int] = []
    looking = threading.Thread(target=_look, args=(running, task, ended), daemon=True)
    looking.start()
    found = _read(running, task)
    looking.join(PATIENCE)
    if not ended:
        raise Failed(f"the task {task} did not end")
    return [(seen - printed) / 1e6 for printed, seen in found], (ended[0] - found[-1][0]) / 1e6


def _read(running: Stage, task: str) -> list[tuple[int, int]]:
    """When each line was printed, and when it was read; ns since the epoch."""
    session = running.session()
    found: list[tuple[int, int]] = []
    after, begun, end = 0, "", time.monotonic() + PATIENCE
    while len(found) < LINES:
        if time.monotonic() > end:
            raise Failed(f"{len(found)} of {LINES} lines of the task {task} were seen")
        answer = session.raw("events.follow_log", {"task": task, "after": after, "wait": 20})
        now = time.time_ns()
        after = answer["next"]
        for piece in answer["lines"]:
            begun += piece["text"] + ("" if piece.get("partial") else "\n")
        *lines, begun = begun.split("\n")
        found += [(int(line.split()[-1]), now) for line in lines if line.startswith(MARK)]
    return found


def _look(running: Stage, task: str, ended: list[int]) -> None:
    own = Stage(running.folder, running.profile, running.pid)
    while own.status(task) in {"queued", "in_progress"}:
        time.sleep(LOOK)
    ended.append(time.time_ns())
