"""Run benchmarks: ``python -m benchmarks [name...] [--rounds N] [--json FILE]``."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks import figures
from benchmarks.stage import Failed

ROUNDS = {
    "dispatch": 100,
    "agent_rates": 3,
    "visible": 3,
    "warm_start": 20,
    "containers": 20,
    "environment": 5,
    "source_tree": 10,
    "environment_build": 5,
    "queue_rates": 3,
    "idle_agents": 1,
    "task_list": 20,
    "telemetry": 3,
    "page": 5,
}
"""Every benchmark, and how often each contender is sampled."""

ON_DATABASES = {"task_list"}
"""Those that compare our own on several databases, rather than ours with others."""


class Report(msgspec.Struct, kw_only=True):
    """What ``--json`` writes."""

    machine: dict[str, str]
    measures: list[figures.Measure]
    figures: list[list[figures.Figure]]
    """For each measure."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure Taskyard beside its peers."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(ROUNDS)}")
    parser.add_argument("--rounds", type=int, help="samples of each contender")
    parser.add_argument(
        "--postgresql", action="store_true", help="on PostgreSQL as well as on SQLite"
    )
    parser.add_argument(
        "--tasks", type=int, default=1_000_000, help="how many the lists of task_list are of"
    )
    parser.add_argument("--json", type=Path, help="write samples and figures to this file")
    args = parser.parse_args()
    if unknown := [name for name in args.names if name not in ROUNDS]:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(ROUNDS)}")
    print(", ".join(f"{name} {value}" for name, value in machine().items()), flush=True)
    measures: list[figures.Measure] = []
    failures = 0
    for name in args.names or ROUNDS:
        try:
            more = lists(args.postgresql, args.tasks) if name in ON_DATABASES else {}
            found = run(name, args.rounds or ROUNDS[name], **more)
        except Failed as error:
            print(f"\n{name} failed: {error}", file=sys.stderr)
            failures += 1
            continue
        measures += found
        for measure in found:
            print(f"\n{figures.table(measure)}", flush=True)
    if any(one.budget for one in measures):
        print(f"\n{figures.budgets(measures)}", flush=True)
    if args.json:
        report = Report(
            machine=machine(),
            measures=measures,
            figures=[figures.figures(one.samples, one.better) for one in measures],
        )
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return 1 if failures else 0


def lists(postgresql: bool, tasks: int) -> dict[str, Any]:
    """What a benchmark of our own on several databases is told."""
    return {"databases": ("sqlite", "postgresql") if postgresql else ("sqlite",), "tasks": tasks}


def run(name: str, rounds: int, **more: Any) -> list[figures.Measure]:
    """Run one benchmark in a fresh temporary folder. Raises Failed."""
    module = importlib.import_module(f"benchmarks.{name}")
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-", ignore_cleanup_errors=True) as made:
        began = time.monotonic()
        found: list[figures.Measure] = module.run(Path(made), rounds, **more)
        found[-1].notes.append(f"took {time.monotonic() - began:.0f} s")
        return found


def machine() -> dict[str, str]:
    """The machine in words that say nothing about whose it is."""
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
