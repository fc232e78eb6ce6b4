"""Regular expressions that users send, matched so that no pattern can hang the server.

RE2 matches in linear time. Where a pattern needs what RE2 has not (look-around,
back-references), it is refused with a clear error rather than run by a backtracking engine.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache

import re2

from taskyard.api.errors import BAD_REGEX, ApiError

_options = re2.Options()
_options.log_errors = False
_options.max_mem = 8 << 20


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re2._Regexp:
    """The compiled pattern, unanchored. Raises ApiError(BAD_REGEX) for one that is not valid."""
    return _compile(pattern, _options)


def line_pattern(pattern: str, *, literal: bool, ignore_case: bool) -> re2._Regexp:
    """A pattern, or a text as it stands, to be found within lines of UTF-8.

    Raises ApiError(BAD_REGEX) for a pattern that is not valid.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _options.max_mem
    options.never_nl = True
    options.literal = literal
    options.case_sensitive = not ignore_case
    return _compile(pattern if literal else f"(?m){pattern}", options)


def _compile(pattern: str, options: re2.Options) -> re2._Regexp:
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        (words,) = error.args
        raise ApiError(
            BAD_REGEX,
            words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words),
            pattern=pattern,
            hint="Patterns use RE2's syntax: no look-around and no back-references.",
        ) from error


def install_matcher(connection: sqlite3.Connection) -> None:
    """Give SQLite the function ``matches(pattern, value)``: 1, 0, or NULL for a NULL value."""

    def matches(pattern: str, value: object) -> int | None:
        if value is None:
            return None
        return 1 if compiled(pattern).search(str(value)) else 0

    connection.create_function("matches", 2, matches, deterministic=True)
