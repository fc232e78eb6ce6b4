"""The exit codes of every command. A script may rely on them."""

from __future__ import annotations

OK, FAILED, USAGE, NOT_FOUND, FORBIDDEN, CONFLICT, UNREACHABLE, TIMED_OUT = range(8)
OUR_FAULT = 125
"""What ``run`` and ``wait`` exit with when not the task but Taskyard failed."""
INTERRUPTED = 130
"""After Ctrl-C, as a shell counts it."""
