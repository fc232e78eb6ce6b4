"""One client of our server's queue over HTTP.

Arguments: the server's address and the queue; the key pair comes as variables. Says ``ready``.
Each line is ``put <task> ...``, which enqueues these tasks, or ``take``, which takes and finishes
tasks until there are no more; the answer is when it began, when it ended (ns since the epoch) and
how many tasks it put or took. Runs in our environment.
"""

import os
import sys
import time

from taskyard.client.session import Session


def put(session: Session, queue: str, tasks: list[str]) -> int:
    for task in tasks:
        session.raw("tasks.enqueue", {"task": task, "queue": queue})
    return len(tasks)


def take(session: Session, queue: str, worker: str) -> int:
    count = 0
    while leased := session.raw("attempts.take", {"worker": worker, "queues": [queue]})["attempts"]:
        for one in leased:
            named = {"task": one["task"], "attempt": one["attempt"], "worker": worker}
            session.raw("attempts.finish", {**named, "outcome": "completed"})
            count += 1
    return count


def main() -> None:
    url, queue = sys.argv[1:]
    session = Session(url, os.environ["TASKYARD_ACCESS_KEY"], os.environ["TASKYARD_SECRET_KEY"])
    session.raw("server.info")
    print("ready", flush=True)
    for line in sys.stdin:
        what, *tasks = line.split()
        began = time.time_ns()
        if what == "put":
            done = put(session, queue, tasks)
        else:
            done = take(session, queue, f"load:{os.getpid()}")
        print(began, time.time_ns(), done, flush=True)


if __name__ == "__main__":
    main()
