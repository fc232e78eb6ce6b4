"""What tests of leases do: as an agent does it, and as time does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from taskyard.api.errors import ApiError
from taskyard.server.jobs import reaper
from taskyard.server.store.tables import attempts
from tests.beds.server import Api, Running
from tests.server.making import new_queue, queued


def take(api: Api, *queues: str, worker: str = "w:0", **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("attempts.take", worker=worker, queues=list(queues), **body)[
        "attempts"
    ]
    return found


def leased(api: Api, **fields: Any) -> tuple[str, str, dict[str, Any]]:
    """A queue, a task that was in it, and the lease under which a worker has just taken it."""
    queue = new_queue(api)
    task = queued(api, queue, **fields)
    (lease,) = take(api, queue)
    return queue, task, lease


def renew(api: Api, lease: dict[str, Any], **body: Any) -> dict[str, Any]:
    held = {"task": lease["task"], "attempt": lease["attempt"]}
    answer = api("attempts.renew", worker="w:0", attempts=[held], **body)
    result: dict[str, Any] = answer["results"][0]
    return result


def report(api: Api, lease: dict[str, Any], **body: Any) -> int:
    held = {"task": lease["task"], "attempt": lease["attempt"], "worker": "w:0"}
    kept: int = api("attempts.report", **held, **body)["console"]
    return kept


def finish(api: Api, lease: dict[str, Any], outcome: str, **body: Any) -> dict[str, Any]:
    held = {"task": lease["task"], "attempt": lease["attempt"]}
    answer: dict[str, Any] = api("attempts.finish", **held, outcome=outcome, **body)
    return answer


def history(api: Api, task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("attempts.get_all", task=task)["attempts"]
    return found


def console(api: Api, task: str) -> list[str]:
    found = api("events.get_task_log", task=task, order="asc", batch_size=100)["events"]
    return [event["msg"] for event in found]


def states(api: Api, task: str) -> list[str]:
    return [attempt["state"] for attempt in history(api, task)]


def refused(do: Callable[..., Any], *args: Any, **body: Any) -> tuple[int, int]:
    with pytest.raises(ApiError) as caught:
        do(*args, **body)
    return caught.value.kind


def run_out(server: Running, task: str) -> None:
    """Let the lease on a task end, and the reaper see it."""
    past = update(attempts).where(attempts.c.task == task, attempts.c.deadline.is_not(None))
    server.await_(
        server.server.control.write(lambda tx: tx.execute(past.values(deadline=tx.now - 1)))
    )
    server.await_(reaper.run(server.server))


ANY = {"max": 1, "causes": []}
