"""Where agents keep what is theirs. Cheap to import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where agents of this user keep runs, mirrors and environments."""
    named = environ.get("TASKYARD_AGENT_DATA")
    return Path(named or "~/.cache/taskyard").expanduser().absolute()
