"""What happened in this server process, counted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Upper edges of the buckets that request times are counted in: seconds."""

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
