"""Addresses may carry user names and tokens; what is stored, shown or compared must not."""

from __future__ import annotations

import re


def anonymous(text: str) -> str:
    """The text with user names and passwords taken out of its URLs.

    The user of an ``ssh`` address stays: it is part of the address and no secret.

    >>> anonymous("see https://me:token@example.org/x and git+ssh://git@example.org/y")
    'see https://example.org/x and git+ssh://git@example.org/y'
    """
    return re.sub(r"(?<!ssh://)(?<=://)[^/@\s]+@", "", text)
