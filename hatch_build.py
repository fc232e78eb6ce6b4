"""Build the page before the package is put together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds web/ into the package; an editable installation is left to scripts/setup."""

    def initialize(self, version: str, _build_data: dict[str, Any]) -> None:
        if version != "editable":
            script = Path(self.root) / "web" / "build.py"
            subprocess.run([sys.executable, str(script)], check=True)
