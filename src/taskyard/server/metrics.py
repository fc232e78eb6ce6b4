"""``GET /metrics``: numbers for Prometheus, in its text format.

Counters are of this process, and so begin again when it does; gauges are of the database, and
so the same on every server of it.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

import psutil
from starlette.requests import Request
from starlette.responses import Response

from taskyard import __version__
from taskyard.api.errors import ApiError
from taskyard.api.states import LIVE_ATTEMPT, Status
from taskyard.server.auth import without_borrowed_cookie
from taskyard.server.call import COMPANY
from taskyard.server.store import gauges

if TYPE_CHECKING:
    from taskyard.server.app import Server

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Upper edges of the buckets that request times are counted in: seconds."""

FRESH = 1.0
"""Seconds for which the gauges are not read again, however many ask."""

UNKNOWN = "unknown"
"""Stands for all that is no action: callers must not be able to make up labels."""

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]


class Counters:
    """What happened in this process. Lives on the event loop; counting costs a microsecond."""

    def __init__(self) -> None:
        self.leases_lost = 0
        self._answers: dict[tuple[str, int], int] = {}
        self._times: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._gauges: tuple[float, gauges.Gauges] | None = None

    def answered(self, action: str, code: int, seconds: float) -> None:
        """Count a request of the API and how long it took, waiting included."""
        key = (action, code)
        self._answers[key] = self._answers.get(key, 0) + 1
        times = self._times.get(action)
        if times is None:
            times = self._times[action] = [0] * (len(BOUNDS) + 1)
        times[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[action] = self._seconds.get(action, 0.0) + seconds

    def answers(self) -> Iterator[Sample]:
        for (action, code), count in sorted(self._answers.items()):
            yield "", (("action", action), ("code", str(code))), count

    def times(self) -> Iterator[Sample]:
        for action, counts in sorted(self._times.items()):
            total = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
                total += count
                yield "_bucket", (("action", action), ("le", bound)), total
            yield "_sum", (("action", action),), self._seconds[action]
            yield "_count", (("action", action),), total

    async def standing(self, server: Server) -> gauges.Gauges:
        """The database's numbers, at most :data:`FRESH` seconds old. Raises ApiError."""
        if self._gauges is None or self._gauges[0] + FRESH < time.monotonic():
            read = await server.control.read(partial(gauges.read, company=COMPANY))
            self._gauges = (time.monotonic(), read)
        return self._gauges[1]


async def answer(server: Server, request: Request) -> Response:
    """Answer ``GET /metrics``."""
    if server.settings.private_metrics:
        try:
            headers = without_borrowed_cookie(request.headers)
            await server.authenticate(headers, request.client.host if request.client else "")
        except ApiError as error:
            challenge = {"www-authenticate": 'Basic realm="Taskyard"'}
            return Response(f"{error.what}\n", error.code, headers=challenge)
    return Response(await text(server), media_type=CONTENT_TYPE)


async def text(server: Server) -> str:
    """All numbers. Those of the database are left out while it does not answer."""
    try:
        now = await server.counters.standing(server)
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
