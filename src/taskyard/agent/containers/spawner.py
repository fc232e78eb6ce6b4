"""A spawner whose supervisors have imported what containers need, too."""

from __future__ import annotations

from taskyard.agent.containers import attempt
from taskyard.agent.run import spawner

__all__ = ["attempt"]

if __name__ == "__main__":
    raise SystemExit(spawner.main())
