"""Amounts of bytes as people write them."""

from __future__ import annotations

import argparse
import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def size(words: str) -> int:
    """Bytes: ``512M`` and ``512MiB`` are 512 times 2**20. Raises ArgumentTypeError."""
    found = _SIZE.fullmatch(words.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{words!r} is no size: give bytes, 512M or 1.5G")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))
