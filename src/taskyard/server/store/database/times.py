"""Times: microseconds since the epoch inside, ISO-8601 in UTC on the wire."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from taskyard.api.errors import VALIDATION, ApiError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|z|[+-]\d\d(?::?\d\d)?)?"
)


@lru_cache(maxsize=1024)
def to_wire(time: int | None) -> str | None:
    """``2026-11-23T13:49:05.123456+00:00`` for microseconds; None stays None."""
    if time is None:
        return None
    return (EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds")


def from_wire(value: object) -> int:
    """Microseconds for ISO text (no zone means UTC) or a number of seconds since the epoch.

    Raises ApiError(VALIDATION) for anything that is not a time.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _checked(float(value), str(value))
    raise _refused(value)


def _from_text(text: str) -> int:
    found = _ISO.fullmatch(text)
    if found is None:
        try:
            return _checked(float(text), text)
        except ValueError:
            raise _refused(text) from None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=_zone(zone),
        )
    except ValueError:
        raise _refused(text) from None
    return (moment - EPOCH) // timedelta(microseconds=1)


def _zone(text: str | None) -> timezone:
    if text in (None, "Z", "z"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _checked(seconds: float, shown: str) -> int:
    # Twelve digits and more can only be milliseconds: both are in use for epochs.
    if abs(seconds) >= 1e11:
        seconds /= 1000
    if not abs(seconds) < 1e11:
        raise _refused(shown)
    return round(seconds * 1_000_000)


def _refused(value: object) -> ApiError:
    return ApiError(
        VALIDATION,
        f"not a time: {value!r}",
        hint="Give ISO-8601 such as 2026-11-23T13:49:05+00:00, or seconds since the epoch.",
    )
