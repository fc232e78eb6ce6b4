"""Parts of curves as a screen draws them: every spike of the part is in what is given."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from taskyard.server.domain import series as rules
from taskyard.server.domain.series import Window
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import scalars
from taskyard.server.store.events.catalog import Series
from taskyard.server.store.events.scalars import Chunk, Chunks


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where, both included; None for an end that is open."""

    start: int | None = None
    end: int | None = None

    def overlaps(self, first: int, last: int) -> bool:
        return (self.start is None or last >= self.start) and (
            self.end is None or first <= self.end
        )

    def within(self, x: array[int]) -> tuple[int, int]:
        """The places of the ascending ``x`` that lie in the span."""
        low = 0 if self.start is None else bisect_left(x, self.start)
        high = len(x) if self.end is None else bisect_right(x, self.end)
        return low, max(low, high)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of one series. ``exact`` when each step is a single point."""

    series: Series
    window: Window
    exact: bool


def look(tx: Tx, group: Chunks, span: Span, steps: int, *, by_time: bool) -> Seen:
    """A series within a span of iterations, or of times (milliseconds), in at most ``steps``."""
    chunks = group.chunks
    if not by_time:
        chunks = [c for c in chunks if span.overlaps(c.first_iter, c.last_iter)]
    part = Chunks(group.series, chunks)
    if part.points >= 2 * steps * rules.STEP and not part.overlaps():
        rough = _rough(tx, chunks, span, steps, by_time=by_time)
        if rough is not None:
            return Seen(group.series, rough, exact=False)
    points = rules.drawable(scalars.points_of(tx, chunks))
    if by_time:
        points = rules.by_time(points)
    x = points.times if by_time else points.iters
    low, high = span.within(x)
    window = rules.view(x[low:high], points.values[low:high], steps)
    return Seen(group.series, window, exact=all(count == 1 for count in window.counts))


def _rough(tx: Tx, chunks: list[Chunk], span: Span, steps: int, *, by_time: bool) -> Window | None:
    """The view from roll-ups; None where they are too coarse, or their times do not ascend."""
    buckets = scalars.roll_up(tx, chunks)
    x = buckets.times if by_time else buckets.iters
    if by_time and any(map(int.__gt__, x, x[1:])):
        return None
    low, high = span.within(x)
    # The span may begin within a bucket.
    low = max(0, low - 1)
    if high - low < 2 * steps:
        return None
    return rules.view_buckets(buckets.slice(low, high), x[low:high], steps)
