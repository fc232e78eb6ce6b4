"""``GET /metrics``: numbers for Prometheus, in its text format.

Counters are of this process, and so begin again when it does; gauges are of the database, and
so the same on every server of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cache, partial

import psutil
from starlette.requests import Request
from starlette.responses import Response

from taskyard import __version__
from taskyard.api.errors import ApiError
from taskyard.api.states import LIVE_ATTEMPT, Status
from taskyard.server.auth import authenticate, without_borrowed_cookie
from taskyard.server.core import Server
from taskyard.server.counters import Sample
from taskyard.server.domain.company import COMPANY
from taskyard.server.store import gauges
from taskyard.server.store.database.engine import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FRESH = 1.0
"""Seconds for which the gauges are not read again, however many ask."""


class Standing:
    """The database's numbers, read for all who ask within :data:`FRESH` seconds together."""

    def __init__(self) -> None:
        self._known: tuple[float, gauges.Gauges] | None = None

    async def now(self, control: Database) -> gauges.Gauges:
        """Raises ApiError when the database does not answer."""
        if self._known is None or self._known[0] + FRESH < time.monotonic():
            read = await control.read(partial(gauges.read, company=COMPANY))
            self._known = (time.monotonic(), read)
        return self._known[1]


async def answer(server: Server, standing: Standing, request: Request) -> Response:
    """Answer ``GET /metrics``."""
    if server.settings.private_metrics:
        try:
            headers = without_borrowed_cookie(request.headers)
            await authenticate(server, headers, request.client.host if request.client else "")
        except ApiError as error:
            challenge = {"www-authenticate": 'Basic realm="Taskyard"'}
            return Response(f"{error.what}\n", error.code, headers=challenge)
    return Response(await text(server, standing), media_type=CONTENT_TYPE)


async def text(server: Server, standing: Standing) -> str:
    """All numbers. Those of the database are left out while it does not answer."""
    try:
        now = await standing.now(server.control)
    except ApiError:
        now = None
    lines = list(_process())
    lines += _family("taskyard_info", "gauge", "The version.", [_one(1, version=__version__)])
    up = "Whether the database answers."
    lines += _family("taskyard_database_up", "gauge", up, [_one(now is not None)])
    lines += _server(server)
    if now is not None:
        lines += _database(now)
    return "\n".join(lines) + "\n"


def _server(server: Server) -> Iterator[str]:
    counters = server.counters
    yield from _family(
        "taskyard_requests_total", "counter", "Requests of the API.", counters.answers()
    )
    yield from _family(
        "taskyard_request_seconds",
        "histogram",
        "Time of requests of the API, waiting of long polls included.",
        counters.times(),
    )
    yield from _family(
        "taskyard_leases_lost_total",
        "counter",
        "Runs that ended because their agent was silent for too long.",
        [_one(counters.leases_lost)],
    )
    yield from _family(
        "taskyard_streams",
        "gauge",
        "Open streams of changes.",
        [_one(server.changes.followers)],
    )


def _database(now: gauges.Gauges) -> Iterator[str]:
    yield from _family(
        "taskyard_queue_length",
        "gauge",
        "Tasks that wait.",
        [_one(queue.length, queue=queue.name) for queue in now.queues],
    )
    yield from _family(
        "taskyard_queue_oldest_seconds",
        "gauge",
        "How long the longest waiting task has waited.",
        [_one(queue.oldest, queue=queue.name) for queue in now.queues],
    )
    yield from _family(
        "taskyard_queue_paused",
        "gauge",
        "Whether the queue hands out nothing.",
        [_one(queue.paused, queue=queue.name) for queue in now.queues],
    )
    yield from _family(
        "taskyard_tasks",
        "gauge",
        "Tasks by status.",
        [_one(now.tasks.get(status, 0), status=status) for status in Status],
    )
    yield from _family(
        "taskyard_attempts",
        "gauge",
        "Runs under way by state.",
        [_one(now.attempts.get(state, 0), state=state) for state in sorted(LIVE_ATTEMPT)],
    )
    yield from _family(
        "taskyard_workers",
        "gauge",
        "Workers that are there.",
        [_one(now.busy_workers, state="busy"), _one(now.idle_workers, state="idle")],
    )


@cache
def _this_process() -> psutil.Process:
    return psutil.Process()


def _process() -> Iterator[str]:
    process = _this_process()
    with process.oneshot():
        times = process.cpu_times()
        for name, kind, what, value in (
            ("cpu_seconds_total", "counter", "Processor time.", times.user + times.system),
            ("resident_memory_bytes", "gauge", "Memory.", process.memory_info().rss),
            ("start_time_seconds", "gauge", "Start, since the epoch.", process.create_time()),
            ("open_fds", "gauge", "Open file descriptors.", process.num_fds()),
        ):
            yield from _family(f"process_{name}", kind, what, [_one(value)])


def _one(value: float, **labels: str) -> Sample:
    return "", tuple(labels.items()), value


def _family(name: str, kind: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        shown = f"{{{inside}}}" if inside else ""
        yield f"{name}{suffix}{shown} {float(value):.15g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
