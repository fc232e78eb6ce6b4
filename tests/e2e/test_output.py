"""Tasks that print more, or faster, than anybody reads."""

from __future__ import annotations

import os

import psutil

from tests.beds.agent import Site

MEGABYTES = int(os.environ.get("TASKYARD_OUTPUT_MB", "10"))
LINE = "number {:09d} " + "x" * 83
"""A hundred bytes, with the end of the line."""

CODE = f"""
line = {LINE!r}
for begin in range(0, {MEGABYTES * 10_000}, 1000):
    print("\\n".join(line.format(n) for n in range(begin, begin + 1000)), flush=True)
"""
SERVER_LIMIT = 400 << 20
"""Bytes of memory that the server may take: it must not hold what a task prints."""


def test_every_line_of_a_flood_arrives_in_order_and_the_server_stays_small(
    site: Site, queue: str
) -> None:
    site.agent("--queue", queue)
    server = psutil.Process(site.server.process.pid)
    task = site.submit(CODE, queue)
    assert site.ended(task, seconds=300)["status"] == "completed"
    assert server.memory_info().rss < SERVER_LIMIT
    expected = 0
    for line in site.console(task).splitlines():
        if line.startswith("number "):
            assert int(line[7:16]) == expected
            expected += 1
    assert expected == MEGABYTES * 10_000
