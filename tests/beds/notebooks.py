"""Notebooks for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def notebook(*cells: str) -> str:
    """A notebook with a heading and these code cells."""
    heading = {"cell_type": "markdown", "metadata": {}, "source": ["# Work"]}
    code: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "metadata": {},
            "source": source.splitlines(keepends=True),
            "outputs": [],
            "execution_count": None,
        }
        for source in cells
    ]
    return json.dumps(
        {
            "cells": [heading, *code],
            "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def texts(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """What each code cell printed."""
    return [
        "".join("".join(o["text"]) for o in cell["outputs"] if o["output_type"] == "stream")
        for cell in cells
        if cell["cell_type"] == "code"
    ]
