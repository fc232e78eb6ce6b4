"""``taskyard env list`` and ``env gc``: the environments that agents keep on this machine."""

from __future__ import annotations

import argparse
import time

from taskyard.agent.environments import bytecode, store
from taskyard.agent.place import data_folder
from taskyard.cli.output import duration, note, show_rows

GIGABYTE = 1 << 30


def list_environments(args: argparse.Namespace) -> int:
    """Print the environments, the longest unused first."""
    rows = [
        {
            "id": entry.path.name,
            "python": entry.manifest.python,
            "packages": len(entry.manifest.packages.splitlines()),
            "size": f"{entry.manifest.bytes / 1e6:.0f} MB",
            "bytes": entry.manifest.bytes,
            "unused": duration(time.time() - entry.used),
        }
        for entry in store.list_entries(data_folder())
    ]
    show_rows(rows, ["id", "python", "packages", "size", "unused"], args)
    return 0


def collect_environments(args: argparse.Namespace) -> int:
    """Drop the longest unused environments until the rest fits."""
    data = data_folder()
    # 0 would be no limit to the store, and means "keep nothing" here.
    most = max(1, int(args.max_gb * GIGABYTE))
    dropped = store.collect(data, max_bytes=most, min_free=0)
    bytecode.collect(data)
    for key in dropped:
        print(key)
    note(f"dropped {len(dropped)}")
    return 0
