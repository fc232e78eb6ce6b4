"""One client of a Huey queue in SQLite, written to disk at every commit.

Arguments: the database. Says ``ready``. Each line is ``put <count>`` or ``take``; the answer is
when it began, when it ended (ns since the epoch) and how many tasks it put or took. Taking is all
Huey's own consumer does before it runs a task: there is no second step that says it is done.
Runs in the peers' environment.
"""

import sys
import time

from huey import SqliteHuey  # type: ignore[import-not-found]

huey = SqliteHuey(filename=sys.argv[1], fsync=True, results=False)


@huey.task()  # type: ignore[untyped-decorator]
def work(payload: str) -> str:
    return payload


def put(count: int) -> int:
    for _ in range(count):
        work("x" * 200)
    return count


def take() -> int:
    count = 0
    while huey.dequeue() is not None:
        count += 1
    return count


print("ready", flush=True)
for line in sys.stdin:
    what, *given = line.split()
    began = time.time_ns()
    done = put(int(given[0])) if what == "put" else take()
    print(began, time.time_ns(), done, flush=True)
