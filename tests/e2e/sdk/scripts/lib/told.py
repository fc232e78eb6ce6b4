"""How a script hands what the SDK read back to its test."""

import json
import os


def tell(**values):
    """Add values to what the test is told; what is no JSON is told as text."""
    path = os.environ["TOLD"]
    known = {}
    if os.path.exists(path):
        with open(path) as file:
            known = json.load(file)
    with open(path, "w") as file:
        json.dump({**known, **values}, file, default=_plain)


def _plain(value):
    return value.item() if hasattr(value, "item") else str(value)
