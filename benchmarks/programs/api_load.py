"""One client of our server's queue over HTTP.

Arguments: the server's address, the queue, and ``together`` when the end of a task and the next
one are one call. Is told and answers as :mod:`measured` says; what it is to put are the names of
tasks. Taking is to take under a lease, and to finish. Runs in our environment.
"""

import os
import sys
from typing import Any

from measured import serve  # type: ignore[import-not-found]

from taskyard.client.session import Session

URL, QUEUE, HOW = sys.argv[1:]
WORKER = f"load:{os.getpid()}"
TAKE = {"worker": WORKER, "queues": [QUEUE]}

session = Session(URL, os.environ["TASKYARD_ACCESS_KEY"], os.environ["TASKYARD_SECRET_KEY"])
session.raw("server.info")
held: list[dict[str, Any]] = []


def put(task: str) -> bool:
    session.raw("tasks.enqueue", {"task": task, "queue": QUEUE})
    return True


def take() -> bool:
    if not held:
        held.extend(session.raw("attempts.take", TAKE)["attempts"])
    if not held:
        return False
    one = held.pop()
    end = {"task": one["task"], "attempt": one["attempt"], "worker": WORKER, "outcome": "completed"}
    if HOW == "together":
        end["take"] = TAKE
    answer = session.raw("attempts.finish", end)
    held.extend(answer.get("taken", {}).get("attempts", []))
    return True


serve(put, take)
