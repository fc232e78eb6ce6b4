"""The hours in which an agent takes tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.agent.schedule import DAYS, WEEK, Schedule, parse, schedule
from taskyard.api.errors import TaskyardError


def day(name: str, *hours: int) -> set[int]:
    return {(DAYS.index(name) * 24 + hour) % WEEK for hour in hours}


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("0-8 MON", day("MON", *range(8))),
        ("22-6 MON", day("MON", 22, 23) | day("TUE", *range(6))),
        ("22-6 SUN", day("SUN", 22, 23) | day("MON", *range(6))),
        ("20-00,00-08 SUN", day("SUN", *range(8), 20, 21, 22, 23)),
        ("9-10 FRI-MON", day("FRI", 9) | day("SAT", 9) | day("SUN", 9) | day("MON", 9)),
        ("9-10 MON,WED", day("MON", 9) | day("WED", 9)),
        ("8 TUE", day("TUE", 8)),
        ("0-24 TUE", day("TUE", *range(24))),
        ("8-8 TUE", day("TUE", *range(8, 32))),
        ("8-9 MON 10-11 TUE", day("MON", 8) | day("TUE", 10)),
        ("8-9", {24 * number + 8 for number in range(7)}),
        ("", set()),
    ],
)
def test_spans_are_hours_of_the_week(words: str, hours: set[int]) -> None:
    assert parse([words]) == hours


@pytest.mark.parametrize("words", ["8-25", "24-3", "MON", "8-9 MOON", "8-9 MON-", "late", "8-9-10"])
def test_what_is_no_span_is_refused(words: str) -> None:
    with pytest.raises(TaskyardError, match="no span of hours or days"):
        parse([words])


@given(
    start=st.integers(0, 23),
    length=st.integers(1, 24),
    first=st.integers(0, 6),
    days=st.integers(1, 7),
    at=st.integers(0, WEEK - 1),
)
def test_an_hour_is_in_a_span_when_one_of_its_days_reaches_it(
    start: int, length: int, first: int, days: int, at: int
) -> None:
    last = DAYS[(first + days - 1) % 7]
    found = parse([f"{start}-{(start + length) % 24} {DAYS[first]}-{last}"])
    begins = [((first + number) % 7) * 24 + start for number in range(days)]
    assert (at in found) == any((at - begin) % WEEK < length for begin in begins)


def test_downtime_is_taken_from_uptime() -> None:
    hours = schedule(["8-20 MON-FRI"], ["12-13"])
    noon = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert not hours.open_at(noon)
    assert hours.open_at(noon + timedelta(hours=1))


def test_without_words_it_is_always_open() -> None:
    assert schedule().next_change(datetime(2026, 11, 23, tzinfo=UTC)) is None


@given(
    hours=st.frozensets(st.integers(0, WEEK - 1), min_size=1, max_size=WEEK - 1),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]),
    seconds=st.integers(0, 400 * 24 * 3600),
)
def test_nothing_changes_before_the_next_change(
    hours: frozenset[int], zone: str, seconds: int
) -> None:
    plan = Schedule(hours)
    moment = datetime.fromtimestamp(1_790_000_000 + seconds, ZoneInfo(zone))
    then = plan.next_change(moment)
    assert then is not None
    assert then > moment
    assert plan.open_at(then) != plan.open_at(moment)
    before = (then.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert plan.open_at(before) == plan.open_at(moment)
