"""The hours in which an agent takes tasks, such as ``8-20 MON-FRI``. No I/O.

Hours are those of the machine's local time. A span that ends before it begins goes on into the
next day: ``22-6 FRI`` is from Friday evening to Saturday morning. Days wrap around the week's end:
``FRI-MON`` has four. Without days a span is for every day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from taskyard.api.errors import TaskyardError

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
WEEK = 7 * 24
STEP = timedelta(minutes=15)
"""Every time zone's hours begin at one of these."""

Hours = frozenset[int]
"""Hours of the week in which something holds; 0 is Monday from midnight to one."""


class Schedule(msgspec.Struct, frozen=True):
    """When to take tasks."""

    hours: Hours = frozenset(range(WEEK))
    words: str = ""
    """As people wrote it."""

    def open_at(self, moment: datetime) -> bool:
        """Whether tasks are taken then; ``moment`` is local time."""
        return moment.weekday() * 24 + moment.hour in self.hours

    def next_change(self, moment: datetime) -> datetime | None:
        """When tasks begin or cease to be taken after ``moment``, which knows its time zone.

        None when that never happens.
        """
        if len(self.hours) in (0, WEEK):
            return None
        now = self.open_at(moment)
        utc = moment.astimezone(UTC)
        later = utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)
        # A clock that is set back shows an hour twice: a week of hours may take longer to see.
        for _ in range((WEEK + 48) * 4):
            later += STEP
            local = _as_local(later, moment)
            if self.open_at(local) != now:
                return local
        return None


def _as_local(moment: datetime, like: datetime) -> datetime:
    zone = like.tzinfo
    # A bare offset knows nothing of the changes of summer; the machine does.
    return moment.astimezone(zone if hasattr(zone, "key") else None)


def schedule(uptime: Sequence[str] = (), downtime: Sequence[str] = ()) -> Schedule:
    """The hours of ``uptime`` (always, when there is none) that are not in ``downtime``.

    Raises TaskyardError for what is no span of hours.
    """
    hours = parse(uptime) if uptime else frozenset(range(WEEK))
    words = [f"up {' '.join(uptime)}"] if uptime else []
    words += [f"down {' '.join(downtime)}"] if downtime else []
    return Schedule(hours - parse(downtime), ", ".join(words))


def parse(words: Sequence[str]) -> Hours:
    """The hours of the week in spans such as ``8-20 MON-FRI 10-12,14-16 SAT``.

    Raises TaskyardError.
    """
    tokens = " ".join(words).upper().split()
    found: set[int] = set()
    while tokens:
        spans = tokens.pop(0)
        days = tokens.pop(0) if tokens and not tokens[0][0].isdigit() else "MON-SUN"
        for day in _days(days):
            for span in spans.split(","):
                found |= {(day * 24 + hour) % WEEK for hour in _hours(span)}
    return frozenset(found)


def _days(word: str) -> Iterable[int]:
    for part in word.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise _unclear(part)
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 if dash else 0
        yield from ((start + more) % 7 for more in range(length + 1))


def _hours(span: str) -> Iterable[int]:
    """Hours counted from midnight of the day; from 24 on, they are the next day's."""
    match = re.fullmatch(r"(\d\d?)(?:-(\d\d?))?", span)
    if match is None:
        raise _unclear(span)
    first = int(match[1])
    last = int(match[2]) if match[2] else first + 1
    if first > 23 or last > 24:
        raise _unclear(span)
    return range(first, last if last > first else last + 24)


def _unclear(part: str) -> TaskyardError:
    return TaskyardError(
        f"{part!r} is no span of hours or days",
        hint='Write hours from 0 to 24 and days, such as "8-20 MON-FRI" or "22-6 FRI,SAT".',
    )
